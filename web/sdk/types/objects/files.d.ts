/**
 * Files in a log: an entry names a file, and refers to its object. The command line keeps files in the same way.
 *
 * An entry's value is `{"name": "photos/a.jpg", "bytes": 123, "type": "image/jpeg", "modified_ms": 1700000000000}`, and
 * whatever the application adds. With a preview, which is an object of its own that the entry refers to next, its media type
 * is there, too, as `"preview"`.
 *
 * @import { Browser } from "../browser.js"
 * @import { LogEntry } from "../chains/log_entry.js"
 * @import { ChainKeys } from "../format/keys.js"
 * @import { Reference } from "../format/reference.js"
 *
 * @typedef {object} PutOptions
 * @property {string} [name] the file's own, if not given
 * @property {Record<string, unknown>} [about] more to be written into the entry
 * @property {Blob} [preview] such as a small picture of it, which goes and comes with it
 * @property {(done: number, total: number) => void} [onProgress] in bytes
 * @property {AbortSignal} [signal]
 * @typedef {object} GetOptions
 * @property {boolean} [preview] that in place of the file
 * @property {number} [bytesMax] 4 GiB, if not given
 * @property {(done: number, total: number) => void} [onProgress] in bytes
 * @property {AbortSignal} [signal]
 * @typedef {{ reference: Reference, name: string, type: string }} FileInEntry
 */
import type { Browser } from "../browser.js";
import type { LogEntry } from "../chains/log_entry.js";
import type { ChainKeys } from "../format/keys.js";
import type { Reference } from "../format/reference.js";
export type PutOptions = {
    /**
     * the file's own, if not given
     */
    name?: string;
    /**
     * more to be written into the entry
     */
    about?: Record<string, unknown>;
    /**
     * such as a small picture of it, which goes and comes with it
     */
    preview?: Blob;
    /**
     * in bytes
     */
    onProgress?: (done: number, total: number) => void;
    signal?: AbortSignal;
};
export type GetOptions = {
    /**
     * that in place of the file
     */
    preview?: boolean;
    /**
     * 4 GiB, if not given
     */
    bytesMax?: number;
    /**
     * in bytes
     */
    onProgress?: (done: number, total: number) => void;
    signal?: AbortSignal;
};
export type FileInEntry = {
    reference: Reference;
    name: string;
    type: string;
};
/**
 * Puts a file's bytes, and gives what an entry says of it. An earlier try that was broken off is gone on with.
 *
 * @param {Browser} browser
 * @param {ChainKeys} keys of the log that it is for
 * @param {Blob} blob
 * @param {PutOptions} options
 * @returns {Promise<{ value: Record<string, unknown>, references: Reference[] }>}
 */
export declare function putFile(browser: Browser, keys: ChainKeys, blob: Blob, { name, about, preview, onProgress, signal }: PutOptions): Promise<{
    value: Record<string, unknown>;
    references: Reference[];
}>;
/**
 * A whole file. The browser may keep its bytes on disk.
 *
 * @param {Browser} browser
 * @param {LogEntry} entry
 * @param {GetOptions} options
 * @returns {Promise<File>}
 */
export declare function getFile(browser: Browser, entry: LogEntry, { preview, bytesMax, onProgress, signal }: GetOptions): Promise<File>;
/**
 * A file's bytes, or some of them, as they come.
 *
 * @param {Browser} browser
 * @param {LogEntry} entry
 * @param {{ start?: number, stop?: number, signal?: AbortSignal }} options the bytes with start <= offset < stop
 * @returns {Promise<ReadableStream<Uint8Array<ArrayBuffer>>>}
 */
export declare function streamFile(browser: Browser, entry: LogEntry, { start, stop, signal }: {
    start?: number;
    stop?: number;
    signal?: AbortSignal;
}): Promise<ReadableStream<Uint8Array<ArrayBuffer>>>;
/**
 * Lets go of the blocks of a file, unless another entry refers to the same. What else pins a block keeps it.
 *
 * @param {Browser} browser
 * @param {ChainKeys} keys
 * @param {LogEntry | Blob} entry a blob: of an upload that was broken off
 * @param {LogEntry[]} list all of the log
 */
export declare function removeFile(browser: Browser, keys: ChainKeys, entry: LogEntry | Blob, list: LogEntry[]): Promise<void>;
/**
 * @param {LogEntry} entry
 * @param {{ preview?: boolean }} [options]
 * @returns {FileInEntry}
 * @throws {NotFound}
 */
export declare function fileIn({ value, references }: LogEntry, { preview }?: {
    preview?: boolean;
}): FileInEntry;

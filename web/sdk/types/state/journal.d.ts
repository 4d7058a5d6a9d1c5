/**
 * Journals of half-done uploads: which chunks of a file are on the server already, so that a broken-off upload goes on
 * where it was. They hold the chunks' keys, sealed with the device's, and go when the upload is done, or after a month.
 *
 * @import { Reference as OneReference } from "../format/reference.js"
 * @import { Database } from "./database.js"
 * @import { Memory } from "./memory.js"
 * @import { Device } from "./device.js"
 */
import type { Reference as OneReference } from "../format/reference.js";
import type { Database } from "./database.js";
import type { Memory } from "./memory.js";
import type { Device } from "./device.js";
/** The journal of one upload. */
export declare class Journal {
    #private;
    /** @param {Database | Memory} database @param {Device} device @param {string} shelf names file, destination and chunk size */
    constructor(database: Database | Memory, device: Device, shelf: string);
    /**
     * Does work on this upload when no other tab does.
     *
     * @template T
     * @param {() => Promise<T>} work
     * @returns {Promise<T>}
     */
    alone<T>(work: () => Promise<T>): Promise<T>;
    /** @returns {Promise<Map<number, OneReference>>} chunks by index, as far as an earlier try came */
    known(): Promise<Map<number, OneReference>>;
    /** @param {number} index @param {OneReference} reference of a chunk that stands on the server */
    record(index: number, reference: OneReference): Promise<void>;
    /** Forgets the upload: it is complete. */
    remove(): Promise<void>;
}

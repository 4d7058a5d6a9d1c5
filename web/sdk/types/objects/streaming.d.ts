/**
 * Files at addresses of this page's own, for `<video>`, `<audio>` and `<img>`, and for saving: a service worker answers there,
 * range by range, with what this page fetches, verifies and opens. See streaming_worker.js for the other half.
 *
 * An address holds a random token, which this page understands as long as it lives; no key, and nothing of the file.
 *
 * @import { Browser } from "../browser.js"
 * @import { LogEntry } from "../chains/log_entry.js"
 * @import { Asked } from "./answers.js"
 * @import { FileInEntry } from "./files.js"
 * @import { MediaKind } from "./media.js"
 *
 * @typedef {{ begun: () => void, failed: (error: unknown) => void, frame: HTMLIFrameElement }} Saving
 */
import type { Browser } from "../browser.js";
import type { LogEntry } from "../chains/log_entry.js";
import type { Asked } from "./answers.js";
import type { MediaKind } from "./media.js";
export type Saving = {
    begun: () => void;
    failed: (error: unknown) => void;
    frame: HTMLIFrameElement;
};
import { CairnError } from "../errors.js";
import { Signal } from "../signal.js";
/** The files that this page streams. Made by `Cairn.streaming`. */
export declare class Streaming {
    #private;
    /** Why the last file that failed did: the element that shows it is not told. @type {Signal<CairnError | null>} */
    problem: Signal<CairnError | null>;
    /** @param {Browser} browser @param {ServiceWorker} worker @param {string} prefix of all addresses; see `of` */
    constructor(browser: Browser, worker: ServiceWorker, prefix: string);
    /**
     * @param {Browser} browser
     * @param {string | URL} file of the application's worker
     * @returns {Promise<Streaming>}
     * @throws {CairnError} unsupported: there are no service workers here
     */
    static of(browser: Browser, file: string | URL): Promise<Streaming>;
    /**
     * The address of an entry's file, for an element of this page: the same one whenever it is asked for.
     *
     * @param {LogEntry} entry
     * @param {{ preview?: boolean }} [options]
     * @returns {string}
     * @throws {NotFound} the entry has no file, or no preview
     */
    url(entry: LogEntry, options?: {
        preview?: boolean;
    }): string;
    /** Which element shows an entry's file: null, none does. @param {LogEntry} entry @returns {MediaKind | null} */
    kindOf(entry: LogEntry): MediaKind | null;
    /**
     * Saves an entry's file as the browser saves what is downloaded: to disk as it comes, whatever its size.
     *
     * @param {LogEntry} entry
     * @returns {Promise<void>} when it has begun
     * @throws {CairnError} as `Log.getFile`
     */
    save(entry: LogEntry): Promise<void>;
    /** Forgets all addresses that were given out. */
    close(): void;
    /** @param {Asked & { token: string }} asked of a token of its own @param {MessagePort} port */
    answer(asked: Asked & {
        token: string;
    }, port: MessagePort): Promise<void>;
}

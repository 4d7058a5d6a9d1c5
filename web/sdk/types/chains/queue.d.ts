/**
 * What waits in the outbox for one chain: shown, sent when it can be, and settled with those who asked, whichever tab sends
 * it in the end.
 *
 * @import { Browser, News } from "../browser.js"
 * @import { Bytes } from "../format/bytes.js"
 * @import { Place } from "../state/database.js"
 * @import { Outbox } from "../state/outbox.js"
 * @import { LogEntry } from "./log_entry.js"
 * @import { Delivered } from "./posting.js"
 * @import { Wanted, Writer } from "./writer.js"
 *
 * @typedef {{ seq: number | null }} Added null: it waits in the outbox
 * @typedef {{ key: Place, entry: LogEntry }} Queued
 * @typedef {object} QueueEvents
 * @property {() => void} onChange what waits is other than before
 * @property {() => void} onSent nothing waits any more
 * @property {(error: CairnError) => void} onProblem what waits is refused, and nobody is here to be told
 */
import type { Browser, News } from "../browser.js";
import type { Bytes } from "../format/bytes.js";
import type { Place } from "../state/database.js";
import type { Outbox } from "../state/outbox.js";
import type { LogEntry } from "./log_entry.js";
import type { Wanted, Writer } from "./writer.js";
export type Added = {
    seq: number | null;
};
export type Queued = {
    key: Place;
    entry: LogEntry;
};
export type QueueEvents = {
    /**
     * what waits is other than before
     */
    onChange: () => void;
    /**
     * nothing waits any more
     */
    onSent: () => void;
    /**
     * what waits is refused, and nobody is here to be told
     */
    onProblem: (error: CairnError) => void;
};
import { CairnError } from "../errors.js";
import { Posting } from "./posting.js";
/** The queue of one chain. */
export declare class Queue {
    #private;
    browser: Browser;
    outbox: Outbox;
    chain: string;
    events: QueueEvents;
    posting: Posting;
    /**
     * @param {Browser} browser
     * @param {Outbox} outbox
     * @param {string} chain id in hex
     * @param {Writer} writer
     * @param {QueueEvents} events
     */
    constructor(browser: Browser, outbox: Outbox, chain: string, writer: Writer, events: QueueEvents);
    /** What waits. @returns {LogEntry[]} */
    get list(): LogEntry[];
    /** Adds what is to be sent. See `Log.add`. @param {Bytes} payload encoded @returns {Promise<Added>} */
    add(payload: Bytes): Promise<Added>;
    /** Writes entries at once, behind what waits; all or none. @param {Wanted[]} wanted @returns {Promise<Added>} of the first */
    writeNow(...wanted: Wanted[]): Promise<Added>;
    /** Reads what waits, of all tabs and earlier visits. */
    load(): Promise<void>;
    /** What another tab did. @param {News} news */
    heard({ added, delivered }: News): Promise<void>;
    /** Sends what waits, if the server can be reached. It never fails. @returns {Promise<void>} */
    flush(): Promise<void>;
    /** Ends the sending. What waits stays on this device. */
    close(): void;
}

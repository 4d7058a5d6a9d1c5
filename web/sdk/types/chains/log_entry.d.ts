/**
 * What an application sees of an entry.
 *
 * @import { Reference } from "../format/reference.js"
 * @import { Content } from "../format/payload.js"
 * @import { Item } from "./reader.js"
 *
 * @typedef {"entry" | "snapshot" | "rotation" | "end"} EntryKind
 * @typedef {object} LogEntry
 * @property {number | null} seq its place; null while it waits in the outbox
 * @property {EntryKind} kind
 * @property {any} value what was added: text, a JSON value, or bytes; undefined if it cannot be read
 * @property {Reference[]} references to the blocks that it adds
 * @property {boolean} isPending it waits in the outbox of this device
 * @property {CairnError | null} problem why it cannot be read, if it cannot
 * @property {number} missingBefore how many entries before it were given up
 */
import type { Reference } from "../format/reference.js";
import type { Item } from "./reader.js";
export type EntryKind = "entry" | "snapshot" | "rotation" | "end";
export type LogEntry = {
    /**
     * its place; null while it waits in the outbox
     */
    seq: number | null;
    kind: EntryKind;
    /**
     * what was added: text, a JSON value, or bytes; undefined if it cannot be read
     */
    value: any;
    /**
     * to the blocks that it adds
     */
    references: Reference[];
    /**
     * it waits in the outbox of this device
     */
    isPending: boolean;
    /**
     * why it cannot be read, if it cannot
     */
    problem: CairnError | null;
    /**
     * how many entries before it were given up
     */
    missingBefore: number;
};
import { CairnError } from "../errors.js";
/**
 * @param {Item} item
 * @returns {LogEntry | null} null: it is not of the application's making, such as the genesis
 */
export declare function logEntryOf({ seq, kind, missingBefore, inside }: Item): LogEntry | null;
/** @param {Uint8Array<ArrayBuffer>} payload of a letter in the outbox @returns {LogEntry} */
export declare function pendingEntry(payload: Uint8Array<ArrayBuffer>): LogEntry;

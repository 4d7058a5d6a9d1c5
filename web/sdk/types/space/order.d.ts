/**
 * The order of what the members of a space wrote: the same for everyone who has the same entries. Pure.
 *
 * Each entry carries the time at which it was written, and no member writes an earlier time than it has seen. Where a
 * clock was behind, a chain's own order comes first. A time is a member's word, and proves nothing. What a member wrote
 * before its newest snapshot is left out: only those who came earlier have it.
 *
 * @import { LogEntry } from "../chains/log_entry.js"
 * @import { Member } from "./roster.js"
 *
 * @typedef {object} SpaceEntry
 * @property {Member} member who wrote it
 * @property {number} at Unix milliseconds, by the member's word
 * @property {any} value
 * @property {LogEntry} entry
 */
import type { LogEntry } from "../chains/log_entry.js";
import type { Member } from "./roster.js";
export type SpaceEntry = {
    /**
     * who wrote it
     */
    member: Member;
    /**
     * Unix milliseconds, by the member's word
     */
    at: number;
    value: any;
    entry: LogEntry;
};
/** @param {unknown} value @param {number} at @returns {unknown} what a member's entry holds */
export declare function stamped(value: unknown, at: number): unknown;
/**
 * The time to write: now, or just after the newest that was seen, as far as that is not nonsense.
 *
 * @param {SpaceEntry[]} seen in order
 * @param {number} now
 */
export declare function timeAfter(seen: SpaceEntry[], now: number): number;
/** What a member's chain adds to the space, from its newest snapshot on. @param {Member} member @param {LogEntry[]} list @returns {SpaceEntry[]} */
export declare function entriesOf(member: Member, list: LogEntry[]): SpaceEntry[];
/** @param {SpaceEntry[][]} rows one for each member @returns {SpaceEntry[]} */
export declare function merged(rows: SpaceEntry[][]): SpaceEntry[];

/**
 * The roster of a space: who its members are, as the owner wrote it, and nobody else can. Pure.
 *
 * Records, in the owner's roster chain:
 *
 *     {"space": {"name": "..."}}                                        the first
 *     {"member": {"id", "name", "isOwner", "read", "key"}}              a chain, what reads it, what writes it
 *     {"remove": {"id", "seq"}}                                         what it wrote after seq does not count
 *     {"keys": {"<id>": "crn1r_...", ...}}                              what reads the chains from here on
 *
 * `key` is the chain's write capability, sealed to the roster's own writer: the owner needs it to change the keys when
 * somebody is removed.
 *
 * @import { LogEntry } from "../chains/log_entry.js"
 *
 * @typedef {object} Member
 * @property {string} id of the member's chain, in hex
 * @property {string} name
 * @property {boolean} isOwner
 * @property {string} read the newest read capability of the chain
 * @property {string} key
 * @property {number | null} lastSeq of what counts, if the member was removed
 * @typedef {{ name: string, members: Map<string, Member> }} Roster
 */
import type { LogEntry } from "../chains/log_entry.js";
export type Member = {
    /**
     * of the member's chain, in hex
     */
    id: string;
    name: string;
    isOwner: boolean;
    /**
     * the newest read capability of the chain
     */
    read: string;
    key: string;
    /**
     * of what counts, if the member was removed
     */
    lastSeq: number | null;
};
export type Roster = {
    name: string;
    members: Map<string, Member>;
};
/** @param {LogEntry[]} list of the roster chain @returns {Roster} records that are malformed are passed over */
export declare function rosterOf(list: LogEntry[]): Roster;

/**
 * Reads one chain: verifies everything, then opens it. Nothing that is not verified leaves this module.
 *
 * Theory of operation. `catchUp` fetches page after page from the genesis on, and accepts entry by entry (chain.js).
 * Where the server has trimmed, the entries that follow the gap are passed over until one is found to begin with again:
 * a checkpoint or close, or the very entry that is pinned here from an earlier visit. Only when the head is reached, and
 * the pinned entry was met or lawfully trimmed, are the new entries opened and given out, and the pin raised. `extend`
 * does the same with entries that arrive live.
 *
 * With `fromFloor`, what the writer gave up is passed over also where the server still has it: a page of a chain that grows
 * fast begins at its newest checkpoint. Who writes reads all, to find what was sent before.
 *
 * With a cache, `restore` begins with the entries that were accepted on earlier visits. Their signatures are not verified
 * again: they lead, hash by hash, to the pinned entry, which only verified entries become.
 *
 * @import { Bytes } from "../format/bytes.js"
 * @import { ChainState } from "../format/chain.js"
 * @import { EntryCache } from "../state/cache.js"
 * @import { Keyring } from "./keyring.js"
 * @import { LogEntry } from "./log_entry.js"
 * @import { Payload } from "../format/payload.js"
 * @import { Pins } from "../state/pins.js"
 * @import { Server } from "../remote/server.js"
 * @import { Accepted } from "./taking.js"
 *
 * @typedef {{ type: "genesis" }
 *   | { type: "open", payload: Payload }
 *   | { type: "sealed" }
 *   | { type: "key_missing" }
 *   | { type: "faulty", reason: string }} Inside what is known of an entry's content; "faulty" is its writer's fault
 * @typedef {object} Item a verified entry
 * @property {number} seq
 * @property {number} kind
 * @property {number} keyEpoch
 * @property {Bytes} hash
 * @property {number} bytes of the whole entry
 * @property {number} missingBefore how many entries before it were given up by the writer, or passed over
 * @property {Bytes | null} prev the hash of the last of these, if there are any
 * @property {Inside} inside
 * @property {LogEntry | null} [entry] as an application sees it, once it has
 */
import type { Bytes } from "../format/bytes.js";
import type { ChainState } from "../format/chain.js";
import type { EntryCache } from "../state/cache.js";
import type { Keyring } from "./keyring.js";
import type { LogEntry } from "./log_entry.js";
import type { Payload } from "../format/payload.js";
import type { Pins } from "../state/pins.js";
import type { Server } from "../remote/server.js";
export type Inside = {
    type: "genesis";
} | {
    type: "open";
    payload: Payload;
} | {
    type: "sealed";
} | {
    type: "key_missing";
} | {
    type: "faulty";
    reason: string;
};
export type Item = {
    seq: number;
    kind: number;
    keyEpoch: number;
    hash: Bytes;
    /**
     * of the whole entry
     */
    bytes: number;
    /**
     * how many entries before it were given up by the writer, or passed over
     */
    missingBefore: number;
    /**
     * the hash of the last of these, if there are any
     */
    prev: Bytes | null;
    inside: Inside;
    /**
     * as an application sees it, once it has
     */
    entry?: LogEntry | null;
};
/** A chain as one reader sees it. */
export declare class ChainReader {
    #private;
    server: Server;
    keyring: Keyring;
    pins: Pins;
    cache: EntryCache | null;
    fromFloor: boolean;
    /**
     * @param {Server} server
     * @param {Keyring} keyring
     * @param {Pins} pins
     * @param {EntryCache | null} [cache]
     * @param {boolean} [fromFloor]
     */
    constructor(server: Server, keyring: Keyring, pins: Pins, cache?: EntryCache | null, fromFloor?: boolean);
    /** The state after the newest entry that was accepted; null before `catchUp`. */
    get state(): ChainState | null;
    /** How many entries have been verified. */
    get verifiedCount(): number;
    /**
     * Opens the entries that earlier visits have verified, without asking the server.
     *
     * @returns {Promise<Item[]>} none, if there are none, or they do not lead to the pinned entry
     */
    restore(): Promise<Item[]>;
    /**
     * Fetches, verifies and opens all that is new on the server.
     *
     * @param {{ isFresh?: boolean, onProgress?: (verified: number, total: number) => void }} [options]
     * @returns {Promise<Item[]>} in order
     * @throws {CairnError} by its class: what the server did, or lacks
     */
    catchUp({ isFresh, onProgress }?: {
        isFresh?: boolean;
        onProgress?: (verified: number, total: number) => void;
    }): Promise<Item[]>;
    /**
     * Verifies and opens entries that arrived live.
     *
     * They need not reach the pinned entry: another tab of this browser may be ahead, and its pin is this one's too.
     *
     * @param {Bytes[]} raws
     * @returns {Promise<Item[]>}
     * @throws {CairnError}
     */
    extend(raws: Bytes[]): Promise<Item[]>;
}

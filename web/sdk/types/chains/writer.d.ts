/**
 * The writing of a chain: entries are built on the newest accepted head, and built again when it has moved. What is sent
 * again after a broken connection is the same bytes; so an entry never stands twice.
 *
 * @import { Bytes } from "../format/bytes.js"
 * @import { ChainState } from "../format/chain.js"
 * @import { Entry } from "../format/entry.js"
 * @import { ChainKeys } from "../format/keys.js"
 * @import { Server } from "../remote/server.js"
 * @import { History } from "./history.js"
 *
 * @typedef {object} Wanted an entry to be written
 * @property {number} kind
 * @property {(state: ChainState) => Bytes | Promise<Bytes>} payload encoded, for the entry that follows `state`
 * @property {boolean} [trims] the floor rises to its own seq
 * @property {number} [at] this seq or none
 */
import type { Bytes } from "../format/bytes.js";
import type { ChainState } from "../format/chain.js";
import type { Entry } from "../format/entry.js";
import type { ChainKeys } from "../format/keys.js";
import type { Server } from "../remote/server.js";
import type { History } from "./history.js";
export type Wanted = {
    kind: number;
    /**
     * encoded, for the entry that follows `state`
     */
    payload: (state: ChainState) => Bytes | Promise<Bytes>;
    /**
     * the floor rises to its own seq
     */
    trims?: boolean;
    /**
     * this seq or none
     */
    at?: number;
};
/** Appends to one chain. Whoever calls it holds the chain's turn (state/locks.js). */
export declare class Writer {
    #private;
    keys: ChainKeys;
    server: Server;
    history: History;
    /** @param {ChainKeys} keys @param {Server} server @param {History} history */
    constructor(keys: ChainKeys, server: Server, history: History);
    /**
     * Appends entries, in order and all or none. The chain is created if it is not there.
     *
     * @param {Wanted[]} wanted
     * @param {(entries: Entry[]) => Promise<void>} [onBuilt] waited for before they are sent
     * @returns {Promise<Entry[]>} that stand
     * @throws {CairnError} Unknown: they may stand. Conflict: `at` is taken, or others were always faster.
     */
    append(wanted: Wanted[], onBuilt?: (entries: Entry[]) => Promise<void>): Promise<Entry[]>;
    /**
     * Finds out what became of entries that were sent earlier, and sends them again if they can still stand.
     *
     * @param {Entry[]} entries which follow each other
     * @returns {Promise<boolean>} whether they stand; if not, they never will. Where what stood in their place was given up and
     *   dropped before it was seen here, with what came behind it, nobody can tell: then it is false, too, since twice is better
     *   than not at all
     * @throws {CairnError}
     */
    settle(entries: Entry[]): Promise<boolean>;
}

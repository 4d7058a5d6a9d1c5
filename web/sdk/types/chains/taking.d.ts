/**
 * Entries being accepted: judged one by one, and by what was seen before. They become a reader's only when all is well.
 *
 * @import { Bytes } from "../format/bytes.js"
 * @import { ChainState } from "../format/chain.js"
 * @import { Pinned } from "../state/pins.js"
 *
 * @typedef {{ entry: Entry, missingBefore: number }} Accepted
 */
import type { Bytes } from "../format/bytes.js";
import type { ChainState } from "../format/chain.js";
import type { Pinned } from "../state/pins.js";
export type Accepted = {
    entry: Entry;
    missingBefore: number;
};
import { Entry } from "../format/entry.js";
/** What one reader takes from a server in one go. */
export declare class Taking {
    #private;
    state: ChainState | null;
    chainId: Bytes;
    pin: Pinned | null;
    recent: Map<number, Bytes>;
    lastSeen: number;
    /** @type {Accepted[]} */
    accepted: Accepted[];
    hasGap: boolean;
    isRecalled: boolean;
    /**
     * @param {ChainState | null} state
     * @param {Bytes} chainId
     * @param {Pinned | null} pin
     * @param {Map<number, Bytes>} recent hashes by seq, of entries that were accepted lately
     */
    constructor(state: ChainState | null, chainId: Bytes, pin: Pinned | null, recent: Map<number, Bytes>);
    get seq(): number;
    /** @param {Bytes[]} raws @throws {CairnError} */
    take(raws: Bytes[]): Promise<void>;
    /**
     * Takes entries that were verified on an earlier visit, as far as the pinned one, to which they must lead.
     *
     * @param {Bytes[]} raws in order
     * @returns {Promise<boolean>} whether they do; if not, nothing of this may be used
     */
    recall(raws: Bytes[]): Promise<boolean>;
    /**
     * @param {number} headSeq what the server says its head is
     * @throws {Tampered} it keeps back what it says it has
     * @throws {Rollback} it has less than was seen before
     */
    checkReaches(headSeq: number): void;
    /**
     * @param {number} keyEpoch that the chain must have reached, as the capability proves
     * @returns {ChainState}
     * @throws {Rollback | Tampered}
     */
    checkedState(keyEpoch: number): ChainState;
}

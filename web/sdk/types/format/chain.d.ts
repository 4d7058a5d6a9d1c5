/**
 * The rule by which a reader accepts entries: values in, values out. See docs/format.md, 6, "A reader accepts".
 *
 * @import { Bytes } from "./bytes.js"
 *
 * @typedef {object} ChainState what must be known of a chain to judge its next entry
 * @property {Bytes} chainId
 * @property {PublicKey} publicKey
 * @property {Bytes} readCommitment
 * @property {number} flags
 * @property {number} seq
 * @property {Bytes} hash
 * @property {number} floor
 * @property {number} keyEpoch
 * @property {boolean} isClosed
 */
import type { Bytes } from "./bytes.js";
export type ChainState = {
    chainId: Bytes;
    publicKey: PublicKey;
    readCommitment: Bytes;
    flags: number;
    seq: number;
    hash: Bytes;
    floor: number;
    keyEpoch: number;
    isClosed: boolean;
};
import { PublicKey } from "./crypto.js";
import { Entry } from "./entry.js";
/**
 * Parses entries that a server gave.
 *
 * @param {Bytes[]} raws
 * @returns {Promise<Entry[]>}
 * @throws {Tampered} no writer's program makes such an entry
 */
export declare function decodeEntries(raws: Bytes[]): Promise<Entry[]>;
/**
 * The state of a chain that has only its genesis.
 *
 * @param {Bytes} chainId which the genesis must prove
 * @param {Entry} genesis
 * @returns {Promise<ChainState>}
 * @throws {Tampered}
 */
export declare function begin(chainId: Bytes, genesis: Entry): Promise<ChainState>;
/**
 * The state after `entry`, if it may follow `state`. Its signature is for `verifySignatures`, which is dear.
 *
 * @param {ChainState} state
 * @param {Entry} entry
 * @returns {ChainState}
 * @throws {Tampered}
 */
export declare function follow(state: ChainState, entry: Entry): ChainState;
/** @param {Entry} entry @returns {boolean} a reader may begin with it */
export declare function isStart(entry: Entry): boolean;
/**
 * The state at a start, without the entries before it: these must lie below the floor that it sets, or it be the end.
 *
 * @param {ChainState} state
 * @param {Entry} entry
 * @returns {ChainState}
 * @throws {Tampered}
 */
export declare function jump(state: ChainState, entry: Entry): ChainState;
/**
 * Checks the signatures of entries that otherwise fit.
 *
 * @param {PublicKey} publicKey
 * @param {Entry[]} entries
 * @throws {Tampered} one is not the writer's
 */
export declare function verifySignatures(publicKey: PublicKey, entries: Entry[]): Promise<void>;

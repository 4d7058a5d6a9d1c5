/**
 * Pinned heads: the newest entry of each chain that this browser has accepted. A history without it is refused.
 *
 * @import { Bytes } from "../format/bytes.js"
 * @typedef {{ seq: number, hash: Bytes }} Pinned
 */
import type { Bytes } from "../format/bytes.js";
export type Pinned = {
    seq: number;
    hash: Bytes;
};
/** Pinned heads in the browser's storage; in memory where that is not to be had, or not wanted. */
export declare class Pins {
    #private;
    /** @param {{ isLasting?: boolean }} [options] not lasting: for doors, since who has a door's id can try passwords */
    constructor({ isLasting }?: {
        isLasting?: boolean;
    });
    /** @param {Bytes} chainId @returns {Pinned | null} */
    get(chainId: Bytes): Pinned | null;
    /**
     * Raises the pin. A lower one than stands (of another tab, say) changes nothing.
     *
     * @param {Bytes} chainId
     * @param {Pinned} head
     */
    raise(chainId: Bytes, { seq, hash }: Pinned): void;
}

/**
 * References: where a block is, and the key that opens it. See docs/format.md, 4.
 *
 * @import { Bytes } from "./bytes.js"
 */
import type { Bytes } from "./bytes.js";
export declare const REFERENCE_BYTES = 68;
/** One block's id, key and stored length. Whoever holds it can read the block. */
export declare class Reference {
    blockId: Bytes;
    key: Bytes;
    storedBytes: number;
    /** @param {Bytes} blockId @param {Bytes} key @param {number} storedBytes */
    constructor(blockId: Bytes, key: Bytes, storedBytes: number);
    /** @param {Bytes} bytes @throws {Invalid} */
    static decode(bytes: Bytes): Reference;
    /** @param {Bytes} bytes that hold references, and nothing else @returns {Reference[]} @throws {Invalid} */
    static decodeAll(bytes: Bytes): Reference[];
    /** @returns {Bytes} */
    encode(): Bytes;
}

/**
 * Blocks: data sealed under a key of its own, and named by its hash. See docs/format.md, 4.
 *
 * @import { Bytes } from "./bytes.js"
 */
import type { Bytes } from "./bytes.js";
import { Reference } from "./reference.js";
export declare const BLOCK_MAGIC: Bytes;
export declare const MANIFEST_MAGIC: Bytes;
export declare const DATA_BYTES_MAX = 1048576;
/**
 * The block that holds data, under a fresh key.
 *
 * @param {Bytes} data
 * @param {{ head?: Bytes, key?: Bytes, salt?: Bytes }} [options] head: `MANIFEST_MAGIC` for a manifest; key and salt:
 *   given for known answers alone
 * @returns {Promise<{ stored: Bytes, reference: Reference }>}
 * @throws {TooLarge}
 */
export declare function sealBlock(data: Bytes, { head, key, salt }?: {
    head?: Bytes;
    key?: Bytes;
    salt?: Bytes;
}): Promise<{
    stored: Bytes;
    reference: Reference;
}>;
/**
 * Verifies a stored block against its reference and opens it.
 *
 * @param {Bytes} stored
 * @param {Reference} reference
 * @returns {Promise<{ isManifest: boolean, data: Bytes }>}
 * @throws {Tampered} they are not the bytes that the reference names
 * @throws {CannotOpen | Invalid} they are, but the writer made them wrong
 */
export declare function openBlock(stored: Bytes, reference: Reference): Promise<{
    isManifest: boolean;
    data: Bytes;
}>;
/** The length of the stored block that holds so many bytes of data. @param {number} dataBytes */
export declare function storedBytesOf(dataBytes: number): number;

/**
 * Manifests: the list of a large object's chunks, in one level or two. See docs/format.md, 4.
 *
 * A manifest comes from whoever made the reference, so it is judged before anything is fetched: its size must be what its
 * chunks add up to, and each block's stored length what its data would give.
 *
 * @import { Bytes } from "./bytes.js"
 *
 * @typedef {object} Manifest
 * @property {number} total bytes of the object, or of the part that a lower manifest names
 * @property {number} chunkBytes of every chunk but the last
 * @property {Reference[]} references to chunks; in the upper of two levels to manifests of 10,000 chunks each, the last fewer
 * @property {boolean} isUpper
 */
import type { Bytes } from "./bytes.js";
export type Manifest = {
    /**
     * bytes of the object, or of the part that a lower manifest names
     */
    total: number;
    /**
     * of every chunk but the last
     */
    chunkBytes: number;
    /**
     * to chunks; in the upper of two levels to manifests of 10,000 chunks each, the last fewer
     */
    references: Reference[];
    isUpper: boolean;
};
import { Reference } from "./reference.js";
export declare const CHUNK_BYTES = 1048572;
export declare const REFERENCES_MAX = 10000;
/** @param {Manifest} manifest @returns {Bytes} the data of a block */
export declare function encodeManifest({ total, chunkBytes, references, isUpper }: Manifest): Bytes;
/**
 * The manifest in a block's data, with all checks that need nothing else.
 *
 * @param {Bytes} data
 * @param {number} bytesMax of the object
 * @returns {Manifest}
 * @throws {Invalid | TooLarge}
 */
export declare function decodeManifest(data: Bytes, bytesMax: number): Manifest;
/** The data bytes of the chunk, or of all chunks under the manifest, at `index`. @param {Manifest} manifest @param {number} index */
export declare function bytesAt({ total, chunkBytes, isUpper }: Manifest, index: number): number;
/** @param {Manifest} upper @param {number} index @param {Manifest} lower @throws {Invalid} it is not what the upper promises there */
export declare function checkLower(upper: Manifest, index: number, lower: Manifest): void;

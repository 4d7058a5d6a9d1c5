/**
 * Putting objects of any size: chunks are read, sealed and sent some at a time, then listed in manifests. Memory is bounded
 * by the chunks under way and the references, whatever the object's size.
 *
 * @import { Bytes } from "../format/bytes.js"
 * @import { Blocks } from "../remote/blocks.js"
 * @import { Journal } from "../state/journal.js"
 *
 * @typedef {object} UploadOptions
 * @property {(blockId: Bytes) => Promise<Bytes>} pinOf what keeps, and removes, the upload of a block
 * @property {Journal | null} [journal]
 * @property {(done: number, total: number) => void} [onProgress] in bytes
 * @property {AbortSignal} [signal]
 * @property {number} [chunkBytes]
 */
import type { Bytes } from "../format/bytes.js";
import type { Blocks } from "../remote/blocks.js";
import type { Journal } from "../state/journal.js";
export type UploadOptions = {
    /**
     * what keeps, and removes, the upload of a block
     */
    pinOf: (blockId: Bytes) => Promise<Bytes>;
    journal?: Journal | null;
    /**
     * in bytes
     */
    onProgress?: (done: number, total: number) => void;
    signal?: AbortSignal;
    chunkBytes?: number;
};
import { Reference } from "../format/reference.js";
/**
 * Puts an object, and gives its reference: one block, or a manifest.
 *
 * @param {Blocks} blocks
 * @param {Blob} blob
 * @param {UploadOptions} options
 * @returns {Promise<Reference>}
 * @throws {CairnError} as the server; Invalid: the file was changed meanwhile. The signal's reason: it was aborted.
 */
export declare function putObject(blocks: Blocks, blob: Blob, options: UploadOptions): Promise<Reference>;
/**
 * Runs `work` on every index below `count`, a few at once. After a failure no further one is begun; it is thrown when those
 * under way are done, so that nothing goes on behind the caller's back.
 *
 * @param {number} count
 * @param {number} limit
 * @param {(index: number) => Promise<void>} work
 */
export declare function eachAtOnce(count: number, limit: number, work: (index: number) => Promise<void>): Promise<void>;

/**
 * Getting objects of any size: manifests are judged before chunks are fetched, chunks come a few at a time, in order.
 * Memory is bounded by the chunks under way and two manifests. Blocks are fetched one by one, since browsers keep each.
 *
 * @import { Bytes } from "../format/bytes.js"
 * @import { Manifest } from "../format/manifest.js"
 * @import { Reference } from "../format/reference.js"
 * @import { Server } from "../remote/server.js"
 *
 * @typedef {{ offset: number, size: number, reference: Reference }} Chunk
 */
import type { Bytes } from "../format/bytes.js";
import type { Manifest } from "../format/manifest.js";
import type { Reference } from "../format/reference.js";
import type { Server } from "../remote/server.js";
export type Chunk = {
    offset: number;
    size: number;
    reference: Reference;
};
/**
 * The data of an object of bounded size.
 *
 * @param {Server} server
 * @param {Reference} reference
 * @param {{ bytesMax: number, onProgress?: (done: number, total: number) => void, signal?: AbortSignal }} options in bytes
 * @returns {Promise<Bytes>}
 * @throws {NotFound | Unavailable | Tampered | CannotOpen | Invalid} NotFound: the server does not have a block of it
 * @throws {TooLarge} before more than the manifest is fetched
 */
export declare function readObject(server: Server, reference: Reference, { bytesMax, onProgress, signal }: {
    bytesMax: number;
    onProgress?: (done: number, total: number) => void;
    signal?: AbortSignal;
}): Promise<Bytes>;
/**
 * Fetches an object's outermost block, and sees what it is.
 *
 * @param {Server} server
 * @param {Reference} reference
 * @param {{ bytesMax?: number, signal?: AbortSignal }} [options]
 * @returns {Promise<StoredObject>}
 */
export declare function openObject(server: Server, reference: Reference, { bytesMax, signal }?: {
    bytesMax?: number;
    signal?: AbortSignal;
}): Promise<StoredObject>;
/** An object whose size is known. Its parts are fetched when they are asked for. */
export declare class StoredObject {
    #private;
    server: Server;
    content: Bytes | Manifest;
    /** @param {Server} server @param {Manifest | Bytes} content */
    constructor(server: Server, content: Manifest | Bytes);
    /** Its bytes in all. */
    get total(): number;
    /**
     * The bytes with start <= offset < stop, in order, each part verified.
     *
     * @param {number} [start]
     * @param {number} [stop]
     * @param {AbortSignal} [signal]
     * @returns {AsyncGenerator<Bytes, void, void>}
     */
    parts(start?: number, stop?: number, signal?: AbortSignal): AsyncGenerator<Bytes, void, void>;
}
/**
 * One block, verified and opened.
 *
 * @param {Server} server
 * @param {Reference} reference
 * @param {AbortSignal} [signal]
 * @returns {Promise<{ isManifest: boolean, data: Bytes }>}
 */
export declare function readBlock(server: Server, reference: Reference, signal?: AbortSignal): Promise<{
    isManifest: boolean;
    data: Bytes;
}>;

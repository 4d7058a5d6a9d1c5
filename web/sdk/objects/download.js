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

import { Invalid, Tampered, TooLarge } from "../errors.js";
import { concat } from "../format/bytes.js";
import { openBlock } from "../format/block.js";
import { REFERENCES_MAX, bytesAt, checkLower, decodeManifest } from "../format/manifest.js";

const AHEAD_MAX = 4;

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
export async function readObject(server, reference, { bytesMax, onProgress = () => {}, signal }) {
  const object = await openObject(server, reference, { bytesMax, signal });
  const parts = [];
  let done = 0;
  for await (const part of object.parts(0, object.total, signal)) {
    parts.push(part);
    done += part.length;
    onProgress(done, object.total);
  }
  return concat(...parts);
}

/**
 * Fetches an object's outermost block, and sees what it is.
 *
 * @param {Server} server
 * @param {Reference} reference
 * @param {{ bytesMax?: number, signal?: AbortSignal }} [options]
 * @returns {Promise<StoredObject>}
 */
export async function openObject(server, reference, { bytesMax = Number.MAX_SAFE_INTEGER, signal } = {}) {
  const { isManifest, data } = await readBlock(server, reference, signal);
  if (!isManifest && data.length > bytesMax) throw new TooLarge("the object is too large to be opened here");
  return new StoredObject(server, isManifest ? decodeManifest(data, bytesMax) : data);
}

/** An object whose size is known. Its parts are fetched when they are asked for. */
export class StoredObject {
  /** @param {Server} server @param {Manifest | Bytes} content */
  constructor(server, content) {
    this.server = server;
    this.content = content;
  }

  /** Its bytes in all. */
  get total() {
    return this.content instanceof Uint8Array ? this.content.length : this.content.total;
  }

  /**
   * The bytes with start <= offset < stop, in order, each part verified.
   *
   * @param {number} [start]
   * @param {number} [stop]
   * @param {AbortSignal} [signal]
   * @returns {AsyncGenerator<Bytes, void, void>}
   */
  async *parts(start = 0, stop = this.total, signal) {
    if (this.content instanceof Uint8Array) {
      if (start < Math.min(stop, this.total)) yield this.content.subarray(start, stop);
      return;
    }
    /** @type {Promise<Bytes>[]} */
    const ahead = [];
    let aheadMax = 1; // who wants a little gets no more; who reads on is read ahead for
    for await (const chunk of this.#chunks(this.content, start, Math.min(stop, this.total), signal)) {
      const part = this.#part(chunk, start, stop, signal);
      part.catch(() => {}); // told when its turn comes
      if (ahead.push(part) < aheadMax) continue;
      yield await /** @type {Promise<Bytes>} */ (ahead.shift());
      aheadMax = Math.min(aheadMax + 1, AHEAD_MAX);
    }
    for (const part of ahead) yield await part;
  }

  /**
   * @param {Manifest} manifest
   * @param {number} start
   * @param {number} stop
   * @param {AbortSignal} [signal]
   * @returns {AsyncGenerator<Chunk, void, void>}
   */
  async *#chunks(manifest, start, stop, signal) {
    const span = manifest.chunkBytes * (manifest.isUpper ? REFERENCES_MAX : 1);
    for (let index = Math.floor(start / span); index * span < stop; index++) {
      const reference = /** @type {Reference} */ (manifest.references[index]);
      const offset = index * span;
      if (!manifest.isUpper) yield { offset, size: bytesAt(manifest, index), reference };
      else yield* this.#lowerChunks(manifest, index, Math.max(0, start - offset), stop - offset, signal);
    }
  }

  /**
   * @param {Manifest} upper
   * @param {number} index
   * @param {number} start
   * @param {number} stop within the lower one
   * @param {AbortSignal} [signal]
   * @returns {AsyncGenerator<Chunk, void, void>}
   */
  async *#lowerChunks(upper, index, start, stop, signal) {
    const { isManifest, data } = await readBlock(this.server, /** @type {Reference} */ (upper.references[index]), signal);
    if (!isManifest) throw new Invalid("a manifest names data where it should name a manifest");
    const lower = decodeManifest(data, upper.total);
    checkLower(upper, index, lower);
    const before = index * upper.chunkBytes * REFERENCES_MAX;
    for await (const chunk of this.#chunks(lower, start, Math.min(stop, lower.total))) {
      yield { ...chunk, offset: before + chunk.offset };
    }
  }

  /** @param {Chunk} chunk @param {number} start @param {number} stop @param {AbortSignal} [signal] */
  async #part({ offset, size, reference }, start, stop, signal) {
    const { isManifest, data } = await readBlock(this.server, reference, signal);
    if (isManifest || data.length !== size) throw new Invalid("a chunk is not what its manifest says");
    return data.subarray(Math.max(0, start - offset), Math.max(0, stop - offset));
  }
}

/**
 * One block, verified and opened.
 *
 * @param {Server} server
 * @param {Reference} reference
 * @param {AbortSignal} [signal]
 * @returns {Promise<{ isManifest: boolean, data: Bytes }>}
 */
export async function readBlock(server, reference, signal) {
  try {
    return await openBlock(await server.block(reference.blockId, reference.storedBytes, signal), reference);
  } catch (error) {
    throw error instanceof TooLarge ? new Tampered("the server sends another block than was asked for") : error;
  }
}

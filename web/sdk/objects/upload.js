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

import { Invalid, TooLarge } from "../errors.js";
import { MANIFEST_MAGIC, sealBlock } from "../format/block.js";
import { sha256 } from "../format/crypto.js";
import { CHUNK_BYTES, REFERENCES_MAX, encodeManifest } from "../format/manifest.js";
import { Reference } from "../format/reference.js";

const AHEAD_BYTES = 8 * 1024 * 1024;
const AHEAD_MAX = 512;

/**
 * Puts an object, and gives its reference: one block, or a manifest.
 *
 * @param {Blocks} blocks
 * @param {Blob} blob
 * @param {UploadOptions} options
 * @returns {Promise<Reference>}
 * @throws {CairnError} as the server; Invalid: the file was changed meanwhile. The signal's reason: it was aborted.
 */
export async function putObject(blocks, blob, options) {
  return new Upload(blocks, blob, options).run();
}

class Upload {
  #doneBytes = 0;
  /** @type {Reference[]} */
  #chunks = [];

  /** @param {Blocks} blocks @param {Blob} blob @param {UploadOptions} options */
  constructor(blocks, blob, { pinOf, journal = null, onProgress = () => {}, signal, chunkBytes = CHUNK_BYTES }) {
    this.blocks = blocks;
    this.blob = blob;
    this.pinOf = pinOf;
    this.journal = journal;
    this.onProgress = onProgress;
    this.signal = signal;
    this.chunkBytes = chunkBytes;
  }

  async run() {
    const count = Math.ceil(this.blob.size / this.chunkBytes);
    if (count > REFERENCES_MAX ** 2) throw new TooLarge("the object has more chunks than two levels of manifests hold");
    if (count <= 1) return this.#put(await sealBlock(await this.#read(0)));
    const known = await this.#standing();
    const ahead = Math.min(AHEAD_MAX, Math.ceil(AHEAD_BYTES / this.chunkBytes));
    await eachAtOnce(count, ahead, (index) => this.#putChunk(index, known.get(index)));
    const reference = await this.#putManifests();
    await this.journal?.remove();
    return reference;
  }

  /** What an earlier try has put, as far as it still stands. @returns {Promise<Map<number, Reference>>} */
  async #standing() {
    const known = [...((await this.journal?.known()) ?? [])];
    const present = await this.blocks.has(known.map(([, { blockId }]) => blockId));
    return new Map(known.filter((_, index) => present[index]));
  }

  /** @param {number} index @param {Reference} [known] */
  async #putChunk(index, known) {
    this.signal?.throwIfAborted();
    const reference = known ?? (await this.#putNew(index));
    this.#chunks[index] = reference;
    this.#doneBytes += Math.min(this.chunkBytes, this.blob.size - index * this.chunkBytes);
    this.onProgress(this.#doneBytes, this.blob.size);
  }

  /** @param {number} index */
  async #putNew(index) {
    const reference = await this.#put(await sealBlock(await this.#read(index)));
    await this.journal?.record(index, reference);
    return reference;
  }

  /** @param {number} index @returns {Promise<Bytes>} */
  async #read(index) {
    const start = index * this.chunkBytes;
    try {
      return new Uint8Array(await this.blob.slice(start, start + this.chunkBytes).arrayBuffer());
    } catch {
      throw new Invalid("the file was changed, moved or removed while it was read");
    }
  }

  async #putManifests() {
    const [chunks, span] = [this.#chunks, REFERENCES_MAX * this.chunkBytes];
    if (chunks.length <= REFERENCES_MAX) return this.#putManifest(this.blob.size, chunks, false);
    const lower = [];
    for (let start = 0; start < chunks.length; start += REFERENCES_MAX) {
      const total = Math.min(span, this.blob.size - start * this.chunkBytes);
      lower.push(await this.#putManifest(total, chunks.slice(start, start + REFERENCES_MAX), false));
    }
    return this.#putManifest(this.blob.size, lower, true);
  }

  /** @param {number} total @param {Reference[]} references @param {boolean} isUpper */
  async #putManifest(total, references, isUpper) {
    const data = encodeManifest({ total, chunkBytes: this.chunkBytes, references, isUpper });
    return this.#put(await sealBlock(data, { head: MANIFEST_MAGIC }));
  }

  /** @param {{ stored: Bytes, reference: Reference }} sealed */
  async #put({ stored, reference }) {
    this.signal?.throwIfAborted();
    const { blockId } = reference;
    await this.blocks.put({ blockId, stored, pinHash: await sha256(await this.pinOf(blockId)) });
    return reference;
  }
}

/**
 * Runs `work` on every index below `count`, a few at once. After a failure no further one is begun; it is thrown when those
 * under way are done, so that nothing goes on behind the caller's back.
 *
 * @param {number} count
 * @param {number} limit
 * @param {(index: number) => Promise<void>} work
 */
export async function eachAtOnce(count, limit, work) {
  let next = 0;
  const worker = async () => {
    while (next < count) {
      await work(next++).catch((error) => {
        next = count;
        throw error;
      });
    }
  };
  const outcomes = await Promise.allSettled(Array.from({ length: limit }, worker));
  const failed = outcomes.find(({ status }) => status === "rejected");
  if (failed) throw /** @type {PromiseRejectedResult} */ (failed).reason;
}

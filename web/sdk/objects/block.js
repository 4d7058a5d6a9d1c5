/**
 * Objects in blocks: fetched by reference, verified, opened; several blocks by their manifest. See docs/format.md, 4.
 *
 * @import { Bytes } from "../format/bytes.js"
 * @import { Server } from "../remote/server.js"
 *
 * @typedef {{ total: number, chunkBytes: number, chunks: Reference[] }} Manifest
 */

import { equal, readU64, utf8, viewOf } from "../format/bytes.js";
import { sha256 } from "../format/crypto.js";
import { CannotOpen, Invalid, Tampered, TooLarge } from "../errors.js";
import { REFERENCE_BYTES, Reference } from "../format/reference.js";
import { SEAL_OVERHEAD_BYTES, openSeal, padme, unpad } from "../format/seal.js";

const BLOCK_MAGIC = utf8("CRB1");
const MANIFEST_MAGIC = utf8("CRM1");
const MANIFEST_HEAD_BYTES = 20;
const CHUNK_BYTES_MIN = 4_096;
const CHUNK_BYTES_MAX = 1_048_576;
const CHUNKS_MAX = 10_000;
const TREE_BIT = 2 ** 31;
const FETCHES_AT_ONCE = 4;

/**
 * The data of an object of bounded size.
 *
 * @param {Server} server
 * @param {Reference} reference
 * @param {{ bytesMax: number, onProgress?: (done: number, total: number) => void }} options
 * @returns {Promise<Bytes>}
 * @throws {NotFound | Unavailable | Tampered | CannotOpen | Invalid} NotFound: the server does not have a block of it
 * @throws {TooLarge} before more than the manifest is fetched
 */
export async function readObject(server, reference, { bytesMax, onProgress = () => {} }) {
  const { isManifest, data } = await readBlock(server, reference);
  if (!isManifest) return data;
  const manifest = decodeManifest(data, bytesMax);
  const object = new Uint8Array(manifest.total);
  let done = 0;
  await eachAtOnce(manifest.chunks, FETCHES_AT_ONCE, async (chunk, index) => {
    object.set(await readChunk(server, chunk, manifest, index), index * manifest.chunkBytes);
    done += 1;
    onProgress(done, manifest.chunks.length);
  });
  return object;
}

/**
 * One block, verified and opened.
 *
 * @param {Server} server
 * @param {Reference} reference
 * @returns {Promise<{ isManifest: boolean, data: Bytes }>}
 */
export async function readBlock(server, reference) {
  return openBlock(await fetchBlock(server, reference), reference);
}

/** @param {Server} server @param {Reference} reference */
async function fetchBlock(server, reference) {
  try {
    return await server.block(reference.blockId, reference.storedBytes);
  } catch (error) {
    throw error instanceof TooLarge ? new Tampered("the server sends another block than was asked for") : error;
  }
}

/**
 * Verifies a stored block against its reference and opens it.
 *
 * @param {Bytes} stored
 * @param {Reference} reference
 * @returns {Promise<{ isManifest: boolean, data: Bytes }>}
 * @throws {Tampered} they are not the bytes that the reference names
 * @throws {CannotOpen | Invalid} they are, but the writer made them wrong
 */
export async function openBlock(stored, reference) {
  if (stored.length !== reference.storedBytes || !equal(await sha256(stored), reference.blockId)) {
    throw new Tampered("the server sends another block than was asked for");
  }
  if (!equal(stored.subarray(0, 4), BLOCK_MAGIC)) throw new Invalid("the block is of another format");
  const box = stored.subarray(4);
  try {
    return { isManifest: false, data: unpad(await openSeal(reference.key, BLOCK_MAGIC, box)) };
  } catch (error) {
    if (!(error instanceof CannotOpen)) throw error;
  }
  return { isManifest: true, data: unpad(await openSeal(reference.key, MANIFEST_MAGIC, box)) };
}

/**
 * Reads the manifest of an object. One of manifests (above 10,000 chunks) is always over a limit that fits a page.
 *
 * @param {Bytes} data
 * @param {number} bytesMax of the object
 * @returns {Manifest}
 * @throws {Invalid | TooLarge}
 */
export function decodeManifest(data, bytesMax) {
  if (data.length < MANIFEST_HEAD_BYTES || !equal(data.subarray(0, 4), MANIFEST_MAGIC)) {
    throw new Invalid("the manifest is malformed");
  }
  const [total, chunkBytes, count] = [readU64(data, 4), viewOf(data).getUint32(12), viewOf(data).getUint32(16)];
  if (chunkBytes < CHUNK_BYTES_MIN || chunkBytes > CHUNK_BYTES_MAX) throw new Invalid("the chunk size is refused");
  if (total > bytesMax || count >= TREE_BIT) throw new TooLarge("the object is too large to be opened here");
  const isWhole = data.length === MANIFEST_HEAD_BYTES + count * REFERENCE_BYTES && count <= CHUNKS_MAX;
  if (!isWhole || count !== Math.ceil(total / chunkBytes)) throw new Invalid("the manifest is malformed");
  const chunks = Reference.decodeAll(data.subarray(MANIFEST_HEAD_BYTES));
  const sizeAt = (/** @type {number} */ index) => Math.min(chunkBytes, total - index * chunkBytes);
  if (chunks.some((chunk, index) => chunk.storedBytes !== storedBytesOf(sizeAt(index)))) {
    throw new Invalid("a chunk of the manifest has another size than its place needs");
  }
  return { total, chunkBytes, chunks };
}

/** The length of the stored block that holds so many bytes of data. @param {number} dataBytes */
function storedBytesOf(dataBytes) {
  return BLOCK_MAGIC.length + SEAL_OVERHEAD_BYTES + padme(4 + dataBytes);
}

/** @param {Server} server @param {Reference} chunk @param {Manifest} manifest @param {number} index */
async function readChunk(server, chunk, { total, chunkBytes }, index) {
  const { isManifest, data } = await readBlock(server, chunk);
  if (isManifest || data.length !== Math.min(chunkBytes, total - index * chunkBytes)) {
    throw new Invalid("a chunk is not what its manifest says");
  }
  return data;
}

/**
 * Runs `work` on every item, a few at once. The first failure is thrown, and no further item begun.
 *
 * @template T
 * @param {T[]} items
 * @param {number} limit
 * @param {(item: T, index: number) => Promise<void>} work
 */
async function eachAtOnce(items, limit, work) {
  let next = 0;
  const worker = async () => {
    while (next < items.length) {
      const index = next++;
      await work(/** @type {T} */ (items[index]), index).catch((error) => {
        next = items.length;
        throw error;
      });
    }
  };
  await Promise.all(Array.from({ length: limit }, worker));
}

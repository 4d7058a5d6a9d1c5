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

import { Invalid, TooLarge } from "../errors.js";
import { MANIFEST_MAGIC, storedBytesOf } from "./block.js";
import { concat, equal, readU64, u32, u64, viewOf } from "./bytes.js";
import { REFERENCE_BYTES, Reference } from "./reference.js";

export const CHUNK_BYTES = 1_048_572; // with its length exactly 1 MiB: no padding
export const REFERENCES_MAX = 10_000;
const HEAD_BYTES = 20;
const CHUNK_BYTES_MIN = 4_096;
const CHUNK_BYTES_MAX = 1_048_576;
const UPPER_BIT = 2 ** 31;

/** @param {Manifest} manifest @returns {Bytes} the data of a block */
export function encodeManifest({ total, chunkBytes, references, isUpper }) {
  const count = u32(references.length + (isUpper ? UPPER_BIT : 0));
  return concat(MANIFEST_MAGIC, u64(total), u32(chunkBytes), count, ...references.map((one) => one.encode()));
}

/**
 * The manifest in a block's data, with all checks that need nothing else.
 *
 * @param {Bytes} data
 * @param {number} bytesMax of the object
 * @returns {Manifest}
 * @throws {Invalid | TooLarge}
 */
export function decodeManifest(data, bytesMax) {
  if (data.length < HEAD_BYTES || !equal(data.subarray(0, 4), MANIFEST_MAGIC)) {
    throw new Invalid("the manifest is malformed");
  }
  const [total, chunkBytes, count] = [readU64(data, 4), viewOf(data).getUint32(12), viewOf(data).getUint32(16)];
  if (data.length !== HEAD_BYTES + (count % UPPER_BIT) * REFERENCE_BYTES) throw new Invalid("the manifest is malformed");
  const references = Reference.decodeAll(data.subarray(HEAD_BYTES));
  const manifest = { total, chunkBytes, references, isUpper: count >= UPPER_BIT };
  check(manifest);
  if (total > bytesMax) throw new TooLarge("the object is too large to be opened here");
  return manifest;
}

/** The data bytes of the chunk, or of all chunks under the manifest, at `index`. @param {Manifest} manifest @param {number} index */
export function bytesAt({ total, chunkBytes, isUpper }, index) {
  const span = chunkBytes * (isUpper ? REFERENCES_MAX : 1);
  return Math.min(span, total - index * span);
}

/** @param {Manifest} upper @param {number} index @param {Manifest} lower @throws {Invalid} it is not what the upper promises there */
export function checkLower(upper, index, lower) {
  if (lower.isUpper || lower.chunkBytes !== upper.chunkBytes || lower.total !== bytesAt(upper, index)) {
    throw new Invalid("a manifest does not fit the one above it");
  }
}

/** @param {Manifest} manifest @throws {Invalid} its numbers contradict each other */
function check(manifest) {
  const { total, chunkBytes, references, isUpper } = manifest;
  if (chunkBytes < CHUNK_BYTES_MIN || chunkBytes > CHUNK_BYTES_MAX) throw new Invalid("the chunk size is refused");
  const chunks = Math.ceil(total / chunkBytes);
  if (chunks > REFERENCES_MAX ** 2 || isUpper !== chunks > REFERENCES_MAX) {
    throw new Invalid("the manifest has more or fewer levels than its size needs");
  }
  if (references.length !== (isUpper ? Math.ceil(chunks / REFERENCES_MAX) : chunks)) {
    throw new Invalid("the manifest's count is not that of its size");
  }
  if (references.some(({ storedBytes }, index) => storedBytes !== storedBytesOf(dataBytesAt(manifest, index)))) {
    throw new Invalid("a chunk of the manifest has another size than its place needs");
  }
}

/** The data bytes of the block at `index`. @param {Manifest} manifest @param {number} index */
function dataBytesAt(manifest, index) {
  const bytes = bytesAt(manifest, index);
  return manifest.isUpper ? HEAD_BYTES + REFERENCE_BYTES * Math.ceil(bytes / manifest.chunkBytes) : bytes;
}

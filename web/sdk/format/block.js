/**
 * Blocks: data sealed under a key of its own, and named by its hash. See docs/format.md, 4.
 *
 * @import { Bytes } from "./bytes.js"
 */

import { CannotOpen, Invalid, Tampered, TooLarge } from "../errors.js";
import { concat, equal, utf8 } from "./bytes.js";
import { randomBytes, sha256 } from "./crypto.js";
import { Reference } from "./reference.js";
import { SEAL_OVERHEAD_BYTES, openSeal, pad, padme, seal, unpad } from "./seal.js";

export const BLOCK_MAGIC = utf8("CRB1");
export const MANIFEST_MAGIC = utf8("CRM1");
export const DATA_BYTES_MAX = 1_048_576;

/**
 * The block that holds data, under a fresh key.
 *
 * @param {Bytes} data
 * @param {{ head?: Bytes, key?: Bytes, salt?: Bytes }} [options] head: `MANIFEST_MAGIC` for a manifest; key and salt:
 *   given for known answers alone
 * @returns {Promise<{ stored: Bytes, reference: Reference }>}
 * @throws {TooLarge}
 */
export async function sealBlock(data, { head = BLOCK_MAGIC, key = randomBytes(32), salt } = {}) {
  if (data.length > DATA_BYTES_MAX) throw new TooLarge("a block holds at most 1,048,576 bytes");
  const stored = concat(BLOCK_MAGIC, await seal(key, head, pad(data), salt));
  return { stored, reference: new Reference(await sha256(stored), key, stored.length) };
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

/** The length of the stored block that holds so many bytes of data. @param {number} dataBytes */
export function storedBytesOf(dataBytes) {
  return BLOCK_MAGIC.length + SEAL_OVERHEAD_BYTES + padme(4 + dataBytes);
}

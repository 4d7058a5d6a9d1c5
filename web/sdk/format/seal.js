/**
 * Sealed boxes: AES-256-GCM under a one-time key, with a commitment to key and header. See docs/format.md, 3.
 *
 * @import { Bytes } from "./bytes.js"
 */

import { concat, equal, isZero, u32, viewOf } from "./bytes.js";
import { domain, hkdf, randomBytes, sha256 } from "./crypto.js";
import { CannotOpen, Invalid } from "../errors.js";

export const SEAL_OVERHEAD_BYTES = 80;

const SALT_BYTES = 32;
const NONCE = new Uint8Array(12); // safe: the key of every seal is fresh

/**
 * Makes a box: 80 bytes longer than what is in it.
 *
 * @param {Bytes} key 32 bytes
 * @param {Bytes} head what the box commits to
 * @param {Bytes} plaintext padded
 * @param {Bytes} [salt] given for known answers and convergent blocks alone
 * @returns {Promise<Bytes>}
 */
export async function seal(key, head, plaintext, salt = randomBytes(SALT_BYTES)) {
  const okm = await sealKeys(key, head, salt);
  const boxKey = await crypto.subtle.importKey("raw", okm.subarray(0, 32), "AES-GCM", false, ["encrypt"]);
  const box = await crypto.subtle.encrypt({ name: "AES-GCM", iv: NONCE }, boxKey, plaintext);
  return concat(salt, okm.subarray(32), new Uint8Array(box));
}

/**
 * Opens a box.
 *
 * @param {Bytes} key 32 bytes
 * @param {Bytes} head what the box commits to
 * @param {Bytes} box
 * @returns {Promise<Bytes>} the plaintext, padded as it was sealed
 * @throws {CannotOpen} another key, another head, or altered bytes
 */
export async function openSeal(key, head, box) {
  if (box.length < SEAL_OVERHEAD_BYTES) throw new CannotOpen();
  const okm = await sealKeys(key, head, box.subarray(0, SALT_BYTES));
  if (!equal(okm.subarray(32), box.subarray(SALT_BYTES, 64))) throw new CannotOpen();
  const boxKey = await crypto.subtle.importKey("raw", okm.subarray(0, 32), "AES-GCM", false, ["decrypt"]);
  try {
    return new Uint8Array(await crypto.subtle.decrypt({ name: "AES-GCM", iv: NONCE }, boxKey, box.subarray(64)));
  } catch {
    throw new CannotOpen();
  }
}

/** @param {Bytes} key @param {Bytes} head @param {Bytes} salt @returns {Promise<Bytes>} the box's key ‖ its commitment */
async function sealKeys(key, head, salt) {
  return hkdf(key, concat(domain("seal"), await sha256(head)), { salt, length: 64 });
}

/** @param {number} size below 2^31 @returns {number} the padded size: at most 12 % more (PURBs, PoPETs 2019, 4) */
export function padme(size) {
  const least = Math.max(size, 128);
  const exponent = 31 - Math.clz32(least);
  const mask = 2 ** (exponent - (32 - Math.clz32(exponent))) - 1;
  return (least + mask) & ~mask;
}

/** @param {Bytes} data @returns {Bytes} with its length before it and zeros behind, so that only a size bucket shows */
export function pad(data) {
  const padded = new Uint8Array(padme(4 + data.length));
  padded.set(u32(data.length));
  padded.set(data, 4);
  return padded;
}

/**
 * The data in a padded plaintext.
 *
 * @param {Bytes} padded
 * @returns {Bytes}
 * @throws {Invalid} any other length or padding than the format's
 */
export function unpad(padded) {
  const length = padded.length < 4 ? Infinity : viewOf(padded).getUint32(0);
  if (4 + length > padded.length || padme(4 + length) !== padded.length || !isZero(padded.subarray(4 + length))) {
    throw new Invalid("the padding is malformed");
  }
  return padded.subarray(4, 4 + length);
}

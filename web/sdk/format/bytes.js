/**
 * Byte strings: joining, comparing, and their texts.
 *
 * @typedef {Uint8Array<ArrayBuffer>} Bytes
 */

import { Invalid } from "../errors.js";

const encoder = new TextEncoder();
const decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/** @param {(Bytes | string)[]} parts strings stand for their UTF-8 @returns {Bytes} */
export function concat(...parts) {
  const pieces = parts.map((part) => (typeof part === "string" ? encoder.encode(part) : part));
  const joined = new Uint8Array(pieces.reduce((size, piece) => size + piece.length, 0));
  let offset = 0;
  for (const piece of pieces) {
    joined.set(piece, offset);
    offset += piece.length;
  }
  return joined;
}

/**
 * Whether two byte strings are the same, in a time that does not depend on where they differ.
 *
 * @param {Bytes} a
 * @param {Bytes} b
 */
export function equal(a, b) {
  if (a.length !== b.length) return false;
  let difference = 0;
  for (let i = 0; i < a.length; i++) difference |= /** @type {number} */ (a[i]) ^ /** @type {number} */ (b[i]);
  return difference === 0;
}

/** @param {Bytes} bytes */
export function isZero(bytes) {
  return bytes.every((byte) => byte === 0);
}

/** @param {string} text @returns {Bytes} */
export function utf8(text) {
  return encoder.encode(text);
}

/** @param {Bytes} bytes @throws {Invalid} it is not UTF-8 */
export function textOf(bytes) {
  try {
    return decoder.decode(bytes);
  } catch {
    throw new Invalid("the text is not UTF-8");
  }
}

/** @param {Bytes} bytes */
export function toHex(bytes) {
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}

/** @param {string} hex lower case @returns {Bytes} @throws {Invalid} */
export function fromHex(hex) {
  if (!/^(?:[0-9a-f]{2})*$/.test(hex)) throw new Invalid("not lower-case hex digits");
  return Uint8Array.from(hex.match(/../g) ?? [], (pair) => parseInt(pair, 16));
}

/** @param {string} text with padding @returns {Bytes} @throws {Invalid} */
export function fromBase64(text) {
  try {
    return Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));
  } catch {
    throw new Invalid("not base64");
  }
}

/** @param {Bytes} bytes @returns {string} base64url, without padding (RFC 4648, 5) */
export function toBase64url(bytes) {
  const text = btoa(Array.from(bytes, (byte) => String.fromCharCode(byte)).join(""));
  return text.replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");
}

/** @param {string} text @returns {Bytes} @throws {Invalid} any form but the one that `toBase64url` gives */
export function fromBase64url(text) {
  const bytes = fromBase64(text.replaceAll("-", "+").replaceAll("_", "/"));
  if (toBase64url(bytes) !== text) throw new Invalid("not base64url");
  return bytes;
}

/** @param {Bytes} bytes */
export function viewOf(bytes) {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

/** @param {number} value @returns {Bytes} four bytes, big-endian */
export function u32(value) {
  const bytes = new Uint8Array(4);
  viewOf(bytes).setUint32(0, value);
  return bytes;
}

/** @param {number} value at most 2^53 - 1 @returns {Bytes} eight bytes, big-endian */
export function u64(value) {
  return concat(u32(Math.floor(value / 2 ** 32)), u32(value % 2 ** 32));
}

/** @param {Bytes} bytes @param {number} offset @throws {Invalid} over 2^53 - 1 */
export function readU64(bytes, offset) {
  const view = viewOf(bytes);
  const value = view.getUint32(offset) * 2 ** 32 + view.getUint32(offset + 4);
  if (!Number.isSafeInteger(value)) throw new Invalid("a number is out of range");
  return value;
}

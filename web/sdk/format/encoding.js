/**
 * The encoding of payloads: what goes inside an entry's seal. See docs/format.md, 6.
 *
 * @import { Bytes } from "./bytes.js"
 * @import { Reference } from "./reference.js"
 */

import { Invalid, TooLarge } from "../errors.js";
import { concat, u32, utf8 } from "./bytes.js";
import { REFERENCES_MAX, VERSION } from "./payload.js";

const PAYLOAD_BYTES_MAX = 63_484;

/**
 * Encodes a payload: text stays text, bytes bytes, anything else is JSON.
 *
 * @param {unknown} value
 * @param {Reference[]} [references] to the blocks that the entry adds
 * @param {Bytes} [keyBefore] that a rotation hands on
 * @returns {Bytes}
 * @throws {Invalid} the value has no JSON form
 * @throws {TooLarge}
 */
export function encodePayload(value, references = [], keyBefore = new Uint8Array()) {
  const { code, data } = coded(value);
  const head = concat(Uint8Array.of(VERSION, code), u32(references.length).subarray(2));
  const payload = concat(head, ...references.map((reference) => reference.encode()), keyBefore, data);
  if (references.length > REFERENCES_MAX || payload.length > PAYLOAD_BYTES_MAX) {
    throw new TooLarge("an entry holds at most 63,484 bytes and 933 references");
  }
  return payload;
}

/** @param {unknown} value @returns {{ code: number, data: Bytes }} */
function coded(value) {
  if (value instanceof Uint8Array) return { code: 0, data: new Uint8Array(value) };
  if (typeof value === "string") {
    if (/\p{Surrogate}/u.test(value)) throw new Invalid("the text holds half a surrogate pair");
    return { code: 1, data: utf8(value) };
  }
  return { code: 2, data: utf8(jsonText(value)) };
}

/** @param {unknown} value */
function jsonText(value) {
  try {
    const text = JSON.stringify(value);
    if (text !== undefined) return text;
  } catch {
    // it refers to itself, or holds a BigInt
  }
  throw new Invalid("the value has no JSON form");
}

/**
 * Payloads: what is inside an entry's seal. See docs/format.md, 6.
 *
 * @import { Bytes } from "./bytes.js"
 * @import { Entry } from "./entry.js"
 *
 * @typedef {{ type: "bytes", bytes: Bytes }
 *   | { type: "text", text: string }
 *   | { type: "json", value: unknown }
 *   | { type: "cbor", bytes: Bytes }
 *   | { type: "application", code: number, bytes: Bytes }} Content
 * @typedef {{ references: Reference[], content: Content | null }} Payload content is null where there is none
 */

import { textOf, viewOf } from "./bytes.js";
import { KIND } from "./entry.js";
import { Invalid } from "../errors.js";
import { REFERENCE_BYTES, Reference } from "./reference.js";
import { openSeal, unpad } from "./seal.js";

export const VERSION = 1;
const HEAD_BYTES = 4;
const KEY_BYTES = 32;
const CODE_MAX = 3;
export const REFERENCES_MAX = 933;
const APPLICATION_CODE_MIN = 16;

/**
 * Opens an entry's seal and decodes what is in it.
 *
 * @param {Entry} entry verified
 * @param {Bytes} readKey of the entry's key epoch
 * @returns {Promise<Payload>}
 * @throws {CannotOpen | Invalid}
 */
export async function openPayload(entry, readKey) {
  const bytes = await openBytes(entry, readKey);
  if (entry.kind === KIND.CLOSE && bytes.length === 0) return { references: [], content: null };
  const { references, code, data } = decode(bytes);
  if (entry.kind !== KIND.ROTATE) return { references, content: contentOf(code, data) };
  const rest = data.subarray(keyIn(data).length); // the key is for the keyring, not for show
  return { references, content: rest.length > 0 ? contentOf(code, rest) : null };
}

/**
 * The read key of the epoch before, which a rotation carries.
 *
 * @param {Entry} rotation verified
 * @param {Bytes} readKey of the rotation's own epoch
 * @returns {Promise<Bytes>}
 * @throws {CannotOpen | Invalid}
 */
export async function openKeyBefore(rotation, readKey) {
  return keyIn(decode(await openBytes(rotation, readKey)).data);
}

/** @param {Bytes} bytes a payload outside of a chain @returns {Payload} @throws {Invalid} */
export function decodePayload(bytes) {
  const { references, code, data } = decode(bytes);
  return { references, content: contentOf(code, data) };
}

/** @param {Entry} entry @param {Bytes} readKey */
async function openBytes(entry, readKey) {
  return unpad(await openSeal(readKey, entry.header, entry.body));
}

/** @param {Bytes} bytes */
function decode(bytes) {
  if (bytes.length < HEAD_BYTES || bytes[0] !== VERSION) throw new Invalid("the payload is of another version");
  const code = /** @type {number} */ (bytes[1]);
  if (code > CODE_MAX && code < APPLICATION_CODE_MIN) {
    throw new Invalid("the payload names a content type that is refused");
  }
  const count = viewOf(bytes).getUint16(2);
  const dataStart = HEAD_BYTES + count * REFERENCE_BYTES;
  if (count > REFERENCES_MAX || dataStart > bytes.length) throw new Invalid("the payload is cut off");
  const references = Reference.decodeAll(bytes.subarray(HEAD_BYTES, dataStart));
  return { references, code, data: bytes.slice(dataStart) };
}

/** @param {Bytes} data of a rotation */
function keyIn(data) {
  if (data.length < KEY_BYTES) throw new Invalid("the rotation carries no key");
  return data.slice(0, KEY_BYTES);
}

/** @param {number} code @param {Bytes} data @returns {Content} */
function contentOf(code, data) {
  if (code === 0) return { type: "bytes", bytes: data };
  if (code === 1) return { type: "text", text: textOf(data) };
  if (code === 2) return { type: "json", value: jsonOf(data) };
  if (code === CODE_MAX) return { type: "cbor", bytes: data };
  return { type: "application", code, bytes: data };
}

/** @param {Bytes} data @returns {unknown} */
function jsonOf(data) {
  try {
    return JSON.parse(textOf(data));
  } catch {
    throw new Invalid("the payload is not JSON");
  }
}

/**
 * The encoding of payloads: what goes inside an entry's seal. See docs/format.md, 6.
 *
 * @import { Bytes } from "./bytes.js"
 * @import { Reference } from "./reference.js"
 */
import type { Bytes } from "./bytes.js";
import type { Reference } from "./reference.js";
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
export declare function encodePayload(value: unknown, references?: Reference[], keyBefore?: Bytes): Bytes;

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
import type { Bytes } from "./bytes.js";
import type { Entry } from "./entry.js";
export type Content = {
    type: "bytes";
    bytes: Bytes;
} | {
    type: "text";
    text: string;
} | {
    type: "json";
    value: unknown;
} | {
    type: "cbor";
    bytes: Bytes;
} | {
    type: "application";
    code: number;
    bytes: Bytes;
};
export type Payload = {
    references: Reference[];
    content: Content | null;
};
import { Reference } from "./reference.js";
export declare const VERSION = 1;
export declare const REFERENCES_MAX = 933;
/**
 * Opens an entry's seal and decodes what is in it.
 *
 * @param {Entry} entry verified
 * @param {Bytes} readKey of the entry's key epoch
 * @returns {Promise<Payload>}
 * @throws {CannotOpen | Invalid}
 */
export declare function openPayload(entry: Entry, readKey: Bytes): Promise<Payload>;
/**
 * The read key of the epoch before, which a rotation carries.
 *
 * @param {Entry} rotation verified
 * @param {Bytes} readKey of the rotation's own epoch
 * @returns {Promise<Bytes>}
 * @throws {CannotOpen | Invalid}
 */
export declare function openKeyBefore(rotation: Entry, readKey: Bytes): Promise<Bytes>;
/** @param {Bytes} bytes a payload outside of a chain @returns {Payload} @throws {Invalid} */
export declare function decodePayload(bytes: Bytes): Payload;

/**
 * Byte strings: joining, comparing, and their texts.
 *
 * @typedef {Uint8Array<ArrayBuffer>} Bytes
 */
export type Bytes = Uint8Array<ArrayBuffer>;
/** @param {(Bytes | string)[]} parts strings stand for their UTF-8 @returns {Bytes} */
export declare function concat(...parts: (Bytes | string)[]): Bytes;
/**
 * Whether two byte strings are the same, in a time that does not depend on where they differ.
 *
 * @param {Bytes} a
 * @param {Bytes} b
 */
export declare function equal(a: Bytes, b: Bytes): boolean;
/** @param {Bytes} bytes */
export declare function isZero(bytes: Bytes): boolean;
/** @param {string} text @returns {Bytes} */
export declare function utf8(text: string): Bytes;
/** @param {Bytes} bytes @throws {Invalid} it is not UTF-8 */
export declare function textOf(bytes: Bytes): string;
/** @param {Bytes} bytes */
export declare function toHex(bytes: Bytes): string;
/** @param {string} hex lower case @returns {Bytes} @throws {Invalid} */
export declare function fromHex(hex: string): Bytes;
/** @param {string} text with padding @returns {Bytes} @throws {Invalid} */
export declare function fromBase64(text: string): Bytes;
/** @param {Bytes} bytes @returns {string} base64url, without padding (RFC 4648, 5) */
export declare function toBase64url(bytes: Bytes): string;
/** @param {string} text @returns {Bytes} @throws {Invalid} any form but the one that `toBase64url` gives */
export declare function fromBase64url(text: string): Bytes;
/** @param {Bytes} bytes */
export declare function viewOf(bytes: Bytes): DataView<ArrayBuffer>;
/** @param {number} value @returns {Bytes} four bytes, big-endian */
export declare function u32(value: number): Bytes;
/** @param {number} value at most 2^53 - 1 @returns {Bytes} eight bytes, big-endian */
export declare function u64(value: number): Bytes;
/** @param {Bytes} bytes @param {number} offset @throws {Invalid} over 2^53 - 1 */
export declare function readU64(bytes: Bytes, offset: number): number;

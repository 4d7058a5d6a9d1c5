/**
 * Sealed boxes: AES-256-GCM under a one-time key, with a commitment to key and header. See docs/format.md, 3.
 *
 * @import { Bytes } from "./bytes.js"
 */
import type { Bytes } from "./bytes.js";
export declare const SEAL_OVERHEAD_BYTES = 80;
/**
 * Makes a box: 80 bytes longer than what is in it.
 *
 * @param {Bytes} key 32 bytes
 * @param {Bytes} head what the box commits to
 * @param {Bytes} plaintext padded
 * @param {Bytes} [salt] given for known answers and convergent blocks alone
 * @returns {Promise<Bytes>}
 */
export declare function seal(key: Bytes, head: Bytes, plaintext: Bytes, salt?: Bytes): Promise<Bytes>;
/**
 * Opens a box.
 *
 * @param {Bytes} key 32 bytes
 * @param {Bytes} head what the box commits to
 * @param {Bytes} box
 * @returns {Promise<Bytes>} the plaintext, padded as it was sealed
 * @throws {CannotOpen} another key, another head, or altered bytes
 */
export declare function openSeal(key: Bytes, head: Bytes, box: Bytes): Promise<Bytes>;
/** @param {number} size below 2^31 @returns {number} the padded size: at most 12 % more (PURBs, PoPETs 2019, 4) */
export declare function padme(size: number): number;
/** @param {Bytes} data @returns {Bytes} with its length before it and zeros behind, so that only a size bucket shows */
export declare function pad(data: Bytes): Bytes;
/**
 * The data in a padded plaintext.
 *
 * @param {Bytes} padded
 * @returns {Bytes}
 * @throws {Invalid} any other length or padding than the format's
 */
export declare function unpad(padded: Bytes): Bytes;

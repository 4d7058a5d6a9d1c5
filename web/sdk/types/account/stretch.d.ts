/**
 * The stretching of passwords, in a worker of its own that ends with it.
 *
 * @import { Bytes } from "../format/bytes.js"
 */
import type { Bytes } from "../format/bytes.js";
/** @param {Bytes} password @param {Bytes} salt @returns {Promise<Bytes>} 32 bytes @throws {Unavailable} */
export declare function stretch(password: Bytes, salt: Bytes): Promise<Bytes>;

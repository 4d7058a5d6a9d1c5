/**
 * Argon2id as accounts use it (docs/format.md, 8), by hash-wasm, which puts itself on the global object.
 *
 * @import { Bytes } from "../format/bytes.js"
 */
import type { Bytes } from "../format/bytes.js";
import "../vendor/hash-wasm/argon2.umd.min.js";
/** @param {Bytes} password @param {Bytes} salt @returns {Promise<Bytes>} 32 bytes */
export declare function stretched(password: Bytes, salt: Bytes): Promise<Bytes>;

/**
 * Argon2id as accounts use it (docs/format.md, 8), by hash-wasm, which puts itself on the global object.
 *
 * @import { Bytes } from "../format/bytes.js"
 */

import "../vendor/hash-wasm/argon2.umd.min.js";

/** @param {Bytes} password @param {Bytes} salt @returns {Promise<Bytes>} 32 bytes */
export function stretched(password, salt) {
  const cost = { memorySize: 65_536, iterations: 3, parallelism: 1 };
  return globalThis.hashwasm.argon2id({ password, salt, ...cost, hashLength: 32, outputType: "binary" });
}

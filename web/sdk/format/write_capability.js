/**
 * Write capabilities, made and given away: who only reads has no need of it.
 *
 * @import { WriteCapability } from "./capability.js"
 */

import { concat } from "./bytes.js";
import { formatted } from "./capability.js";
import { randomBytes } from "./crypto.js";

/** A fresh chain's write capability; no server is asked. @param {number} [flags] @returns {WriteCapability} */
export function newWriteCapability(flags = 0) {
  return { type: "write", flags, writeSecret: randomBytes(32) };
}

/** @param {WriteCapability} capability @returns {Promise<string>} */
export function formatWrite({ flags, writeSecret }) {
  return formatted("w", concat(Uint8Array.of(flags), writeSecret));
}

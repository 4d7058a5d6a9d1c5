/** The browser SDK: everything that pages need to read chains and blocks, and to verify both. */

export { readObject } from "./block.js";
export { fromHex, toHex } from "./bytes.js";
export {
  formatBlock,
  formatRead,
  formatVerify,
  looksLikeCapability,
  parseCapability,
  readFromWrite,
} from "./capability.js";
export { checkSupport } from "./crypto.js";
export { KIND } from "./entry.js";
export { EphemeralReader } from "./ephemeral.js";
export * from "./errors.js";
export { Keyring } from "./keyring.js";
export { Live } from "./live.js";
export { Pins } from "./pins.js";
export { ChainReader } from "./reader.js";
export { Reference } from "./reference.js";
export { Server } from "./server.js";

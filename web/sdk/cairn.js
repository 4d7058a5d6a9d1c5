/**
 * The browser SDK. `connect` is the way in; what follows it is for pages that read chains and blocks by hand.
 */

export { Cairn, connect } from "./connect.js";
export { Log } from "./chains/log.js";
export { Signal } from "./signal.js";
export * from "./errors.js";

export { ChainReader } from "./chains/reader.js";
export { Keyring } from "./chains/keyring.js";
export { fromHex, toHex } from "./format/bytes.js";
export {
  formatRead,
  formatVerify,
  looksLikeCapability,
  parseCapability,
  readFromWrite,
} from "./format/capability.js";
export { checkSupport } from "./format/crypto.js";
export { KIND } from "./format/entry.js";
export { Reference } from "./format/reference.js";
export { Live } from "./chains/live.js";
export { Server } from "./remote/server.js";
export { Pins } from "./state/pins.js";

/**
 * The data of an object of bounded size; see objects/download.js, which is loaded when it is asked for.
 *
 * @type {typeof import("./objects/download.js").readObject}
 */
export async function readObject(server, reference, options) {
  return (await import("./objects/download.js")).readObject(server, reference, options);
}

/**
 * Inbox messages: sealed to whoever holds a chain's write secret, by anyone who knows its public inbox key. Nothing in one
 * proves who sent it. See docs/format.md, 7.
 *
 * @import { Bytes } from "./bytes.js"
 */

import { CannotOpen, Invalid } from "../errors.js";
import { concat, fromBase64url, fromHex, isZero } from "./bytes.js";
import { domain, hkdf, randomBytes } from "./crypto.js";
import { openSeal, pad, seal, unpad } from "./seal.js";

const MAGIC = "CRI1";
const KEY_BYTES = 32;
const OVERHEAD_BYTES = 112;
const PKCS8_PREFIX = fromHex("302e020100300506032b656e04220420"); // RFC 8410, 7

/** @param {Bytes} seed that a chain's write secret derives @returns {Promise<Bytes>} the public inbox key */
export async function inboxKeyOf(seed) {
  return publicOf(await privateKey(seed));
}

/**
 * @param {Bytes} inboxKey whose it is
 * @param {Bytes} data
 * @param {{ seed?: Bytes, salt?: Bytes }} [options] given for known answers alone
 * @returns {Promise<Bytes>}
 * @throws {Invalid | CannotOpen} the key is none, or of small order
 */
export async function sealMessage(inboxKey, data, { seed = randomBytes(32), salt } = {}) {
  if (inboxKey.length !== KEY_BYTES) throw new Invalid("an inbox key has 32 bytes");
  const own = await privateKey(seed);
  const sender = await publicOf(own);
  const key = await sharedKey(own, inboxKey, sender, inboxKey);
  return concat(sender, await seal(key, concat(MAGIC, sender, inboxKey), pad(data), salt));
}

/** @param {Bytes} seed of the inbox @param {Bytes} message @returns {Promise<Bytes>} its data @throws {CannotOpen | Invalid} */
export async function openMessage(seed, message) {
  if (message.length < OVERHEAD_BYTES) throw new Invalid("an inbox message has at least 112 bytes");
  const own = await privateKey(seed);
  const [sender, receiver] = [message.slice(0, KEY_BYTES), await publicOf(own)];
  const key = await sharedKey(own, sender, sender, receiver);
  return unpad(await openSeal(key, concat(MAGIC, sender, receiver), message.slice(KEY_BYTES)));
}

/** @param {Bytes} seed */
function privateKey(seed) {
  return crypto.subtle.importKey("pkcs8", concat(PKCS8_PREFIX, seed), "X25519", true, ["deriveBits"]);
}

/** @param {CryptoKey} key @returns {Promise<Bytes>} */
async function publicOf(key) {
  return fromBase64url((await crypto.subtle.exportKey("jwk", key)).x ?? "");
}

/** @param {CryptoKey} own @param {Bytes} other @param {Bytes} sender @param {Bytes} receiver */
async function sharedKey(own, other, sender, receiver) {
  let shared;
  try {
    const key = await crypto.subtle.importKey("raw", other, "X25519", false, []);
    shared = new Uint8Array(await crypto.subtle.deriveBits({ name: "X25519", public: key }, own, KEY_BYTES * 8));
  } catch {
    throw new CannotOpen();
  }
  if (isZero(shared)) throw new CannotOpen();
  return hkdf(shared, concat(domain("inbox"), sender, receiver));
}

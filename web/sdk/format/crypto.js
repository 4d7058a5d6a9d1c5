/**
 * Hashes, key derivation, and Ed25519 under the acceptance rule of docs/format.md, 2. WebCrypto does all of the work.
 *
 * @import { Bytes } from "./bytes.js"
 */

import { concat, fromBase64url, fromHex } from "./bytes.js";
import { Invalid, Unsupported } from "../errors.js";

const GROUP_ORDER = 2n ** 252n + 27742317777372353535851937790883648493n;
const FIELD_PRIME = 2n ** 255n - 19n;
const SMALL_ORDER_Y = new Set([
  0n,
  1n,
  FIELD_PRIME - 1n,
  littleEndian(fromHex("26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05")),
  littleEndian(fromHex("c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a")),
]);
const PKCS8_PREFIX = fromHex("302e020100300506032b657004220420"); // RFC 8410, 7
const SOME_PUBLIC_KEY = fromHex("d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a"); // RFC 8032, 7.1

/** @param {string} label @returns {Bytes} D(label): which use bytes are meant for */
export function domain(label) {
  return concat("cairn/v1/", label, "\0");
}

/** @param {Bytes} data @returns {Promise<Bytes>} 32 bytes */
export async function sha256(data) {
  return new Uint8Array(await crypto.subtle.digest("SHA-256", data));
}

/** @param {number} count @returns {Bytes} */
export function randomBytes(count) {
  return crypto.getRandomValues(new Uint8Array(count));
}

/**
 * HKDF-SHA-256 (RFC 5869).
 *
 * @param {Bytes | CryptoKey} key a `CryptoKey` is one that `derivingKey` made
 * @param {Bytes} info
 * @param {{ salt?: Bytes, length?: number }} [options] length in bytes, 32 unless given
 * @returns {Promise<Bytes>}
 */
export async function hkdf(key, info, { salt = new Uint8Array(), length = 32 } = {}) {
  const material = key instanceof Uint8Array ? await derivingKey(key) : key;
  const parameters = { name: "HKDF", hash: "SHA-256", salt, info };
  return new Uint8Array(await crypto.subtle.deriveBits(parameters, material, length * 8));
}

/** A key that others derive from, held by the browser: it cannot be read back. @param {Bytes} key */
export function derivingKey(key) {
  return crypto.subtle.importKey("raw", key, "HKDF", false, ["deriveBits"]);
}

/**
 * The public key of an Ed25519 seed.
 *
 * @param {Bytes} seed 32 bytes
 * @returns {Promise<Bytes>} 32 bytes
 */
export async function publicKeyOf(seed) {
  const key = await crypto.subtle.importKey("pkcs8", concat(PKCS8_PREFIX, seed), "Ed25519", true, ["sign"]);
  const { x } = await crypto.subtle.exportKey("jwk", key);
  return fromBase64url(x ?? "");
}

/** The private key of an Ed25519 seed, held by the browser: it signs, and cannot be read back. @param {Bytes} seed */
export function signingKeyOf(seed) {
  return crypto.subtle.importKey("pkcs8", concat(PKCS8_PREFIX, seed), "Ed25519", false, ["sign"]);
}

/** @param {CryptoKey} key of `signingKeyOf` @param {Bytes} message @returns {Promise<Bytes>} 64 bytes */
export async function sign(key, message) {
  return new Uint8Array(await crypto.subtle.sign("Ed25519", key, message));
}

/** An Ed25519 key that verifies. Made only by `of`, so it is one that the rule accepts. */
export class PublicKey {
  /** @type {CryptoKey} */
  #key;

  /** @param {CryptoKey} key not for use outside of this class */
  constructor(key) {
    this.#key = key;
  }

  /** @param {Bytes} bytes @throws {Invalid} the rule refuses it */
  static async of(bytes) {
    if (bytes.length !== 32 || !isAcceptablePoint(bytes)) throw new Invalid("the public key is refused");
    try {
      return new PublicKey(await crypto.subtle.importKey("raw", bytes, "Ed25519", false, ["verify"]));
    } catch {
      throw new Invalid("the public key is refused");
    }
  }

  /**
   * The rule comes first, because libraries disagree about the encodings that it refuses.
   *
   * @param {Bytes} message
   * @param {Bytes} signature
   * @returns {Promise<boolean>}
   */
  async verifies(message, signature) {
    if (signature.length !== 64 || littleEndian(signature.subarray(32)) >= GROUP_ORDER) return false;
    if (!isAcceptablePoint(signature.subarray(0, 32))) return false;
    return crypto.subtle.verify("Ed25519", this.#key, signature, message);
  }
}

/** @param {Bytes} encoded */
function isAcceptablePoint(encoded) {
  const y = littleEndian(encoded) & (2n ** 255n - 1n);
  return y < FIELD_PRIME && !SMALL_ORDER_Y.has(y);
}

/** @param {Bytes} bytes 32 of them */
function littleEndian(bytes) {
  let hex = "0x";
  for (let i = bytes.length - 1; i >= 0; i--) hex += /** @type {number} */ (bytes[i]).toString(16).padStart(2, "0");
  return BigInt(hex);
}

/** @throws {Unsupported} the page is neither from https nor from this machine, so there is no cryptography */
export function checkContext() {
  if (!globalThis.crypto?.subtle) throw new Unsupported("context", "the page was not opened in a secure way");
}

/**
 * Checks that this browser, on this page, can do all that is needed.
 *
 * @throws {Unsupported}
 */
export async function checkSupport() {
  checkContext();
  try {
    await crypto.subtle.importKey("raw", SOME_PUBLIC_KEY, "Ed25519", false, ["verify"]);
  } catch {
    throw new Unsupported("ed25519", "this browser cannot verify Ed25519 signatures");
  }
}

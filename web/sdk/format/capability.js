/**
 * Capabilities: who holds one may do what it says. Weaker ones derive from stronger, here. See docs/format.md, 5.
 *
 * @import { Bytes } from "./bytes.js"
 *
 * @typedef {{ type: "write", flags: number, writeSecret: Bytes }} WriteCapability
 * @typedef {{ type: "read", chainId: Bytes, keyEpoch: number, readKey: Bytes }} ReadCapability
 * @typedef {{ type: "verify", chainId: Bytes }} VerifyCapability
 * @typedef {{ type: "block", reference: Reference }} BlockCapability
 * @typedef {WriteCapability | ReadCapability | VerifyCapability | BlockCapability} Capability
 */

import { concat, equal, fromBase64url, toBase64url, u32, viewOf } from "./bytes.js";
import { domain, hkdf, publicKeyOf, sha256 } from "./crypto.js";
import { Invalid, WrongCapability } from "../errors.js";
import { REFERENCE_BYTES, Reference } from "./reference.js";

/** Flag bit 0: the chain is a door. */
export const FLAG_DOOR = 1;

const CHECK_BYTES = 4;
const BODY_BYTES = { w: 33, r: 68, v: 32, b: REFERENCE_BYTES };

/** @param {string} text @returns {boolean} it begins as a capability does */
export function looksLikeCapability(text) {
  return /^crn1[wrvb]_/.test(text);
}

/**
 * Reads a capability's text form.
 *
 * @param {string} text
 * @returns {Promise<Capability>}
 * @throws {WrongCapability} it is none, or has been altered or cut
 */
export async function parseCapability(text) {
  const letter = /** @type {keyof typeof BODY_BYTES} */ (text[4]);
  if (!looksLikeCapability(text)) throw new WrongCapability("a capability begins with crn1r_ or the like");
  const checked = orWrong(() => fromBase64url(text.slice(6)));
  const body = checked.subarray(0, -CHECK_BYTES);
  if (body.length !== BODY_BYTES[letter] || !equal(await checkOf(letter, body), checked.subarray(-CHECK_BYTES))) {
    throw new WrongCapability("a letter of the capability is wrong or missing");
  }
  return orWrong(() => fromBody(letter, body));
}

/** @template T @param {() => T} decode @returns {T} */
function orWrong(decode) {
  try {
    return decode();
  } catch (error) {
    if (error instanceof Invalid) throw new WrongCapability("a letter of the capability is wrong or missing");
    throw error;
  }
}

/** @param {string} letter @param {Bytes} body @returns {Capability} */
function fromBody(letter, body) {
  switch (letter) {
    case "w":
      if (/** @type {number} */ (body[0]) > 1) throw new WrongCapability("the capability is of a later format");
      return { type: "write", flags: /** @type {number} */ (body[0]), writeSecret: body.slice(1) };
    case "r":
      return {
        type: "read",
        chainId: body.slice(0, 32),
        keyEpoch: viewOf(body).getUint32(32),
        readKey: body.slice(36),
      };
    case "v":
      return { type: "verify", chainId: body.slice() };
    default:
      return { type: "block", reference: Reference.decode(body.slice()) };
  }
}

/** @param {string} letter @param {Bytes} body */
async function checkOf(letter, body) {
  return (await sha256(concat(domain("cap"), letter, body))).subarray(0, CHECK_BYTES);
}

/** @param {string} letter @param {Bytes} body @returns {Promise<string>} */
export async function formatted(letter, body) {
  return `crn1${letter}_${toBase64url(concat(body, await checkOf(letter, body)))}`;
}

/** @param {ReadCapability} capability @returns {Promise<string>} */
export function formatRead({ chainId, keyEpoch, readKey }) {
  return formatted("r", concat(chainId, u32(keyEpoch), readKey));
}

/** @param {VerifyCapability} capability @returns {Promise<string>} */
export function formatVerify({ chainId }) {
  return formatted("v", chainId);
}

/** @param {BlockCapability} capability @returns {Promise<string>} */
export function formatBlock({ reference }) {
  return formatted("b", reference.encode());
}

/**
 * The read capability, at key epoch 0, that a write capability derives.
 *
 * @param {WriteCapability} capability
 * @returns {Promise<ReadCapability>}
 */
export async function readFromWrite({ flags, writeSecret }) {
  const readKey = await readKeyOf(writeSecret, 0);
  const publicKey = await publicKeyOf(await hkdf(writeSecret, domain("sign")));
  const body = concat(publicKey, await readCommitment(readKey), Uint8Array.of(1, flags, 0, 0));
  return { type: "read", chainId: await chainIdOf(body), keyEpoch: 0, readKey };
}

/** @param {Bytes | CryptoKey} writeSecret @param {number} keyEpoch @returns {Promise<Bytes>} rk[e] */
export function readKeyOf(writeSecret, keyEpoch) {
  return hkdf(writeSecret, concat(domain("read"), u32(keyEpoch)));
}

/** @param {Bytes} firstReadKey @returns {Promise<Bytes>} rkc: what a genesis publishes of rk[0] */
export function readCommitment(firstReadKey) {
  return hkdf(firstReadKey, domain("read-commit"));
}

/** @param {Bytes} genesisBody @returns {Promise<Bytes>} */
export function chainIdOf(genesisBody) {
  return sha256(concat(domain("chain"), genesisBody));
}

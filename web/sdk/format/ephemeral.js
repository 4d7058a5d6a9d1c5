/**
 * Ephemeral messages: signed by a chain's writer, passed on to who listens, never stored. See docs/format.md, 7.
 *
 * @import { Bytes } from "./bytes.js"
 * @import { ChainState } from "./chain.js"
 * @import { Keyring } from "../chains/keyring.js"
 */

import { concat, equal, readU64, toHex, utf8, viewOf } from "./bytes.js";
import { domain, sha256 } from "./crypto.js";
import { CannotOpen, Invalid, KeyMissing } from "../errors.js";
import { openSeal, unpad } from "./seal.js";

export const MAGIC = utf8("CRX1");
const HEADER_BYTES = 50;
const BOX_BYTES_MIN = 208;
export const BOX_BYTES_MAX = 16_464;
const SIGNATURE_BYTES = 64;
const SKEW_MS_MAX = 60_000;
const SEEN_MAX = 8_192;

/** Opens the messages of one chain, each once. */
export class EphemeralReader {
  /** @type {Map<string, number>} digests, with the time that each message names */
  #seen = new Map();

  /** @param {Keyring} keyring @param {() => number} [now] in Unix milliseconds */
  constructor(keyring, now = Date.now) {
    this.keyring = keyring;
    this.now = now;
  }

  /**
   * The data of a message, verified.
   *
   * @param {ChainState} state
   * @param {Bytes} raw
   * @returns {Promise<Bytes>}
   * @throws {Invalid | CannotOpen | KeyMissing} not the writer's, not of now, heard before, or not for this capability
   */
  async open(state, raw) {
    const timeMs = checkHeader(state, raw, this.now());
    const digest = toHex(await sha256(raw));
    if (this.#seen.has(digest)) throw new Invalid("the message was heard before");
    const signed = concat(domain("ephemeral"), raw.subarray(0, -SIGNATURE_BYTES));
    if (!(await state.publicKey.verifies(signed, raw.subarray(-SIGNATURE_BYTES)))) {
      throw new Invalid("the message is not signed by the chain's key");
    }
    const key = await this.keyring.keyOf(state.keyEpoch);
    if (!key) throw new KeyMissing("the capability does not open messages of this key epoch");
    const box = raw.slice(HEADER_BYTES, -SIGNATURE_BYTES);
    const data = unpad(await openSeal(key, raw.slice(0, HEADER_BYTES), box));
    this.#remember(digest, timeMs);
    return data;
  }

  /** @param {string} digest @param {number} timeMs */
  #remember(digest, timeMs) {
    for (const [other, time] of this.#seen) {
      if (this.#seen.size < SEEN_MAX && time >= this.now() - SKEW_MS_MAX) break;
      if (time >= this.now() - SKEW_MS_MAX) throw new Invalid("too many messages within two minutes");
      this.#seen.delete(other);
    }
    this.#seen.set(digest, timeMs);
  }
}

/** @param {ChainState} state @param {Bytes} raw @param {number} now @returns {number} the time that it names */
function checkHeader(state, raw, now) {
  const boxBytes = raw.length - HEADER_BYTES - SIGNATURE_BYTES;
  if (boxBytes < BOX_BYTES_MIN || boxBytes > BOX_BYTES_MAX || !equal(raw.subarray(0, 4), MAGIC)) {
    throw new Invalid("the message is malformed");
  }
  const view = viewOf(raw);
  if (view.getUint16(48) !== boxBytes) throw new Invalid("the message has another length than it says");
  if (!equal(raw.subarray(4, 36), state.chainId) || view.getUint32(36) !== state.keyEpoch) {
    throw new Invalid("the message is of another chain or key epoch");
  }
  const timeMs = readU64(raw, 40);
  if (Math.abs(timeMs - now) > SKEW_MS_MAX) throw new Invalid("the message is more than 60 s away from now");
  return timeMs;
}

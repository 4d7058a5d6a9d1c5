/**
 * The secret half of a chain: all that its write secret derives, and the entries that it signs. See docs/format.md, 5, 6.
 *
 * @import { Bytes } from "./bytes.js"
 * @import { ReadCapability, WriteCapability } from "./capability.js"
 * @import { ChainState } from "./chain.js"
 */

import { TooLarge } from "../errors.js";
import { concat, u32, u64 } from "./bytes.js";
import { chainIdOf, readCommitment, readKeyOf } from "./capability.js";
import { derivingKey, domain, hkdf, publicKeyOf, sign, signingKeyOf } from "./crypto.js";
import { Entry, KIND } from "./entry.js";
import { inboxKeyOf, openMessage } from "./inbox.js";
import { SEAL_OVERHEAD_BYTES, pad, seal } from "./seal.js";

const BODY_BYTES_MAX = 65_536;
const SUITE = 1;

/** The keys of one chain. They stay inside WebCrypto; read keys come out, since boxes are sealed with them. */
export class ChainKeys {
  /** @type {CryptoKey} */
  #signing;
  /** @type {CryptoKey} */
  #deriving;

  /**
   * @param {CryptoKey} signing
   * @param {CryptoKey} deriving
   * @param {Bytes} genesisBody
   * @param {Bytes} chainId not for use outside of this class: see `of`
   */
  constructor(signing, deriving, genesisBody, chainId) {
    this.#signing = signing;
    this.#deriving = deriving;
    this.genesisBody = genesisBody;
    this.chainId = chainId;
  }

  /** @param {WriteCapability} capability @returns {Promise<ChainKeys>} */
  static async of({ flags, writeSecret }) {
    const deriving = await derivingKey(writeSecret);
    const seed = await hkdf(deriving, domain("sign"));
    const commitment = await readCommitment(await readKeyOf(deriving, 0));
    const body = concat(await publicKeyOf(seed), commitment, Uint8Array.of(SUITE, flags, 0, 0));
    return new ChainKeys(await signingKeyOf(seed), deriving, body, await chainIdOf(body));
  }

  get flags() {
    return /** @type {number} */ (this.genesisBody[65]);
  }

  /** @param {number} keyEpoch @returns {Promise<Bytes>} rk[e] */
  readKey(keyEpoch) {
    return readKeyOf(this.#deriving, keyEpoch);
  }

  /** The capability that opens all up to a key epoch. @param {number} keyEpoch @returns {Promise<ReadCapability>} */
  async toRead(keyEpoch) {
    return { type: "read", chainId: this.chainId, keyEpoch, readKey: await this.readKey(keyEpoch) };
  }

  /** @param {Bytes} blockId @returns {Promise<Bytes>} the right to remove this chain's upload of a block */
  pin(blockId) {
    return hkdf(this.#deriving, concat(domain("pin"), blockId));
  }

  /** What is sealed to this chain's writer alone. @param {Bytes} message @returns {Promise<Bytes>} its data */
  async openMessage(message) {
    return openMessage(await this.#inboxSeed(), message);
  }

  /** @returns {Promise<Bytes>} the public key to which messages to this chain's writer are sealed */
  async inboxKey() {
    return inboxKeyOf(await this.#inboxSeed());
  }

  #inboxSeed() {
    return hkdf(this.#deriving, domain("inbox-key"));
  }

  /** @param {string} label @param {Bytes} message @returns {Promise<Bytes>} Ed25519 over D(label) ‖ message */
  sign(label, message) {
    return sign(this.#signing, concat(domain(label), message));
  }

  /** @returns {Promise<Entry>} the chain's first entry */
  async genesis() {
    const body = this.genesisBody;
    const place = { seq: 0, floor: 0, prev: new Uint8Array(32) };
    return this.#signed(concat(this.#header(KIND.GENESIS, 0, body.length, place), body));
  }

  /**
   * The entry that follows `state`, with a payload sealed in it.
   *
   * @param {ChainState} state
   * @param {number} kind
   * @param {Bytes} payload encoded
   * @param {{ floor?: number, salt?: Bytes }} [options]
   * @returns {Promise<Entry>}
   * @throws {TooLarge}
   */
  async follow(state, kind, payload, { floor = state.floor, salt } = {}) {
    const keyEpoch = state.keyEpoch + (kind === KIND.ROTATE ? 1 : 0);
    const padded = pad(payload);
    const bodyBytes = padded.length + SEAL_OVERHEAD_BYTES;
    if (bodyBytes > BODY_BYTES_MAX) throw new TooLarge("an entry holds at most 63,484 bytes");
    const place = { seq: state.seq + 1, floor, prev: state.hash };
    const header = this.#header(kind, keyEpoch, bodyBytes, place);
    return this.#signed(concat(header, await seal(await this.readKey(keyEpoch), header, padded, salt)));
  }

  /**
   * @param {number} kind
   * @param {number} keyEpoch
   * @param {number} bodyBytes
   * @param {{ seq: number, floor: number, prev: Bytes }} place
   */
  #header(kind, keyEpoch, bodyBytes, { seq, floor, prev }) {
    const marks = Uint8Array.of(kind, this.flags, 0, 0);
    return concat("CRE1", marks, u32(keyEpoch), u32(bodyBytes), u64(seq), u64(floor), this.chainId, prev);
  }

  /** @param {Bytes} unsigned */
  async #signed(unsigned) {
    return Entry.decode(concat(unsigned, await this.sign("entry", unsigned)));
  }
}

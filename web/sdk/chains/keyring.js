/**
 * The read keys of one chain, by key epoch: from a capability, and walked back through rotations.
 * See docs/format.md, 5 and 7.
 *
 * @import { Bytes } from "../format/bytes.js"
 * @import { ReadCapability, VerifyCapability, WriteCapability } from "../format/capability.js"
 * @import { Entry } from "../format/entry.js"
 */

import { WrongCapability } from "../errors.js";
import { equal } from "../format/bytes.js";
import { readCommitment, readFromWrite, readKeyOf } from "../format/capability.js";
import { derivingKey } from "../format/crypto.js";
import { openKeyBefore } from "../format/payload.js";

/** Read keys. A write capability derives each when it is asked for; its secret stays inside WebCrypto. */
export class Keyring {
  /** @type {Map<number, Bytes>} */
  #keys = new Map();
  /** @type {CryptoKey | null} */
  #deriving = null;

  /** @param {Bytes} chainId @param {boolean} canRead not for use outside of this class */
  constructor(chainId, canRead) {
    this.chainId = chainId;
    this.canRead = canRead;
    /** The epoch that the capability names; every chain that it is for has come so far. */
    this.keyEpoch = 0;
  }

  /**
   * @param {WriteCapability | ReadCapability | VerifyCapability} capability
   * @returns {Promise<Keyring>}
   */
  static async of(capability) {
    if (capability.type === "verify") return new Keyring(capability.chainId, false);
    const read = capability.type === "write" ? await readFromWrite(capability) : capability;
    const ring = new Keyring(read.chainId, true);
    ring.keyEpoch = read.keyEpoch;
    ring.#keys.set(read.keyEpoch, read.readKey);
    if (capability.type === "write") {
      ring.#deriving = await derivingKey(capability.writeSecret);
    }
    return ring;
  }

  /** @param {number} keyEpoch @returns {Promise<Bytes | undefined>} undefined: this capability does not reach it */
  async keyOf(keyEpoch) {
    const known = this.#keys.get(keyEpoch);
    if (known || !this.#deriving) return known;
    const key = await readKeyOf(this.#deriving, keyEpoch);
    this.#keys.set(keyEpoch, key);
    return key;
  }

  /**
   * Takes the key of the epoch before out of each rotation that opens, the newest first. One that does not open, or
   * holds no key, is the writer's fault, and ends the walk.
   *
   * @param {Entry[]} rotations verified, in order
   * @param {Bytes} commitment what the genesis says of the first key
   */
  async walkBack(rotations, commitment) {
    if (this.#deriving) return; // a writer derives every key, and need not believe a rotation
    for (const rotation of [...rotations].reverse()) {
      const key = await this.keyOf(rotation.keyEpoch);
      if (!key || this.#keys.has(rotation.keyEpoch - 1)) continue;
      const before = await keyBefore(rotation, key);
      if (!before || (rotation.keyEpoch === 1 && !equal(await readCommitment(before), commitment))) return;
      this.#keys.set(rotation.keyEpoch - 1, before);
    }
  }

  /**
   * Checks the first key, if it is held, against what the genesis says of it.
   *
   * @param {Bytes} commitment
   * @throws {WrongCapability}
   */
  async checkFirstKey(commitment) {
    const first = this.#keys.get(0);
    if (first && !equal(await readCommitment(first), commitment)) {
      throw new WrongCapability("the capability's key is not that of this chain");
    }
  }
}

/** @param {Entry} rotation @param {Bytes} key @returns {Promise<Bytes | null>} */
async function keyBefore(rotation, key) {
  try {
    return await openKeyBefore(rotation, key);
  } catch {
    return null;
  }
}

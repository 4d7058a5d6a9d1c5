/**
 * Pinned heads: the newest entry of each chain that this browser has accepted. A history without it is refused.
 *
 * @import { Bytes } from "../format/bytes.js"
 * @typedef {{ seq: number, hash: Bytes }} Pinned
 */

import { fromHex, toHex } from "../format/bytes.js";

const PREFIX = "cairn.head.";

/** Pinned heads in the browser's storage; in memory where that is not to be had, or not wanted. */
export class Pins {
  /** @type {Map<string, string>} */
  #memory = new Map();
  #isLasting;

  /** @param {{ isLasting?: boolean }} [options] not lasting: for doors, since who has a door's id can try passwords */
  constructor({ isLasting = true } = {}) {
    this.#isLasting = isLasting;
  }

  /** @param {Bytes} chainId @returns {Pinned | null} */
  get(chainId) {
    const match = /^(\d{1,16}) ([0-9a-f]{64})$/.exec(this.#read(PREFIX + toHex(chainId)) ?? "");
    return match ? { seq: Number(match[1]), hash: fromHex(/** @type {string} */ (match[2])) } : null;
  }

  /**
   * Raises the pin. A lower one than stands (of another tab, say) changes nothing.
   *
   * @param {Bytes} chainId
   * @param {Pinned} head
   */
  raise(chainId, { seq, hash }) {
    if (seq > (this.get(chainId)?.seq ?? -1)) this.#write(PREFIX + toHex(chainId), `${seq} ${toHex(hash)}`);
  }

  /** @param {string} key */
  #read(key) {
    try {
      return this.#memory.get(key) ?? (this.#isLasting ? localStorage.getItem(key) : null);
    } catch {
      return null;
    }
  }

  /** @param {string} key @param {string} value */
  #write(key, value) {
    this.#memory.set(key, value);
    if (!this.#isLasting) return;
    try {
      localStorage.setItem(key, value);
      this.#memory.delete(key);
    } catch {
      // the browser keeps nothing for this page: it stays in memory
    }
  }
}

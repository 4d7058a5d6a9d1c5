/**
 * Verified entries, as they came, so that a chain can be shown at once, also offline. They are ciphertext.
 *
 * @import { Bytes } from "../format/bytes.js"
 * @import { Entry } from "../format/entry.js"
 * @import { Database } from "./database.js"
 * @import { Memory } from "./memory.js"
 */

import { toHex } from "../format/bytes.js";

/** The entries of all chains that were read here. */
export class EntryCache {
  #database;

  /** @param {Database | Memory} database */
  constructor(database) {
    this.#database = database;
  }

  /** @param {Bytes} chainId @returns {Promise<Bytes[]>} in order */
  async load(chainId) {
    return (await this.#database.list("entries", toHex(chainId))).map(({ value }) => value);
  }

  /**
   * Keeps entries that were accepted. What the chain's writer gave up goes.
   *
   * @param {Bytes} chainId
   * @param {Entry[]} entries
   * @param {number} floor
   */
  async save(chainId, entries, floor) {
    const shelf = toHex(chainId);
    await this.#database.put("entries", entries.map(({ seq, raw }) => ({ key: [shelf, seq], value: raw }))); // prettier-ignore
    if (entries.some((entry) => entry.floor === entry.seq && entry.seq > 0)) await this.#trim(shelf, floor);
  }

  /** @param {Bytes} chainId */
  async forget(chainId) {
    await this.#database.clear("entries", toHex(chainId));
  }

  /** All but the genesis, which proves the rest. @param {string} shelf @param {number} floor */
  async #trim(shelf, floor) {
    const genesis = await this.#database.get("entries", [shelf, 0]);
    await this.#database.clear("entries", shelf, floor);
    if (genesis) await this.#database.put("entries", [{ key: [shelf, 0], value: genesis }]);
  }
}

/**
 * Journals of half-done uploads: which chunks of a file are on the server already, so that a broken-off upload goes on
 * where it was. They hold the chunks' keys, sealed with the device's, and go when the upload is done, or after a month.
 *
 * @import { Reference as OneReference } from "../format/reference.js"
 * @import { Database } from "./database.js"
 * @import { Memory } from "./memory.js"
 * @import { Device } from "./device.js"
 */

import { Reference } from "../format/reference.js";
import { alone } from "./locks.js";

const KEPT_MS = 30 * 86_400_000;

/** The journal of one upload. */
export class Journal {
  #database;
  #device;
  #shelf;

  /** @param {Database | Memory} database @param {Device} device @param {string} shelf names file, destination and chunk size */
  constructor(database, device, shelf) {
    this.#database = database;
    this.#device = device;
    this.#shelf = shelf;
  }

  /**
   * Does work on this upload when no other tab does.
   *
   * @template T
   * @param {() => Promise<T>} work
   * @returns {Promise<T>}
   */
  alone(work) {
    return alone(`upload.${this.#shelf}`, work);
  }

  /** @returns {Promise<Map<number, OneReference>>} chunks by index, as far as an earlier try came */
  async known() {
    await this.#forgetOld();
    const found = await this.#database.list("uploads", this.#shelf);
    const open = async (/** @type {any} */ value) => Reference.decode(await this.#device.open(value.box));
    return new Map(await Promise.all(found.map(async ({ key, value }) => /** @type {const} */ ([key[1], await open(value)]))));
  }

  /** @param {number} index @param {OneReference} reference of a chunk that stands on the server */
  async record(index, reference) {
    const value = { box: await this.#device.seal(reference.encode()), at: Date.now() };
    await this.#database.put("uploads", [{ key: [this.#shelf, index], value }]);
  }

  /** Forgets the upload: it is complete. */
  remove() {
    return this.#database.clear("uploads", this.#shelf);
  }

  async #forgetOld() {
    for (const shelf of await this.#database.shelves("uploads")) {
      const found = await this.#database.list("uploads", shelf);
      if (found.every(({ value }) => value.at < Date.now() - KEPT_MS)) await this.#database.clear("uploads", shelf);
    }
  }
}

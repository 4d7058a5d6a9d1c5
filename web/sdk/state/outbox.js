/**
 * The outbox: what was written and is not yet known to stand on the server, by chain and in order.
 *
 * A letter keeps the entry that was made of it, from just before it is first sent: so whoever goes on with it, another tab
 * or a later visit, can tell whether that very entry stands, and sends the same bytes if it may.
 *
 * @import { Bytes } from "../format/bytes.js"
 * @import { Database, Place } from "./database.js"
 * @import { Memory } from "./memory.js"
 * @import { Device } from "./device.js"
 *
 * @typedef {{ key: Place, payload: Bytes, raw: Bytes | null }} Letter raw: the entry that was sent, or about to be
 */

/** All chains' letters on this device. */
export class Outbox {
  #database;
  #device;

  /** @param {Database | Memory} database @param {Device} device */
  constructor(database, device) {
    this.#database = database;
    this.#device = device;
  }

  /** @param {string} chain id in hex @returns {Promise<Letter[]>} */
  async letters(chain) {
    const found = await this.#database.list("outbox", chain);
    return Promise.all(
      found.map(async ({ key, value }) => ({ key, payload: await this.#device.open(value.box), raw: value.raw })),
    );
  }

  /** @returns {Promise<string[]>} the chains that letters wait for */
  chains() {
    return this.#database.shelves("outbox");
  }

  /** @param {string} chain @param {Bytes[]} payloads encoded @returns {Promise<Place[]>} when they are kept, durably */
  async add(chain, payloads) {
    const boxes = await Promise.all(payloads.map((payload) => this.#device.seal(payload)));
    return this.#database.append("outbox", chain, boxes.map((box) => ({ box, raw: null }))); // prettier-ignore
  }

  /** Remembers the entries that are about to be sent. @param {Letter[]} letters @param {Bytes[]} raws one for each */
  async stamp(letters, raws) {
    const boxes = await Promise.all(letters.map(({ payload }) => this.#device.seal(payload)));
    const value = (/** @type {number} */ index) => ({ box: boxes[index], raw: raws[index] });
    await this.#database.put("outbox", letters.map(({ key }, index) => ({ key, value: value(index) }))); // prettier-ignore
  }

  /** @param {Place[]} keys */
  async remove(keys) {
    await this.#database.remove("outbox", keys);
  }

  /** @param {string} chain */
  async clear(chain) {
    await this.#database.clear("outbox", chain);
  }
}

/**
 * What stands in where the browser has no IndexedDB: it lasts as long as the page.
 *
 * @import { Found, Place, Store } from "./database.js"
 */

import { endOf } from "./database.js";

/** The same methods, without lasting. */
export class Memory {
  /** @type {Record<Store, Map<string, Found>>} */
  #stores = { keys: new Map(), entries: new Map(), outbox: new Map(), uploads: new Map() };

  /** @param {Store} store @param {Place} key @returns {Promise<any>} */
  async get(store, key) {
    return this.#stores[store].get(key.join())?.value;
  }

  /** @param {Store} store @param {string} shelf @returns {Promise<Found[]>} */
  async list(store, shelf) {
    const found = [...this.#stores[store].values()].filter(({ key }) => key[0] === shelf);
    return found.sort((a, b) => a.key[1] - b.key[1]);
  }

  /** @param {Store} store */
  async count(store) {
    return this.#stores[store].size;
  }

  /** @param {Store} store @returns {Promise<string[]>} */
  async shelves(store) {
    return [...new Set([...this.#stores[store].values()].map(({ key }) => key[0]))];
  }

  /** @param {Store} store @param {Found[]} found */
  async put(store, found) {
    for (const one of found) this.#stores[store].set(one.key.join(), one);
  }

  /** @param {Store} store @param {Place} key @param {any} value */
  async settle(store, key, value) {
    const text = key.join();
    if (!this.#stores[store].has(text)) this.#stores[store].set(text, { key, value });
    return this.#stores[store].get(text)?.value;
  }

  /** @param {Store} store @param {string} shelf @param {any[]} values @returns {Promise<Place[]>} */
  async append(store, shelf, values) {
    const keys = endOf(shelf, values.length, (await this.list(store, shelf)).at(-1)?.key[1]);
    await this.put(store, keys.map((key, index) => ({ key, value: values[index] }))); // prettier-ignore
    return keys;
  }

  /** @param {Store} store @param {Place[]} keys */
  async remove(store, keys) {
    for (const key of keys) this.#stores[store].delete(key.join());
  }

  /** @param {Store} store @param {string} shelf @param {number} [below] */
  async clear(store, shelf, below = Infinity) {
    for (const { key } of await this.list(store, shelf)) if (key[1] < below) await this.remove(store, [key]);
  }
}

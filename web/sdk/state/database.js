/**
 * What this browser keeps between visits, in IndexedDB: keys, verified entries, the outbox, half-done uploads.
 *
 * Records have a row of texts and numbers as their key; a *shelf* is all that begins with the same text. Where the browser
 * has no IndexedDB, or none that works, `openDatabase` gives a `Memory` with the same methods, which lasts as long as the page.
 *
 * @import { Memory } from "./memory.js"
 *
 * @typedef {"keys" | "entries" | "outbox" | "uploads"} Store
 * @typedef {[string, number]} Place a shelf, and where on it
 * @typedef {{ key: Place, value: any }} Found
 */

const NAME = "cairn";
const VERSION = 1;
/** @type {Store[]} */
const STORES = ["keys", "entries", "outbox", "uploads"];

/** @returns {Promise<Database | Memory>} */
export async function openDatabase() {
  try {
    return new Database(await opened());
  } catch {
    const { Memory } = await import("./memory.js");
    return new Memory();
  }
}

/** @returns {Promise<IDBDatabase>} */
function opened() {
  return new Promise((resolve, reject) => {
    const request = indexedDB.open(NAME, VERSION);
    request.onupgradeneeded = () => STORES.forEach((store) => request.result.createObjectStore(store));
    request.onsuccess = () => {
      request.result.onversionchange = () => request.result.close(); // another tab deletes or upgrades it
      resolve(request.result);
    };
    request.onerror = () => reject(request.error);
  });
}

/** IndexedDB, one transaction per call. */
export class Database {
  /** @type {IDBDatabase} */
  #database;

  /** @param {IDBDatabase} database */
  constructor(database) {
    this.#database = database;
  }

  /** @param {Store} store @param {Place} key @returns {Promise<any>} undefined: there is none */
  get(store, key) {
    return this.#run(store, "readonly", (records) => records.get(key));
  }

  /** All on one shelf, in order. @param {Store} store @param {string} shelf @returns {Promise<Found[]>} */
  async list(store, shelf) {
    /** @type {any[]} */
    let values = [];
    const keys = await this.#run(store, "readonly", (records) => {
      records.getAll(shelfRange(shelf)).onsuccess = (event) => (values = /** @type {any} */ (event.target).result);
      return records.getAllKeys(shelfRange(shelf));
    });
    return keys.map((key, index) => ({ key: /** @type {Place} */ (key), value: values[index] }));
  }

  /** @param {Store} store @returns {Promise<number>} how many records it has */
  count(store) {
    return this.#run(store, "readonly", (records) => records.count());
  }

  /** The shelves that hold something. @param {Store} store @returns {Promise<string[]>} */
  async shelves(store) {
    const keys = await this.#run(store, "readonly", (records) => records.getAllKeys());
    return [...new Set(keys.map((key) => /** @type {Place} */ (key)[0]))];
  }

  /** All or none. @param {Store} store @param {Found[]} found */
  async put(store, found) {
    await this.#run(store, "readwrite", (records) => found.forEach(({ key, value }) => records.put(value, key)));
  }

  /** The value that stands: an earlier one, or this. @param {Store} store @param {Place} key @param {any} value */
  async settle(store, key, value) {
    let standing = value;
    await this.#run(store, "readwrite", (records) => {
      records.get(key).onsuccess = (event) => {
        const earlier = /** @type {any} */ (event.target).result;
        if (earlier === undefined) records.put(value, key);
        else standing = earlier;
      };
    });
    return standing;
  }

  /** Puts values at the end of a shelf, all or none. @param {Store} store @param {string} shelf @param {any[]} values @returns {Promise<Place[]>} */
  async append(store, shelf, values) {
    /** @type {Place[]} */
    let keys = [];
    await this.#run(store, "readwrite", (records) => {
      records.openKeyCursor(shelfRange(shelf), "prev").onsuccess = (event) => {
        const last = /** @type {IDBRequest<IDBCursor | null>} */ (event.target).result;
        keys = endOf(shelf, values.length, last ? /** @type {Place} */ (last.key)[1] : 0);
        values.forEach((value, index) => records.put(value, keys[index]));
      };
    });
    return keys;
  }

  /** @param {Store} store @param {Place[]} keys */
  async remove(store, keys) {
    await this.#run(store, "readwrite", (records) => keys.forEach((key) => records.delete(key)));
  }

  /** What is on a shelf below a place. @param {Store} store @param {string} shelf @param {number} [below] */
  async clear(store, shelf, below = Infinity) {
    await this.#run(store, "readwrite", (records) => records.delete(shelfRange(shelf, below)));
  }

  /**
   * @template {IDBRequest | void} R
   * @param {Store} store
   * @param {IDBTransactionMode} mode
   * @param {(records: IDBObjectStore) => R} work
   * @returns {Promise<R extends IDBRequest<infer T> ? T : undefined>} when it is done, durably
   */
  #run(store, mode, work) {
    return new Promise((resolve, reject) => {
      const transaction = this.#database.transaction(store, mode, { durability: "strict" });
      const request = work(transaction.objectStore(store));
      transaction.oncomplete = () => resolve(/** @type {any} */ (request ? request.result : undefined));
      transaction.onabort = transaction.onerror = () => reject(transaction.error);
    });
  }
}

/** Places behind all others, and such as no record had before. @param {string} shelf @param {number} count @param {number} [last] @returns {Place[]} */
export function endOf(shelf, count, last = 0) {
  const first = Math.max(last + 1, Date.now() * 1_024);
  return Array.from({ length: count }, (_, index) => [shelf, first + index]);
}

/** @param {string} shelf @param {number} [below] */
function shelfRange(shelf, below = Infinity) {
  return IDBKeyRange.bound([shelf, -Infinity], [shelf, below], false, true);
}

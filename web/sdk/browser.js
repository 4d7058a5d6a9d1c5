/**
 * What all logs of a page share: the server, this browser's storage, the other tabs, and how things stand.
 *
 * @import { Place } from "./state/database.js"
 * @import { Delivered } from "./chains/posting.js"
 *
 * @typedef {"connecting" | "online" | "offline"} Status
 * @typedef {{ chain: string, added?: Place, delivered?: Delivered[], isSignedOut?: boolean }} News told to the other tabs
 */

import { Server } from "./remote/server.js";
import { Signal } from "./signal.js";
import { EntryCache } from "./state/cache.js";
import { openDatabase } from "./state/database.js";
import { Device } from "./state/device.js";
import { Pins } from "./state/pins.js";

/** One page's share of this browser, for one server. */
export class Browser {
  /** @type {Promise<{ database: Awaited<ReturnType<typeof openDatabase>>, device: Device, cache: EntryCache }> | null} */
  #storage = null;
  /** @type {BroadcastChannel | null} */
  #channel = null;
  /** @type {Map<string, Set<(news: News) => void>>} */
  #listeners = new Map();
  #mustCount = false;
  /** @type {Promise<void> | null} */
  #counting = null;

  /** @type {Signal<Status>} */
  status = new Signal(/** @type {Status} */ ("connecting"));
  /** How many entries wait on this device. @type {Signal<number>} */
  pending = new Signal(0);
  pins = new Pins();
  doorPins = new Pins({ isLasting: false });

  /** @param {string} url @param {string} [grant] */
  constructor(url, grant) {
    this.server = new Server(url, { grant });
  }

  /** What lasts; opened at first use. */
  storage() {
    this.#storage ??= this.#open();
    return this.#storage;
  }

  async #open() {
    const database = await openDatabase();
    const device = await Device.of(database);
    if (globalThis.BroadcastChannel) {
      this.#channel = new BroadcastChannel("cairn");
      this.#channel.onmessage = ({ data }) => this.#hear(data);
    }
    return { database, device, cache: new EntryCache(database) };
  }

  /**
   * Asks to be told of a chain by other tabs.
   *
   * @param {string} chain
   * @param {(news: News) => void} listener
   * @returns {() => void} ends it
   */
  listen(chain, listener) {
    const listeners = this.#listeners.get(chain) ?? new Set();
    this.#listeners.set(chain, listeners.add(listener));
    return () => void listeners.delete(listener);
  }

  /** Tells the other tabs. @param {News} news */
  tell(news) {
    this.#channel?.postMessage(news);
    void this.recount();
  }

  /** @param {News} news */
  #hear(news) {
    for (const listener of this.#listeners.get(news.chain) ?? []) listener(news);
    void this.recount();
  }

  /** Counts what waits: those who ask while it is being counted are served by one more count. @returns {Promise<void>} */
  recount() {
    this.#mustCount = true;
    this.#counting ??= this.#count().finally(() => {
      this.#counting = null;
      if (this.#mustCount) void this.recount();
    });
    return this.#counting;
  }

  async #count() {
    const { database } = await this.storage();
    while (this.#mustCount) {
      this.#mustCount = false;
      this.pending.value = await database.count("outbox");
    }
  }

  /** Ends what goes on. */
  close() {
    this.#channel?.close();
    this.#channel = null;
    this.#listeners.clear();
  }
}

/**
 * What waits in the outbox for one chain: shown, sent when it can be, and settled with those who asked, whichever tab sends
 * it in the end.
 *
 * @import { Browser, News } from "../browser.js"
 * @import { Bytes } from "../format/bytes.js"
 * @import { Place } from "../state/database.js"
 * @import { Outbox } from "../state/outbox.js"
 * @import { LogEntry } from "./log_entry.js"
 * @import { Delivered } from "./posting.js"
 * @import { Wanted, Writer } from "./writer.js"
 *
 * @typedef {{ seq: number | null }} Added null: it waits in the outbox
 * @typedef {{ key: Place, entry: LogEntry }} Queued
 * @typedef {object} QueueEvents
 * @property {() => void} onChange what waits is other than before
 * @property {() => void} onSent nothing waits any more
 * @property {(error: CairnError) => void} onProblem what waits is refused, and nobody is here to be told
 */

import { CairnError, Limited, Unavailable, Unknown } from "../errors.js";
import { Batcher } from "../remote/batch.js";
import { pendingEntry } from "./log_entry.js";
import { Posting } from "./posting.js";

const RETRY_MS_MIN = 1_000;
const RETRY_MS_MAX = 60_000;
const LEFT_MAX = 4_096;
const ADDS = { itemsMax: 256, bytesMax: 4 * 1024 * 1024, requestsMax: 1 }; // of one transaction: each is a sync of the disk

/** The queue of one chain. */
export class Queue {
  /** @type {Batcher<Bytes, Place>} */
  #adds;
  /** @type {Queued[]} */
  #queued = [];
  /** @type {Set<number>} what has left the outbox, lately */
  #left = new Set();
  /** @type {Map<number, { resolve: (added: Added) => void, reject: (error: unknown) => void }>} */
  #waiting = new Map();
  /** @type {Promise<void> | null} */
  #flushing = null;
  #mustFlush = false;
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  #retryTimer;
  #retryMs = RETRY_MS_MIN;
  #isClosed = false;

  /**
   * @param {Browser} browser
   * @param {Outbox} outbox
   * @param {string} chain id in hex
   * @param {Writer} writer
   * @param {QueueEvents} events
   */
  constructor(browser, outbox, chain, writer, events) {
    this.browser = browser;
    this.outbox = outbox;
    this.chain = chain;
    this.events = events;
    const onDelivered = (/** @type {Delivered[]} */ delivered) => this.#settle(delivered);
    const onRemoved = (/** @type {Delivered[]} */ delivered) => browser.tell({ chain, delivered });
    this.#adds = new Batcher((payloads) => outbox.add(chain, payloads), ADDS);
    this.posting = new Posting(outbox, chain, writer, onDelivered, onRemoved);
  }

  /** What waits. @returns {LogEntry[]} */
  get list() {
    return this.#queued.map(({ entry }) => entry);
  }

  /** Adds what is to be sent. See `Log.add`. @param {Bytes} payload encoded @returns {Promise<Added>} */
  async add(payload) {
    const key = await this.#adds.call(payload, payload.length);
    this.#queued.push({ key, entry: pendingEntry(payload) });
    this.events.onChange();
    this.browser.tell({ chain: this.chain, added: key });
    return new Promise((resolve, reject) => {
      this.#waiting.set(key[1], { resolve, reject });
      void this.flush();
    });
  }

  /** Writes entries at once, behind what waits; all or none. @param {Wanted[]} wanted @returns {Promise<Added>} of the first */
  async writeNow(...wanted) {
    const [entry] = wanted.length > 0 ? await this.posting.writeNow(wanted) : [];
    return { seq: entry ? entry.seq : null };
  }

  /** Reads what waits, of all tabs and earlier visits. */
  async load() {
    const letters = await this.outbox.letters(this.chain);
    const known = new Map(this.#queued.map((queued) => [queued.key[1], queued]));
    for (const { key, payload } of letters) known.set(key[1], { key, entry: pendingEntry(payload) });
    this.#queued = [...known.values()].filter(({ key }) => !this.#left.has(key[1])).sort(byOrder);
    this.#left = new Set([...this.#left].slice(-LEFT_MAX));
    this.events.onChange();
    await this.browser.recount();
  }

  /** What another tab did. @param {News} news */
  async heard({ added, delivered }) {
    if (delivered) this.#settle(delivered);
    if (added) await this.load();
  }

  /** Sends what waits, if the server can be reached. It never fails. @returns {Promise<void>} */
  flush() {
    this.#mustFlush = true;
    this.#flushing ??= this.#flushAll().finally(() => (this.#flushing = null));
    return this.#flushing;
  }

  /** Whoever asks while it is under way is served by another round. */
  async #flushAll() {
    clearTimeout(this.#retryTimer);
    while (this.#mustFlush) {
      this.#mustFlush = false;
      const asked = [...this.#waiting.keys()];
      try {
        await this.posting.run((error) => this.#stuck(error));
        this.#retryMs = RETRY_MS_MIN;
        this.browser.status.value = "online";
        this.#settleByOthers(asked);
        this.events.onSent();
      } catch {
        this.#retryLater(); // `#stuck` has told
      }
    }
  }

  /** Nothing waits any more, so what is still asked for was sent by another tab. @param {number[]} orders */
  #settleByOthers(orders) {
    for (const order of orders) this.#waiting.get(order)?.resolve({ seq: null });
    for (const order of orders) this.#waiting.delete(order);
    this.#unqueue(orders);
  }

  /** @param {unknown} error */
  async #stuck(error) {
    const mayPass = error instanceof Unavailable || error instanceof Unknown;
    if (mayPass || (error instanceof Limited && error.retrySeconds > 0)) {
      if (mayPass) this.browser.status.value = "offline";
      for (const { resolve } of this.#waiting.values()) resolve({ seq: null });
    } else {
      await this.#giveUp(error);
    }
    this.#waiting.clear();
  }

  /** Takes back what is refused, as far as somebody is here to be told; the rest waits. @param {unknown} error */
  async #giveUp(error) {
    const orders = [...this.#waiting.keys()];
    await this.outbox.remove(orders.map((order) => [this.chain, order]));
    this.#unqueue(orders);
    for (const { reject } of this.#waiting.values()) reject(error);
    if (error instanceof CairnError && this.#queued.length > 0) this.events.onProblem(error);
  }

  #retryLater() {
    if (this.#isClosed || this.#queued.length === 0) return;
    this.#retryTimer = setTimeout(() => void this.flush(), this.#retryMs * (0.5 + Math.random()));
    this.#retryMs = Math.min(2 * this.#retryMs, RETRY_MS_MAX);
  }

  /** @param {Delivered[]} delivered */
  #settle(delivered) {
    for (const { key, seq } of delivered) {
      this.#waiting.get(key[1])?.resolve({ seq });
      this.#waiting.delete(key[1]);
    }
    this.#unqueue(delivered.map(({ key }) => key[1]));
  }

  /** @param {number[]} orders */
  #unqueue(orders) {
    for (const order of orders) this.#left.add(order);
    this.#queued = this.#queued.filter(({ key }) => !this.#left.has(key[1]));
    this.events.onChange();
    void this.browser.recount();
  }

  /** Ends the sending. What waits stays on this device. */
  close() {
    this.#isClosed = true;
    clearTimeout(this.#retryTimer);
  }
}

/** @param {Queued} a @param {Queued} b */
function byOrder(a, b) {
  return a.key[1] - b.key[1];
}

/**
 * Following one log: those who watch it are told of every change, and its chain is followed live as long as there are any.
 *
 * @import { Bytes } from "../format/bytes.js"
 * @import { History } from "./history.js"
 * @import { LiveState } from "./live.js"
 *
 * @typedef {object} FollowingEvents
 * @property {() => Promise<unknown>} catchUp accepts all that is new on the server
 * @property {(data: Bytes) => void} onMessage an ephemeral message, opened
 * @property {(state: LiveState) => void} onState
 * @property {(error: unknown) => void} onFailure what the server sent is refused
 */

import { Unavailable } from "../errors.js";
import { Live } from "./live.js";

const RETRY_MS = 2_000;
const RETRY_MS_MAX = 60_000;

/** Who watches a log, and the live stream that serves them. */
export class Following {
  /** @type {Live | null} */
  #live = null;
  /** @type {Set<() => void>} */
  #watchers = new Set();
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  #retryTimer;
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  #tellTimer;
  #isClosed = false;

  /** @param {History} history @param {FollowingEvents} events */
  constructor(history, events) {
    this.history = history;
    this.events = events;
  }

  /**
   * @param {() => void} watcher to be told of changes
   * @param {boolean} isToldNow too
   * @returns {() => void} ends it
   */
  watch(watcher, isToldNow) {
    this.#watchers.add(watcher);
    if (isToldNow) watcher();
    void this.#follow(watcher);
    return () => {
      this.#watchers.delete(watcher);
      if (this.#watchers.size === 0) this.#unfollow();
    };
  }

  /** Tells the watchers, once for all that changes in the same moment. */
  tellSoon() {
    this.#tellTimer ??= setTimeout(() => {
      this.#tellTimer = undefined;
      for (const watcher of [...this.#watchers]) watcher();
      this.history.forget();
    });
  }

  /** Follows the chain, if somebody watches and it has begun. */
  goLive() {
    if (this.#isClosed || this.#live || this.#watchers.size === 0 || !this.history.state) return;
    const { onMessage, onState, onFailure } = this.events;
    const onBehind = () => this.history.catchUp();
    this.#live = new Live(this.history, { onItems: () => {}, onBehind, onMessage, onState, onFailure });
    this.#live.start();
  }

  /** Ends it for good. */
  close() {
    this.#isClosed = true;
    clearTimeout(this.#retryTimer);
    this.#watchers.clear();
    this.#unfollow();
  }

  /**
   * What cannot be reached yet, or is still to be written by another device, is asked for again.
   *
   * @param {() => void} watcher
   * @param {number} [pauseMs] until then
   */
  async #follow(watcher, pauseMs = RETRY_MS) {
    try {
      await this.events.catchUp();
      if (!this.#watchers.has(watcher)) return;
      this.tellSoon();
    } catch (error) {
      if (!(error instanceof Unavailable)) return this.events.onFailure(error);
    }
    if (this.history.state) return this.goLive();
    this.#retryTimer = setTimeout(() => this.#follow(watcher, Math.min(2 * pauseMs, RETRY_MS_MAX)), pauseMs);
  }

  #unfollow() {
    this.#live?.stop();
    this.#live = null;
  }
}

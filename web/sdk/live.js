/**
 * Follows a chain live: server-sent events in, verified items out. See docs/protocol.md, "Live".
 *
 * The browser resumes a broken stream by itself, by the id of the last event. Where it gives up, or where events come
 * faster than they can be verified, a new stream is opened from the first entry that is not yet accepted.
 *
 * @import { Bytes } from "./bytes.js"
 * @import { ChainReader, Item } from "./reader.js"
 *
 * @typedef {"connecting" | "live" | "reconnecting" | "offline" | "ended"} LiveState
 * @typedef {object} LiveEvents
 * @property {(items: Item[]) => void} onItems
 * @property {(state: LiveState) => void} onState
 * @property {(error: unknown) => void} onFailure what the server sent is refused; nothing follows
 */

import { fromBase64 } from "./bytes.js";
import { NotFound, Unavailable } from "./errors.js";

const QUEUE_MAX = 512;
const PAUSE_MIN_MS = 500;
const PAUSE_MAX_MS = 30_000;

/** One chain's live stream. */
export class Live {
  /** @type {EventSource | null} */
  #source = null;
  /** @type {Bytes[]} */
  #queue = [];
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  #timer;
  #isWorking = false;
  #isStopped = false;
  #isBehind = false;
  #pauseMs = PAUSE_MIN_MS;

  /** @param {ChainReader} reader which has caught up @param {LiveEvents} events */
  constructor(reader, events) {
    this.reader = reader;
    this.events = events;
  }

  /** Begins to follow. */
  start() {
    addEventListener("online", this.#reopen);
    addEventListener("offline", this.#wentOffline);
    this.events.onState("connecting");
    this.#open();
  }

  /** Ends for good. */
  stop() {
    this.#isStopped = true;
    removeEventListener("online", this.#reopen);
    removeEventListener("offline", this.#wentOffline);
    this.#close();
  }

  #open() {
    const { state, server } = this.reader;
    if (this.#isStopped || !state) return;
    if (state.isClosed) return this.#end();
    clearTimeout(this.#timer);
    this.#source?.close();
    this.#isBehind = false;
    const source = new EventSource(server.liveUrl(state.chainId, state.seq + 1));
    source.addEventListener("open", () => this.#opened());
    source.addEventListener("entry", (event) => this.#received(event));
    source.addEventListener("error", () => this.#broke(source));
    this.#source = source;
  }

  #close() {
    clearTimeout(this.#timer);
    this.#source?.close();
    this.#source = null;
    this.#queue = [];
  }

  #end() {
    this.stop();
    this.events.onState("ended");
  }

  #opened() {
    this.#pauseMs = PAUSE_MIN_MS;
    this.events.onState("live");
  }

  /** @param {EventSource} source */
  #broke(source) {
    if (source !== this.#source) return;
    this.events.onState(navigator.onLine ? "reconnecting" : "offline");
    if (source.readyState === EventSource.CLOSED) this.#openLater();
  }

  #openLater() {
    this.#close();
    this.#timer = setTimeout(() => this.#open(), this.#pauseMs * (0.5 + Math.random()));
    this.#pauseMs = Math.min(2 * this.#pauseMs, PAUSE_MAX_MS);
  }

  #reopen = () => {
    this.#close();
    this.events.onState("reconnecting");
    this.#open();
  };

  #wentOffline = () => this.events.onState("offline");

  /** @param {MessageEvent<string>} event */
  #received(event) {
    this.#queue.push(entryIn(event.data));
    if (this.#queue.length > QUEUE_MAX) {
      this.#source?.close();
      this.#isBehind = true;
    }
    void this.#work();
  }

  /** Verifies what has come, in order, one batch after the other. */
  async #work() {
    if (this.#isWorking) return;
    this.#isWorking = true;
    try {
      while (this.#queue.length > 0) await this.#extend(this.#queue.splice(0));
      if (this.#isBehind) this.#open();
    } catch (error) {
      this.#failed(error);
    } finally {
      this.#isWorking = false;
    }
  }

  /** @param {Bytes[]} raws */
  async #extend(raws) {
    const items = await this.reader.extend(raws);
    if (this.#isStopped) return;
    if (items.length > 0) this.events.onItems(items);
    if (this.reader.state?.isClosed) this.#end();
  }

  /** @param {unknown} error */
  #failed(error) {
    if (this.#isStopped) return;
    if (error instanceof Unavailable || error instanceof NotFound) {
      this.events.onState("reconnecting");
      return this.#openLater();
    }
    this.stop();
    this.events.onFailure(error);
  }
}

/** @param {string} data of an event @returns {Bytes} empty if it does not parse: that is refused as an entry */
function entryIn(data) {
  try {
    return fromBase64(String(JSON.parse(data).entry));
  } catch {
    return new Uint8Array();
  }
}

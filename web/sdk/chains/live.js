/**
 * Follows a chain live: entries in, verified items out. See docs/protocol.md, "Live".
 *
 * They come on the socket that all chains of this server share, or, where none is let through, as an event stream. When
 * that is lost, or entries come faster than they can be verified, it is asked for again from the first entry that is not
 * yet accepted. Ephemeral messages, which only the socket carries, are opened by the state that is accepted.
 *
 * @import { Bytes } from "../format/bytes.js"
 * @import { ChainState } from "../format/chain.js"
 * @import { EphemeralReader } from "../format/ephemeral.js"
 * @import { Server } from "../remote/server.js"
 * @import { Keyring } from "./keyring.js"
 * @import { Item } from "./reader.js"
 *
 * @typedef {object} Extensible a `ChainReader`, or what stands before one
 * @property {ChainState | null} state
 * @property {Server} server
 * @property {Keyring} keyring
 * @property {(raws: Bytes[]) => Promise<Item[]>} extend
 * @typedef {"connecting" | "live" | "reconnecting" | "offline" | "ended"} LiveState
 * @typedef {object} LiveEvents
 * @property {(items: Item[]) => void} onItems
 * @property {(state: LiveState) => void} onState
 * @property {(error: unknown) => void} onFailure what the server sent is refused; nothing follows
 * @property {() => Promise<unknown>} [onBehind] entries came faster than they can be verified: what to do before more are asked for
 * @property {(data: Bytes) => void} [onMessage] an ephemeral message, verified and opened
 */

import { CairnError, NotFound, Unavailable } from "../errors.js";

const QUEUE_MAX = 512;
const MESSAGES_MAX = 64;
const PAUSE_MIN_MS = 500;
const PAUSE_MAX_MS = 30_000;

/** One chain's live stream. */
export class Live {
  /** @type {{ close: () => void } | null} */
  #source = null;
  /** @type {Bytes[]} */
  #queue = [];
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  #timer;
  #isWorking = false;
  #isStopped = false;
  #isBehind = false;
  #pauseMs = PAUSE_MIN_MS;
  #wantsEvents = false;
  #wasOpen = () => true; // as long as there is no socket: what could not be loaded is no sign of one that is not let through
  #openingMessages = Promise.resolve();
  #waitingMessages = 0;
  /** @type {EphemeralReader | null} loaded with the first message */
  #messages = null;

  /** @param {Extensible} reader which has caught up @param {LiveEvents} events */
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
    const { state } = this.reader;
    if (this.#isStopped || !state) return;
    if (state.isClosed) return this.#end();
    clearTimeout(this.#timer);
    this.#source?.close();
    this.#isBehind = false;
    this.#source = this.#follow(state.chainId, state.seq + 1);
  }

  /** @param {Bytes} chainId @param {number} from @returns {{ close: () => void }} */
  #follow(chainId, from) {
    const { server } = this.reader;
    const ifPresent = (/** @type {() => void} */ then) => () => source === this.#source && then();
    const events = {
      onOpen: ifPresent(() => this.#opened()),
      onEntry: (/** @type {Bytes} */ raw) => source === this.#source && this.#received(raw),
      onMessage: (/** @type {Bytes} */ raw) => source === this.#source && this.#heard(raw),
      onBroken: ifPresent(() => this.#broke()),
      onLost: ifPresent(() => this.#lost()),
    };
    const source = opening(async () => {
      if (this.#wantsEvents) {
        const { followEvents } = await import("../remote/event_stream.js");
        return followEvents(server.liveUrl(chainId, from), events);
      }
      const socket = await server.liveSocket();
      this.#wasOpen = () => socket.wasOpen;
      return socket.follow(chainId, from, events);
    }, events.onLost);
    return source;
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

  #broke() {
    this.events.onState(navigator.onLine ? "reconnecting" : "offline");
  }

  /** A socket that never opened may be one that is not let through: the next try is an event stream. */
  #lost() {
    this.#wantsEvents = !this.#wantsEvents && !this.#wasOpen();
    this.#broke();
    this.#openLater();
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

  /** @param {Bytes} raw */
  #received(raw) {
    if (this.#isBehind) return;
    this.#queue.push(raw);
    if (this.#queue.length > QUEUE_MAX) {
      this.#isBehind = true;
      this.#source?.close();
    }
    void this.#work();
  }

  /** Opens messages one after the other; those that come too fast are lost. @param {Bytes} raw */
  #heard(raw) {
    if (!this.events.onMessage || this.#waitingMessages >= MESSAGES_MAX) return;
    this.#waitingMessages++;
    this.#openingMessages = this.#openingMessages.then(() => this.#openMessage(raw));
  }

  /** What does not verify is nobody's word, and passed over. @param {Bytes} raw */
  async #openMessage(raw) {
    this.#waitingMessages--;
    const { state } = this.reader;
    if (this.#isStopped || !state) return;
    try {
      this.#messages ??= new (await import("../format/ephemeral.js")).EphemeralReader(this.reader.keyring);
      const data = await this.#messages.open(state, raw);
      if (!this.#isStopped) this.events.onMessage?.(data);
    } catch (error) {
      if (!(error instanceof CairnError)) throw error;
    }
  }

  /** Verifies what has come, in order, one batch after the other. */
  async #work() {
    if (this.#isWorking) return;
    this.#isWorking = true;
    try {
      while (this.#queue.length > 0) await this.#extend(this.#queue.splice(0));
      if (!this.#isBehind) return;
      await this.events.onBehind?.();
      this.#open();
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

/**
 * What is being opened: it can be closed before it is.
 *
 * @param {() => Promise<{ close: () => void }>} open
 * @param {() => void} onLost it cannot be opened
 * @returns {{ close: () => void }}
 */
function opening(open, onLost) {
  /** @type {{ close: () => void } | null} */
  let opened = null;
  let isClosed = false;
  open().then((source) => (isClosed ? source.close() : (opened = source)), onLost);
  return { close: () => ((isClosed = true), opened?.close()) };
}

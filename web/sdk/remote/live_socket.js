/**
 * One WebSocket to a server, for all chains that a page follows. See docs/protocol.md, "One socket, many chains".
 *
 * It is opened for the first who follows a chain, and closed with the last. When it is lost, all of them are told, and
 * who wants to go on follows again, from the entry that it lacks. Nothing that comes is believed here.
 *
 * @import { Bytes } from "../format/bytes.js"
 *
 * @typedef {object} FollowEvents
 * @property {() => void} onOpen the server has taken it
 * @property {(raw: Bytes) => void} onEntry
 * @property {(raw: Bytes) => void} onMessage an ephemeral message
 * @property {() => void} onLost nothing more comes; told once
 */

import { toHex, viewOf } from "../format/bytes.js";

const FRAME_HEAD_BYTES = 36; // chain id, length
const MESSAGE_MAGIC = 0x43525831; // "CRX1"
const SILENCE_MS = 40_000;

/** What one follows. `close` ends it without a word. */
class Follow {
  /** @param {LiveSocket} socket @param {string} chain @param {number} from @param {FollowEvents} events */
  constructor(socket, chain, from, events) {
    this.socket = socket;
    this.chain = chain;
    this.from = from;
    this.events = events;
  }

  close() {
    this.socket.leave(this);
  }
}

/** The socket of one server. */
export class LiveSocket {
  /** @type {WebSocket | null} */
  #socket = null;
  /** @type {Set<Follow>} */
  #follows = new Set();
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  #silence;
  /** @type {Follow[]} those that are not yet asked for */
  #unasked = [];
  /** @type {Map<number, Follow[]>} by the beat whose echo says that the server has taken them */
  #asked = new Map();
  #beats = 0;

  /** @param {string} url */
  constructor(url) {
    this.url = url;
    /** Whether one was ever opened: else it may be that none is let through. */
    this.wasOpen = false;
  }

  /**
   * Follows a chain from an entry on.
   *
   * @param {Bytes} chainId
   * @param {number} from
   * @param {FollowEvents} events
   * @returns {{ close: () => void }}
   */
  follow(chainId, from, events) {
    const follow = new Follow(this, toHex(chainId), from, events);
    this.#follows.add(follow);
    if (this.#socket?.readyState === WebSocket.OPEN) this.#askSoon(follow);
    else if (!this.#socket) this.#open();
    return follow;
  }

  /** @param {Follow} follow */
  leave(follow) {
    this.#follows.delete(follow);
    if (this.#follows.size === 0) return this.#lost();
    if ([...this.#follows].some(({ chain }) => chain === follow.chain)) return;
    if (this.#socket?.readyState === WebSocket.OPEN) this.#say({ unsubscribe: [follow.chain] });
  }

  /** Passes an ephemeral message on, if the socket is open: nobody waits for one. @param {Bytes} raw */
  pass(raw) {
    if (this.#socket?.readyState === WebSocket.OPEN) this.#socket.send(raw);
  }

  #open() {
    const socket = new WebSocket(this.url);
    socket.binaryType = "arraybuffer";
    const ifPresent = (/** @type {() => void} */ then) => () => socket === this.#socket && then();
    socket.addEventListener("open", ifPresent(() => this.#opened()));
    socket.addEventListener("close", ifPresent(() => this.#lost()));
    socket.addEventListener("message", (event) => socket === this.#socket && this.#received(event.data));
    this.#socket = socket;
    this.#heardOf();
  }

  #opened() {
    this.wasOpen = true;
    this.#heardOf();
    this.#unasked = [...this.#follows];
    this.#ask();
  }

  /** What is asked for in the same moment goes together. @param {Follow} follow */
  #askSoon(follow) {
    if (this.#unasked.push(follow) === 1) queueMicrotask(() => this.#ask());
  }

  #ask() {
    const follows = this.#unasked.splice(0).filter((follow) => this.#follows.has(follow));
    if (follows.length === 0) return;
    /** @type {Record<string, number>} */
    const subscribe = {};
    for (const { chain, from } of follows) subscribe[chain] = Math.min(from, subscribe[chain] ?? from);
    this.#asked.set(++this.#beats, follows);
    this.#say({ subscribe, beat: this.#beats });
  }

  /** @param {object} command */
  #say(command) {
    this.#socket?.send(JSON.stringify(command));
  }

  /** The server lives; when it has been silent for too long, the socket counts as lost. */
  #heardOf() {
    clearTimeout(this.#silence);
    this.#silence = setTimeout(() => this.#lost(), SILENCE_MS);
  }

  #lost() {
    clearTimeout(this.#silence);
    this.#socket?.close();
    this.#socket = null;
    const follows = [...this.#follows];
    this.#follows.clear();
    this.#asked.clear();
    for (const { events } of follows) events.onLost();
  }

  /** @param {string | ArrayBuffer} data */
  #received(data) {
    this.#heardOf();
    if (typeof data === "string") return this.#heed(data);
    const frame = new Uint8Array(data);
    if (frame.length < FRAME_HEAD_BYTES + 4) return this.#lost();
    const chain = toHex(frame.subarray(0, 32));
    const raw = frame.slice(FRAME_HEAD_BYTES);
    const isMessage = viewOf(raw).getUint32(0) === MESSAGE_MAGIC;
    for (const follow of this.#of(chain)) isMessage ? follow.events.onMessage(raw) : follow.events.onEntry(raw);
  }

  /** What is refused of one chain ends that; what is refused of all ends all, for the server closes then. */
  #heed(/** @type {string} */ text) {
    const { echo, problem } = noticeIn(text);
    for (const follow of problem?.chain ? this.#of(problem.chain) : []) {
      this.leave(follow);
      follow.events.onLost();
    }
    const taken = this.#asked.get(echo ?? 0) ?? [];
    this.#asked.delete(echo ?? 0);
    for (const follow of taken) if (this.#follows.has(follow)) follow.events.onOpen();
  }

  /** @param {string} chain */
  #of(chain) {
    return [...this.#follows].filter((follow) => follow.chain === chain);
  }
}

/** @param {string} text @returns {{ echo?: number, problem?: { chain?: string } }} */
function noticeIn(text) {
  try {
    return Object(JSON.parse(text));
  } catch {
    return {};
  }
}

/**
 * One live socket for all tabs of this browser: the tab that has the lock leads and has the socket, the others ask it.
 *
 * Theory of operation. Every tab asks for the leader's lock (Web Locks), and who gets it keeps it as long as it lives.
 * The leader follows chains for the others, and passes on to each what comes (BroadcastChannel). When a leader is gone the
 * next one says so: who followed by the old one is told that it was lost, and follows again, from the entry that it lacks.
 * A follower that is gone is noticed by a lock of its own, which the leader then gets. Nothing that comes is believed here.
 *
 * @import { Bytes } from "../format/bytes.js"
 * @import { FollowEvents } from "./live_socket.js"
 *
 * @typedef {"onOpen" | "onEntry" | "onMessage" | "onLost"} EventName
 * @typedef {{ chainId: Bytes, from: number, events: FollowEvents, close: () => void }} Followed
 * @typedef {{ leader: true }
 *   | { follow: number, tab: string, chainId: Bytes, from: number } | { leave: number, tab: string }
 *   | { event: EventName, tab: string, id: number, raw: Bytes | undefined, wasOpen: boolean }
 *   | { pass: Bytes }} Word what tabs say to each other
 */

import { LiveSocket } from "./live_socket.js";

/** @param {string} url @returns {SharedSocket | LiveSocket} a socket of this page's own, where the browser can share none */
export function socketFor(url) {
  return globalThis.navigator?.locks && globalThis.BroadcastChannel ? new SharedSocket(url) : new LiveSocket(url);
}

/** The socket of one server, as one tab has it. It has the methods of `LiveSocket`. */
export class SharedSocket {
  #tab = crypto.randomUUID();
  #isLeading = false;
  #isHeld = false;
  #ids = 0;
  /** @type {Map<number, Followed>} this tab's own */
  #follows = new Map();
  /** @type {Map<string, Map<number, { close: () => void }>>} the other tabs', where this one leads */
  #served = new Map();

  /** @param {string} url */
  constructor(url) {
    this.socket = new LiveSocket(url);
    /** Whether one was ever opened: else it may be that none is let through. */
    this.wasOpen = false;
    this.channel = new BroadcastChannel(`cairn.live ${url}`);
    this.channel.onmessage = ({ data }) => this.#hear(data);
    void hold(`cairn.tab.${this.#tab}`, () => this.#begin());
    void hold(`cairn.leader ${url}`, () => this.#lead());
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
    const id = ++this.#ids;
    const followed = { chainId, from, events, close: () => this.#say({ leave: id, tab: this.#tab }) };
    this.#follows.set(id, followed);
    this.#ask(id, followed);
    return { close: () => this.#leave(id) };
  }

  /** Passes an ephemeral message on: nobody waits for one. @param {Bytes} raw */
  pass(raw) {
    if (this.#isLeading) this.socket.pass(raw);
    else this.#say({ pass: raw });
  }

  /** @param {number} id */
  #leave(id) {
    this.#follows.get(id)?.close();
    this.#follows.delete(id);
  }

  /** @param {number} id @param {Followed} followed */
  #ask(id, followed) {
    const { chainId, from } = followed;
    if (!this.#isLeading) {
      if (this.#isHeld) this.#say({ follow: id, tab: this.#tab, chainId, from });
      return;
    }
    const tell = (/** @type {EventName} */ event, /** @type {Bytes} */ raw) => this.#tell(id, event, raw);
    const source = this.#following(chainId, from, tell);
    followed.close = () => source.close();
  }

  /** @param {Bytes} chainId @param {number} from @param {(event: EventName, raw?: any) => void} tell */
  #following(chainId, from, tell) {
    return this.socket.follow(chainId, from, {
      onOpen: () => tell("onOpen"),
      onEntry: (raw) => tell("onEntry", raw),
      onMessage: (raw) => tell("onMessage", raw),
      onLost: () => tell("onLost"),
    });
  }

  /** Tells of what this tab follows. @param {number} id @param {EventName} event @param {any} raw */
  #tell(id, event, raw) {
    const followed = this.#follows.get(id);
    this.wasOpen ||= this.#isLeading && this.socket.wasOpen;
    if (event === "onLost") this.#follows.delete(id);
    followed?.events[event](raw);
  }

  /** From here on a leader notices when this tab is gone; so it may be asked. */
  #begin() {
    this.#isHeld = true;
    if (!this.#isLeading) for (const [id, followed] of this.#follows) this.#ask(id, followed);
  }

  #lead() {
    this.#isLeading = true;
    this.#say({ leader: true });
    this.#changeLeader();
  }

  /** What was followed by a leader before is lost, and followed anew by whoever wants it; what nobody took is asked again. */
  #changeLeader() {
    for (const [id, followed] of [...this.#follows]) {
      if (this.wasOpen) this.#tell(id, "onLost", undefined);
      else this.#ask(id, followed);
    }
  }

  /** @param {Word} word */
  #say(word) {
    this.channel.postMessage(word);
  }

  /** @param {Word} word */
  #hear(word) {
    if ("leader" in word) this.#changeLeader();
    else if ("event" in word) this.#heardOf(word);
    else if (!this.#isLeading) return;
    else if ("follow" in word) this.#followFor(word);
    else if ("leave" in word) this.#leaveFor(word);
    else this.socket.pass(word.pass);
  }

  /** @param {Extract<Word, { event: EventName }>} word */
  #heardOf({ event, tab, id, raw, wasOpen }) {
    if (tab !== this.#tab) return;
    this.wasOpen ||= wasOpen;
    this.#tell(id, event, raw);
  }

  /** @param {Extract<Word, { follow: number }>} word */
  #followFor({ follow: id, tab, chainId, from }) {
    const tell = (/** @type {EventName} */ event, /** @type {Bytes | undefined} */ raw) => {
      if (event === "onLost") this.#served.get(tab)?.delete(id);
      this.#say({ event, tab, id, raw, wasOpen: this.socket.wasOpen });
    };
    this.#serve(tab).set(id, this.#following(chainId, from, tell));
  }

  /** @param {Extract<Word, { leave: number }>} word */
  #leaveFor({ leave: id, tab }) {
    this.#served.get(tab)?.get(id)?.close();
    this.#served.get(tab)?.delete(id);
  }

  /** What a tab follows by this one. When it is gone, its lock comes here, and all of that ends. @param {string} tab */
  #serve(tab) {
    const known = this.#served.get(tab);
    if (known) return known;
    const follows = new Map();
    this.#served.set(tab, follows);
    void navigator.locks.request(`cairn.tab.${tab}`, () => {
      for (const follow of [...follows.values()]) follow.close();
      this.#served.delete(tab);
    });
    return follows;
  }
}

/** Waits for a lock, and keeps it as long as this page lives. @param {string} name @param {() => void} then */
function hold(name, then) {
  return navigator.locks.request(name, () => {
    then();
    return new Promise(() => {});
  });
}

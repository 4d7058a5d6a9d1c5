/**
 * A log: one chain, as an application uses it. What is read was verified; what is added is kept on this device until it
 * stands on the server.
 *
 * @import { Browser, News } from "../browser.js"
 * @import { Capability, ReadCapability, VerifyCapability, WriteCapability } from "../format/capability.js"
 * @import { ChainState } from "../format/chain.js"
 * @import { Reference } from "../format/reference.js"
 * @import { GetOptions, PutOptions } from "../objects/files.js"
 * @import { Place } from "../state/database.js"
 * @import { LiveState } from "./live.js"
 * @import { LogEntry } from "./log_entry.js"
 * @import { Delivered } from "./posting.js"
 * @import { Item } from "./reader.js"
 * @import { Wanted } from "./writer.js"
 *
 * @typedef {WriteCapability | ReadCapability | VerifyCapability} ChainCapability
 * @typedef {{ seq: number | null }} Added null: it waits in the outbox
 * @typedef {{ key: Place, entry: LogEntry }} Queued
 * @typedef {object} Report what `verify` found; it throws for nothing that a server can do
 * @property {boolean} isGood
 * @property {number} entries whose signature and links were checked
 * @property {number} missing given up by the writer, and dropped
 * @property {number} unreadable verified, but not opened by this link
 * @property {number} seq of the newest verified entry; -1: none
 * @property {CairnError | null} problem
 */

import { CairnError, Conflict, Forbidden, Limited, NotFound, Unavailable, Unknown } from "../errors.js";
import { toHex } from "../format/bytes.js";
import { formatRead, formatVerify, formatWrite } from "../format/capability.js";
import { KIND } from "../format/entry.js";
import { ChainKeys } from "../format/keys.js";
import { encodePayload } from "../format/payload.js";
import { Live } from "./live.js";
import { Signal } from "../signal.js";
import { Pins } from "../state/pins.js";
import { History } from "./history.js";
import { Keyring } from "./keyring.js";
import { logEntryOf, pendingEntry } from "./log_entry.js";
import { Posting } from "./posting.js";
import { ChainReader } from "./reader.js";
import { Writer, rotation } from "./writer.js";

const SNAPSHOT_TRIES = 8;
const UNQUEUED_MAX = 4_096;
const RETRY_MS_MIN = 1_000;
const RETRY_MS_MAX = 60_000;

/** One chain on one server. Made by `Account.open`, `Cairn.openLink` and `Cairn.newLog`. */
export class Log {
  /** @type {History} */
  #history;
  /** @type {Posting | null} */
  #posting = null;
  /** @type {Live | null} */
  #live = null;
  /** @type {Queued[]} */
  #queued = [];
  /** @type {LogEntry[]} */
  #entries = [];
  /** @type {Set<number>} what has left the outbox, lately */
  #unqueued = new Set();
  #viewedItems = 0;
  /** @type {Set<() => void>} */
  #watchers = new Set();
  /** @type {Map<number, { resolve: (added: Added) => void, reject: (error: unknown) => void }>} */
  #waiting = new Map();
  /** @type {Promise<void> | null} */
  #flushing = null;
  #mustFlush = false;
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  #retryTimer;
  #retryMs = RETRY_MS_MIN;
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  #tellTimer;
  #isClosed = false;

  /** What the server did that is refused, or why the outbox is stuck. Null: all is well. @type {Signal<CairnError | null>} */
  problem = new Signal(/** @type {CairnError | null} */ (null));

  /**
   * @param {Browser} browser
   * @param {ChainCapability} capability
   * @param {Keyring} keyring
   * @param {ChainKeys | null} keys
   * @param {Awaited<ReturnType<Browser["storage"]>>} storage not for use outside of this class: see `of`
   */
  constructor(browser, capability, keyring, keys, { outbox, cache }) {
    this.browser = browser;
    this.capability = capability;
    this.keyring = keyring;
    this.keys = keys;
    /** The chain's id in hex. */
    this.id = toHex(keyring.chainId);
    const reader = new ChainReader(browser.server, keyring, browser.pins, cache);
    this.#history = new History(reader, () => this.#tellSoon());
    this.outbox = outbox;
    if (keys) {
      const writer = new Writer(keys, browser.server, this.#history);
      const onDelivered = (/** @type {Delivered[]} */ delivered) => this.#settle(delivered);
      const onRemoved = (/** @type {Delivered[]} */ delivered) => this.browser.tell({ chain: this.id, delivered });
      this.#posting = new Posting(outbox, this.id, writer, onDelivered, onRemoved);
    }
  }

  /**
   * A log with what this device knows of it; no server is asked.
   *
   * @param {Browser} browser
   * @param {ChainCapability} capability
   * @returns {Promise<Log>}
   */
  static async of(browser, capability) {
    const storage = await browser.storage();
    const keys = capability.type === "write" ? await ChainKeys.of(capability) : null;
    const log = new Log(browser, capability, await Keyring.of(capability), keys, storage);
    browser.listen(log.id, (news) => void log.#hear(news));
    await Promise.all([log.#history.restore(), log.#loadQueued()]);
    if (log.#queued.length > 0) void log.flush();
    return log;
  }

  /** The seq of the newest accepted entry; 0 where there is none yet. */
  get seq() {
    return this.#history.state?.seq ?? 0;
  }

  /** "write", "read" or "verify": what this log may do. */
  get can() {
    return this.capability.type;
  }

  /** What is known now: verified entries, and behind them what waits in the outbox. @returns {LogEntry[]} */
  get list() {
    const { items } = this.#history;
    for (; this.#viewedItems < items.length; this.#viewedItems++) {
      const entry = logEntryOf(/** @type {Item} */ (items[this.#viewedItems]));
      if (entry) this.#entries.push(entry);
    }
    return [...this.#entries, ...this.#queued.map(({ entry }) => entry)];
  }

  // --- writing

  /**
   * Adds text, bytes or a JSON value. When it returns, the entry stands on the server, durably; or, where there is no
   * connection, it waits on this device and will be sent later, once and in order: then its seq is null.
   *
   * @param {unknown} value
   * @param {{ references?: Reference[] }} [options] to the blocks that the entry adds
   * @returns {Promise<Added>}
   * @throws {CairnError} Forbidden: this link does not write. TooLarge, Invalid, Closed, Limited, Full: it is not added.
   */
  async add(value, { references = [] } = {}) {
    this.#writing();
    const payload = encodePayload(value, references);
    const key = await this.outbox.add(this.id, payload);
    this.#queued.push({ key, entry: pendingEntry(payload) });
    this.#tellSoon();
    this.browser.tell({ chain: this.id, added: key });
    return new Promise((resolve, reject) => {
      this.#waiting.set(key[1], { resolve, reject });
      void this.flush();
    });
  }

  /**
   * Writes the state that all entries make as a snapshot: who opens the log later begins with it. What lies before it may
   * then be dropped by the server.
   *
   * @template S
   * @param {(state: S, entry: LogEntry) => S} reducer as for `reduce`
   * @param {S} initial
   * @returns {Promise<Added>}
   * @throws {CairnError} as `add`; Conflict: others wrote again and again meanwhile
   */
  async snapshot(reducer, initial) {
    for (let attempt = 1; ; attempt++) {
      await this.flush();
      const { seq } = await this.#history.catchUp();
      const payload = encodePayload(this.#reduced(reducer, initial));
      try {
        return await this.writeNow({ kind: KIND.CHECKPOINT, payload: () => payload, trims: true, at: seq + 1 });
      } catch (error) {
        if (!(error instanceof Conflict) || attempt === SNAPSHOT_TRIES) throw error;
      }
    }
  }

  /** Changes the keys: links given out before read nothing of what comes after. @returns {Promise<Added>} */
  async rotate() {
    const { keys } = this.#writing();
    return this.writeNow(rotation(keys, (keyBefore) => encodePayload(new Uint8Array(), [], keyBefore)));
  }

  /** Ends the log for ever. @param {unknown} [lastWords] @returns {Promise<Added>} */
  async end(lastWords = new Uint8Array()) {
    const payload = encodePayload(lastWords);
    return this.writeNow({ kind: KIND.CLOSE, payload: () => payload, trims: true });
  }

  /**
   * Writes one entry at once, behind what waits in the outbox; it is not kept there itself.
   *
   * @param {Wanted} wanted
   * @returns {Promise<Added>}
   * @throws {CairnError} Unknown: it may stand. Others as `add`
   */
  async writeNow(wanted) {
    const [entry] = await this.#writing().posting.writeNow([wanted]);
    return { seq: entry ? entry.seq : null };
  }

  #writing() {
    if (!this.#posting || !this.keys) throw new Forbidden("this link reads, and does not write");
    return { posting: this.#posting, keys: this.keys };
  }

  // --- reading

  /**
   * Shows the log to a listener: now, and at every change.
   *
   * @param {(list: LogEntry[]) => void} listener
   * @param {(error: CairnError) => void} [onProblem] told what the server did that is refused; see `problem`
   * @returns {() => void} ends it
   */
  watch(listener, onProblem) {
    const watcher = () => listener(this.list);
    this.#watchers.add(watcher);
    if (this.list.length > 0) watcher();
    const stop = onProblem && this.problem.subscribe((error) => error && onProblem(error));
    void this.#follow(watcher);
    return () => {
      this.#watchers.delete(watcher);
      stop?.();
      if (this.#watchers.size === 0) this.#unfollow();
    };
  }

  /**
   * The entries up to the present head, in order; what this device knows of them, where there is no connection.
   *
   * @returns {AsyncGenerator<LogEntry, void, void>}
   * @throws {CairnError} Tampered, Rollback, Fork: the server does not show this log as it was. NotFound
   */
  async *entries() {
    await this.catchUp();
    for (const entry of this.list) if (!entry.isPending) yield entry;
  }

  /**
   * Makes one value of the newest snapshot and all entries after it, what waits in the outbox too.
   *
   * @template S
   * @param {(state: S, entry: LogEntry) => S} reducer
   * @param {S} initial where there is no snapshot
   * @returns {Promise<S>}
   * @throws {CairnError} as `entries`
   */
  async reduce(reducer, initial) {
    await this.catchUp();
    return this.#reduced(reducer, initial);
  }

  /** @template S @param {(state: S, entry: LogEntry) => S} reducer @param {S} initial @returns {S} */
  #reduced(reducer, initial) {
    const { list } = this;
    const start = list.findLastIndex(({ kind, problem }) => kind === "snapshot" && !problem);
    return list.slice(start + 1).reduce(reducer, start < 0 ? initial : list[start]?.value);
  }

  /**
   * Accepts all that is new on the server. A log that is still to be written is empty; without a connection it stays as it is.
   *
   * @returns {Promise<void>}
   * @throws {CairnError} as `entries`
   */
  async catchUp() {
    try {
      await this.#history.catchUp();
      this.problem.value = null;
      this.browser.status.value = "online";
    } catch (error) {
      if (error instanceof NotFound && this.can === "write") return;
      if (error instanceof Unavailable) this.browser.status.value = "offline";
      if (error instanceof Unavailable && this.#history.state) return;
      throw error;
    }
  }

  /**
   * Verifies the whole log anew, from its first entry to the server's present head.
   *
   * @returns {Promise<Report>}
   */
  async verify() {
    const pins = new Pins({ isLasting: false });
    const pin = this.browser.pins.get(this.keyring.chainId);
    if (pin) pins.raise(this.keyring.chainId, pin);
    const reader = new ChainReader(this.browser.server, this.keyring, pins);
    try {
      const items = await reader.catchUp({ isFresh: true });
      const unreadable = items.filter(({ inside }) => inside.type !== "open" && inside.type !== "genesis").length;
      const missing = items.reduce((count, { missingBefore }) => count + missingBefore, 0);
      const { seq } = /** @type {ChainState} */ (reader.state);
      return { isGood: true, entries: items.length, missing, unreadable, seq, problem: null };
    } catch (error) {
      if (!(error instanceof CairnError)) throw error;
      return { isGood: false, entries: 0, missing: 0, unreadable: 0, seq: -1, problem: error };
    }
  }

  // --- files

  /**
   * Keeps a file of any size and adds an entry for it; the file's bytes need a connection. A try that was broken off, by
   * `signal` or by closing the page, goes on where it was when the same file is put again.
   *
   * @param {Blob} blob
   * @param {PutOptions} [options]
   * @returns {Promise<Added>}
   * @throws {CairnError} as `add`
   */
  async putFile(blob, options = {}) {
    const { keys } = this.#writing();
    const { putFile } = await import("../objects/files.js");
    const { value, reference } = await putFile(this.browser, keys, blob, options);
    return this.add(value, { references: [reference] });
  }

  /**
   * @param {LogEntry} entry of a file
   * @param {GetOptions} [options]
   * @returns {Promise<File>}
   * @throws {CairnError} NotFound: it has no file, or the file was removed. TooLarge: over `bytesMax`
   */
  async getFile(entry, options = {}) {
    return (await import("../objects/files.js")).getFile(this.browser, entry, options);
  }

  /**
   * A file's bytes as they come, each part verified; with `start` and `stop` some of them.
   *
   * @param {LogEntry} entry of a file
   * @param {{ start?: number, stop?: number, signal?: AbortSignal }} [options]
   * @returns {Promise<ReadableStream<Uint8Array<ArrayBuffer>>>}
   */
  async streamFile(entry, options = {}) {
    return (await import("../objects/files.js")).streamFile(this.browser, entry, options);
  }

  /** Removes a file's bytes from the server, unless another entry of this log has the same. @param {LogEntry} entry */
  async removeFile(entry) {
    const { keys } = this.#writing();
    const others = this.list.filter((other) => other !== entry && other.seq !== entry.seq);
    await (await import("../objects/files.js")).removeFile(this.browser, keys, entry, others);
  }

  // --- sharing

  /**
   * A link to this log. What it allows stands behind the #, which browsers never send.
   *
   * @param {{ can?: "read" | "write" | "verify", page?: string }} [options] page: the address that opens it; this one, if not given
   * @returns {Promise<string>}
   * @throws {Forbidden} the log was opened by a weaker link
   */
  async link({ can = "read", page = globalThis.location?.href ?? "" } = {}) {
    return `${page.split("#")[0]}#${await this.capabilityText(can)}`;
  }

  /** @param {"read" | "write" | "verify"} can @returns {Promise<string>} the capability alone */
  async capabilityText(can) {
    const { capability, keys } = this;
    if (can === "verify") return formatVerify({ type: "verify", chainId: this.keyring.chainId });
    if (can === "write" && capability.type === "write") return formatWrite(capability);
    if (can === "read" && capability.type === "read") return formatRead(capability);
    if (can === "write" || !keys) throw new Forbidden(`this link does not give the right to ${can}`);
    await this.catchUp();
    return formatRead(await keys.toRead(this.#history.state?.keyEpoch ?? 0));
  }

  // --- the outbox

  /** Sends what waits, if the server can be reached. It never fails: see `problem`, and `pending`. @returns {Promise<void>} */
  flush() {
    this.#mustFlush = this.#posting !== null;
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
        await this.#posting?.run((error) => this.#stuck(error));
        this.#retryMs = RETRY_MS_MIN;
        this.browser.status.value = "online";
        this.#settleByOthers(asked);
        this.#goLive();
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
    const keys = [...this.#waiting.keys()].map((order) => /** @type {Place} */ ([this.id, order]));
    await this.outbox.remove(keys);
    this.#unqueue([...this.#waiting.keys()]);
    for (const { reject } of this.#waiting.values()) reject(error);
    if (error instanceof CairnError && this.#queued.length > 0) this.problem.value = error;
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
    for (const order of orders) this.#unqueued.add(order);
    this.#queued = this.#queued.filter(({ key }) => !this.#unqueued.has(key[1]));
    this.#tellSoon();
    void this.browser.recount();
  }

  /** What another tab did. @param {News} news */
  async #hear({ added, delivered }) {
    if (delivered) this.#settle(delivered);
    if (delivered) await this.#history.catchUp().catch((error) => this.#failed(error));
    if (added) await this.#loadQueued();
  }

  /** What waits, of all tabs; but for what was delivered while it was being read. */
  async #loadQueued() {
    if (!this.keys) return;
    const letters = await this.outbox.letters(this.id);
    const known = new Map(this.#queued.map((queued) => [queued.key[1], queued]));
    for (const { key, payload } of letters) known.set(key[1], { key, entry: pendingEntry(payload) });
    this.#queued = [...known.values()].filter(({ key }) => !this.#unqueued.has(key[1])).sort(byOrder);
    this.#unqueued = new Set([...this.#unqueued].slice(-UNQUEUED_MAX));
    this.#tellSoon();
    await this.browser.recount();
  }

  // --- following

  /** @param {() => void} watcher */
  async #follow(watcher) {
    try {
      await this.catchUp();
    } catch (error) {
      if (!(error instanceof Unavailable)) return this.#failed(error);
      this.#retryTimer = setTimeout(() => void this.#follow(watcher), this.#retryMs);
      return;
    }
    if (this.#watchers.has(watcher)) this.#tellSoon();
    this.#goLive();
  }

  /** Follows the chain, if somebody watches and it has begun. */
  #goLive() {
    if (this.#isClosed || this.#live || this.#watchers.size === 0 || !this.#history.state) return;
    this.#live = new Live(this.#history, {
      onItems: () => {},
      onState: (state) => this.#connected(state),
      onFailure: (error) => this.#failed(error),
    });
    this.#live.start();
  }

  /** @param {LiveState} state */
  #connected(state) {
    if (state === "live") this.browser.status.value = "online";
    else if (state === "offline" || state === "reconnecting") this.browser.status.value = "offline";
    if (state === "live" && this.#queued.length > 0) void this.flush();
  }

  #unfollow() {
    this.#live?.stop();
    this.#live = null;
  }

  /** @param {unknown} error */
  #failed(error) {
    if (error instanceof CairnError) this.problem.value = error;
    else throw error;
  }

  /** Tells the watchers, once for all that changes in the same moment. */
  #tellSoon() {
    this.#tellTimer ??= setTimeout(() => {
      this.#tellTimer = undefined;
      for (const watcher of [...this.#watchers]) watcher();
    });
  }

  /** Ends what goes on: watching and sending. What waits stays on this device. */
  close() {
    this.#isClosed = true;
    clearTimeout(this.#retryTimer);
    this.#watchers.clear();
    this.#unfollow();
  }
}

/** @param {Queued} a @param {Queued} b */
function byOrder(a, b) {
  return a.key[1] - b.key[1];
}

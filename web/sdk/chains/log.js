/**
 * A log: one chain, as an application uses it. What is read was verified; what is added is kept on this device until it
 * stands on the server. How it is written, followed and heard, and its files, are modules of their own.
 *
 * @import { Browser, News } from "../browser.js"
 * @import { ReadCapability, VerifyCapability, WriteCapability } from "../format/capability.js"
 * @import { EntryCache } from "../state/cache.js"
 * @import { Reference } from "../format/reference.js"
 * @import { GetOptions, PutOptions } from "../objects/files.js"
 * @import { LiveState } from "./live.js"
 * @import { LogEntry } from "./log_entry.js"
 * @import { Added } from "./queue.js"
 * @import { Report } from "./verification.js"
 * @import { Writing } from "./writing.js"
 *
 * @typedef {WriteCapability | ReadCapability | VerifyCapability} ChainCapability
 */

import { CairnError, Forbidden, NotFound, Unavailable } from "../errors.js";
import { toHex } from "../format/bytes.js";
import { formatRead, formatVerify } from "../format/capability.js";
import { Signal } from "../signal.js";
import { Following } from "./following.js";
import { History } from "./history.js";
import { Keyring } from "./keyring.js";
import { logEntryOf } from "./log_entry.js";
import { Messages } from "./messages.js";
import { ChainReader } from "./reader.js";

/** Loaded when a file is first put or asked for. */
const files = () => import("../objects/files.js");

/** One chain on one server. Made by `Account.open`, `Cairn.openLink` and `Cairn.newLog`. */
export class Log {
  /** @type {History} */
  #history;
  /** @type {Writing | null} */
  #write = null;
  /** @type {Following} */
  #following;
  #messages = new Messages();
  #unlisten = () => {};

  /** What the server did that is refused, or why the outbox is stuck. Null: all is well. @type {Signal<CairnError | null>} */
  problem = new Signal(/** @type {CairnError | null} */ (null));

  /**
   * @param {Browser} browser
   * @param {ChainCapability} capability
   * @param {Keyring} keyring
   * @param {EntryCache} cache not for use outside of this class: see `of`
   */
  constructor(browser, capability, keyring, cache) {
    this.browser = browser;
    this.capability = capability;
    this.keyring = keyring;
    /** The chain's id in hex. */
    this.id = toHex(keyring.chainId);
    const reader = new ChainReader(browser.server, keyring, browser.pins, cache, capability.type === "read");
    this.#history = new History(reader, () => this.#following.tellSoon());
    this.#following = new Following(this.#history, {
      catchUp: () => this.catchUp(),
      onMessage: (data) => this.#messages.came(data),
      onState: (state) => this.#connected(state),
      onFailure: (error) => this.#failed(error),
    });
  }

  /**
   * A log with what this device knows of it; no server is asked.
   *
   * @param {Browser} browser
   * @param {ChainCapability} capability
   * @returns {Promise<Log>}
   */
  static async of(browser, capability) {
    const { cache } = await browser.storage();
    const log = new Log(browser, capability, await Keyring.of(capability), cache);
    log.#unlisten = browser.listen(log.id, (news) => void log.#heard(news));
    if (capability.type === "write") await log.#startWriting(capability);
    await Promise.all([log.#history.restore(), log.#write?.queue.load()]);
    if (log.#write?.queue.list.length) void log.flush();
    return log;
  }

  /** @param {WriteCapability} capability */
  async #startWriting(capability) {
    const { Writing } = await import("./writing.js");
    this.#write = await Writing.of(this.browser, capability, this.#history, {
      onChange: () => this.#following.tellSoon(),
      onSent: () => this.#following.goLive(),
      onProblem: (error) => (this.problem.value = error),
    });
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
    const entries = this.#history.items.map((item) => (item.entry ??= logEntryOf(item)));
    return [...entries.filter((entry) => entry !== null), ...(this.#write?.queue.list ?? [])];
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
    return this.#writing().add(value, references);
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
    return this.snapshotOf(() => [this.#reduced(reducer, initial)]);
  }

  /**
   * Writes what `make` gives when all accepted entries are in `list`: its first value as a snapshot, the others as entries
   * right behind it, all or none. If it gives nothing, nothing is written.
   *
   * @param {() => unknown[]} make
   * @returns {Promise<Added>} of the snapshot
   * @throws {CairnError} as `snapshot`
   */
  async snapshotOf(make) {
    const writing = this.#writing();
    await this.flush();
    return writing.snapshot(make);
  }

  /** Changes the keys: links given out before read nothing of what comes after. @returns {Promise<Added>} */
  async rotate() {
    return this.#writing().rotate();
  }

  /** Ends the log for ever. @param {unknown} [lastWords] @returns {Promise<Added>} */
  async end(lastWords) {
    return this.#writing().end(lastWords);
  }

  /**
   * Adds a value behind the newest accepted entry, at once or not at all: it never waits in the outbox.
   *
   * @param {unknown} value
   * @returns {Promise<Added>}
   * @throws {CairnError} Conflict: another entry has this place. Unknown: it may stand. Others as `add`
   */
  async addNext(value) {
    return this.#writing().addAt(value, this.seq + 1);
  }

  /** Sends what waits, if the server can be reached. It never fails: see `problem`, and `pending`. @returns {Promise<void>} */
  async flush() {
    await this.#write?.queue.flush();
  }

  /** The keys that write this log; null for a link that reads. */
  get keys() {
    return this.#write?.keys ?? null;
  }

  #writing() {
    if (!this.#write) throw new Forbidden("this link reads, and does not write");
    return this.#write;
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
    const stopWatching = this.#following.watch(() => listener(this.list), this.list.length > 0);
    const stopTelling = onProblem && this.problem.subscribe((error) => error && onProblem(error));
    return () => {
      stopWatching();
      stopTelling?.();
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
   * @returns {Promise<boolean>} whether the server was there
   * @throws {CairnError} as `entries`
   */
  async catchUp() {
    try {
      await this.#history.catchUp();
      this.problem.value = null;
    } catch (error) {
      if (error instanceof Unavailable) {
        this.browser.status.value = "offline";
        if (this.#history.state) return false;
      }
      if (!(error instanceof NotFound && this.can === "write")) throw error;
    }
    this.browser.status.value = "online";
    return true;
  }

  /**
   * Verifies the whole log anew, from its first entry to the server's present head.
   *
   * @returns {Promise<Report>}
   */
  async verify() {
    return (await import("./verification.js")).verify(this.browser, this.keyring);
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
    const { value, references } = await (await files()).putFile(this.browser, this.#writing().keys, blob, options);
    return this.add(value, { references });
  }

  /**
   * The whole file of an entry, or its preview, verified.
   *
   * @param {LogEntry} entry of a file
   * @param {GetOptions} [options]
   * @returns {Promise<File>}
   * @throws {CairnError} NotFound: it has no file, or the file was removed. TooLarge: over `bytesMax`
   */
  async getFile(entry, options = {}) {
    return (await files()).getFile(this.browser, entry, options);
  }

  /**
   * A file's bytes as they come, each part verified; with `start` and `stop` some of them.
   *
   * @param {LogEntry} entry of a file
   * @param {{ start?: number, stop?: number, signal?: AbortSignal }} [options]
   * @returns {Promise<ReadableStream<Uint8Array<ArrayBuffer>>>}
   */
  async streamFile(entry, options = {}) {
    return (await files()).streamFile(this.browser, entry, options);
  }

  /**
   * Removes the bytes of a file and its preview from the server, unless another entry of this log has the same; or, of a `Blob`
   * whose upload was broken off, what that has put there.
   *
   * @param {LogEntry | Blob} file
   */
  async removeFile(file) {
    await (await files()).removeFile(this.browser, this.#writing().keys, file, this.list);
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

  /** What stands in such a link behind the #, alone. @param {"read" | "write" | "verify"} can @returns {Promise<string>} */
  async capabilityText(can) {
    const { capability } = this;
    if (can === "verify") return formatVerify({ type: "verify", chainId: this.keyring.chainId });
    if (can === "read" && capability.type === "read") return formatRead(capability);
    if (!this.#write) throw new Forbidden(`this link does not give the right to ${can}`);
    if (can === "read") await this.catchUp();
    return this.#write.capabilityText(can);
  }

  // --- messages that nobody keeps

  /**
   * Tells all who watch this log now something of the moment, such as where a cursor is. It is sealed and signed like an
   * entry, never stored, and lost on who is not there.
   *
   * @param {unknown} value a JSON value; with its name and stamps at most 16,000 bytes
   * @throws {CairnError} Forbidden, TooLarge
   */
  async say(value) {
    await this.#writing().say(value);
  }

  /** Listens to what is said, while the log is watched. @param {(value: any) => void} listener @returns {() => void} ends it */
  hear(listener) {
    return this.#messages.hear(listener);
  }

  // --- following

  /** What another tab did. @param {News} news */
  async #heard(news) {
    await this.#write?.queue.heard(news);
    if (news.delivered) await this.#history.catchUp().catch((error) => this.#failed(error));
  }

  /** @param {LiveState} state */
  #connected(state) {
    if (state === "live") this.browser.status.value = "online";
    else if (state === "offline" || state === "reconnecting") this.browser.status.value = "offline";
    if (state === "live" && this.#write?.queue.list.length) void this.flush();
  }

  /** @param {unknown} error */
  #failed(error) {
    if (error instanceof CairnError) this.problem.value = error;
    else throw error;
  }

  /** Ends what goes on: watching and sending. What waits stays on this device. */
  close() {
    this.#write?.queue.close();
    this.#unlisten();
    this.#following.close();
  }
}

/**
 * Reads one chain: verifies everything, then opens it. Nothing that is not verified leaves this module.
 *
 * Theory of operation. `catchUp` fetches page after page from the genesis on, and accepts entry by entry (chain.js).
 * Where the server has trimmed, the entries that follow the gap are passed over until one is found to begin with again:
 * a checkpoint or close, or the very entry that is pinned here from an earlier visit. Only when the head is reached, and
 * the pinned entry was met or lawfully trimmed, are the new entries opened and given out, and the pin raised. `extend`
 * does the same with entries that arrive live.
 *
 * With `fromFloor`, what the writer gave up is passed over also where the server still has it: a page of a chain that grows
 * fast begins at its newest checkpoint. Who writes reads all, to find what was sent before.
 *
 * With a cache, `restore` begins with the entries that were accepted on earlier visits. Their signatures are not verified
 * again: they lead, hash by hash, to the pinned entry, which only verified entries become.
 *
 * @import { Bytes } from "../format/bytes.js"
 * @import { ChainState } from "../format/chain.js"
 * @import { EntryCache } from "../state/cache.js"
 * @import { Keyring } from "./keyring.js"
 * @import { LogEntry } from "./log_entry.js"
 * @import { Payload } from "../format/payload.js"
 * @import { Pins } from "../state/pins.js"
 * @import { Server } from "../remote/server.js"
 * @import { Accepted } from "./taking.js"
 *
 * @typedef {{ type: "genesis" }
 *   | { type: "open", payload: Payload }
 *   | { type: "sealed" }
 *   | { type: "key_missing" }
 *   | { type: "faulty", reason: string }} Inside what is known of an entry's content; "faulty" is its writer's fault
 * @typedef {object} Item a verified entry
 * @property {number} seq
 * @property {number} kind
 * @property {number} keyEpoch
 * @property {Bytes} hash
 * @property {number} bytes of the whole entry
 * @property {number} missingBefore how many entries before it were given up by the writer, or passed over
 * @property {Bytes | null} prev the hash of the last of these, if there are any
 * @property {Inside} inside
 * @property {LogEntry | null} [entry] as an application sees it, once it has
 */

import { CairnError, CannotOpen, Invalid, NotFound, Rollback, Tampered, TooLarge, WrongCapability } from "../errors.js";
import { Entry, KIND } from "../format/entry.js";
import { openPayload } from "../format/payload.js";
import { PAGE_ENTRIES } from "../remote/server.js";
import { Taking } from "./taking.js";

const ENTRIES_MAX = 1_000_000; // at once, in one page of a browser
const RECENT_MAX = 4_096; // hashes kept, to know again what is sent twice

/** A chain as one reader sees it. */
export class ChainReader {
  /** @type {ChainState | null} */
  #state = null;
  /** @type {Entry[]} */
  #rotations = [];
  /** @type {Map<number, Bytes>} */
  #recent = new Map();
  #acceptedCount = 0;

  /**
   * @param {Server} server
   * @param {Keyring} keyring
   * @param {Pins} pins
   * @param {EntryCache | null} [cache]
   * @param {boolean} [fromFloor]
   */
  constructor(server, keyring, pins, cache = null, fromFloor = false) {
    this.server = server;
    this.keyring = keyring;
    this.pins = pins;
    this.cache = cache;
    this.fromFloor = fromFloor;
  }

  /** The state after the newest entry that was accepted; null before `catchUp`. */
  get state() {
    return this.#state;
  }

  /** How many entries have been verified. */
  get verifiedCount() {
    return this.#acceptedCount;
  }

  /**
   * Opens the entries that earlier visits have verified, without asking the server.
   *
   * @returns {Promise<Item[]>} none, if there are none, or they do not lead to the pinned entry
   */
  async restore() {
    const raws = this.#state || !this.cache ? [] : await this.cache.load(this.keyring.chainId);
    const taken = this.#taking();
    if (!(await taken.recall(raws))) return [];
    try {
      return await this.#adopt(taken);
    } catch {
      return []; // it was another capability's: the server's entries will tell
    }
  }

  /**
   * Fetches, verifies and opens all that is new on the server.
   *
   * @param {{ isFresh?: boolean, onProgress?: (verified: number, total: number) => void }} [options]
   * @returns {Promise<Item[]>} in order
   * @throws {CairnError} by its class: what the server did, or lacks
   */
  async catchUp({ isFresh = false, onProgress = () => {} } = {}) {
    const taken = this.#taking();
    const first = this.#state ? this.#state.seq + 1 : 0;
    let next = first;
    for (;;) {
      const { raws, headSeq } = await this.#page(next, isFresh);
      await taken.take(raws);
      onProgress(taken.seq + 1, headSeq + 1);
      if (raws.length === 0 || (taken.lastSeen >= headSeq && !isKept(next, raws))) {
        taken.checkReaches(headSeq);
        return this.#adopt(taken);
      }
      if (taken.lastSeen < next) throw new Tampered("the server gives other entries than it was asked for");
      const floor = next === first && this.fromFloor ? await this.server.floor(this.keyring.chainId) : 0;
      next = Math.max(taken.lastSeen + 1, floor);
      if (headSeq - next > ENTRIES_MAX) throw new TooLarge("this chain is too long to be read in a browser");
    }
  }

  /** @param {number} from @param {boolean} isFresh */
  async #page(from, isFresh) {
    try {
      return await this.server.entries(this.keyring.chainId, from, { isFresh });
    } catch (error) {
      if (error instanceof NotFound && this.pins.get(this.keyring.chainId)) {
        throw new Rollback("the server has lost a chain that was seen before");
      }
      throw error instanceof TooLarge ? new Tampered(error.message) : error;
    }
  }

  /**
   * Verifies and opens entries that arrived live.
   *
   * They need not reach the pinned entry: another tab of this browser may be ahead, and its pin is this one's too.
   *
   * @param {Bytes[]} raws
   * @returns {Promise<Item[]>}
   * @throws {CairnError}
   */
  async extend(raws) {
    if (!this.#state) return this.catchUp({ isFresh: true });
    const taken = this.#taking();
    await taken.take(raws);
    return taken.hasGap ? this.catchUp({ isFresh: true }) : this.#adopt(taken);
  }

  #taking() {
    const { chainId } = this.keyring;
    return new Taking(this.#state, chainId, this.pins.get(chainId), this.#recent);
  }

  /** @param {Taking} taken @returns {Promise<Item[]>} */
  async #adopt(taken) {
    const state = taken.checkedState(this.keyring.keyEpoch);
    await this.keyring.checkFirstKey(state.readCommitment);
    this.#rotations.push(...taken.accepted.map(({ entry }) => entry).filter(({ kind }) => kind === KIND.ROTATE));
    await this.keyring.walkBack(this.#rotations, state.readCommitment);
    const items = await Promise.all(taken.accepted.map((accepted) => this.#open(accepted)));
    this.#checkKeyFits(items);
    this.#state = state;
    this.#acceptedCount += items.length;
    this.#remember(items);
    this.pins.raise(state.chainId, state);
    if (!taken.isRecalled) void this.#save(taken, state.floor);
    return items;
  }

  /** A cache that fails costs time later, and nothing else. @param {Taking} taken @param {number} floor */
  async #save({ chainId, accepted }, floor) {
    const entries = accepted.map(({ entry }) => entry);
    if (entries.length > 0) await this.cache?.save(chainId, entries, floor).catch(() => {});
  }

  /** @param {Item[]} items */
  #remember(items) {
    for (const { seq, hash } of items) this.#recent.set(seq, hash);
    for (const seq of this.#recent.keys()) {
      if (this.#recent.size <= RECENT_MAX) return;
      this.#recent.delete(seq);
    }
  }

  /** A key of a later epoch is proven by the first entry that it opens. @param {Item[]} items */
  #checkKeyFits(items) {
    const own = items.filter((item) => item.keyEpoch === this.keyring.keyEpoch && item.kind !== KIND.GENESIS);
    const fails = own.filter(({ inside }) => inside.type === "faulty" && inside.reason === "cannot open");
    if (!this.#state && this.keyring.keyEpoch > 0 && own.length > 0 && own.length === fails.length) {
      throw new WrongCapability("the capability's key opens no entry of this chain");
    }
  }

  /** @param {Accepted} accepted @returns {Promise<Item>} */
  async #open({ entry, missingBefore }) {
    const { seq, kind, keyEpoch, hash } = entry;
    const prev = missingBefore > 0 ? entry.prev.slice() : null;
    return { seq, kind, keyEpoch, hash, bytes: entry.raw.length, missingBefore, prev, inside: await this.#inside(entry) };
  }

  /** @param {Entry} entry @returns {Promise<Inside>} */
  async #inside(entry) {
    if (entry.kind === KIND.GENESIS) return { type: "genesis" };
    if (!this.keyring.canRead) return { type: "sealed" };
    const key = await this.keyring.keyOf(entry.keyEpoch);
    if (!key) return { type: "key_missing" };
    try {
      return { type: "open", payload: await openPayload(entry, key) };
    } catch (error) {
      if (error instanceof CannotOpen || error instanceof Invalid) return { type: "faulty", reason: error.message };
      throw error;
    }
  }
}

/**
 * Whether browsers may keep this page for ever: what it says of the head may be old, so the next is asked for too.
 *
 * @param {number} from
 * @param {Bytes[]} raws
 */
function isKept(from, raws) {
  return from % PAGE_ENTRIES === 0 && raws.length === PAGE_ENTRIES;
}

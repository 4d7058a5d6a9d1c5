/**
 * The writing of a chain: entries are built on the newest accepted head, and built again when it has moved. What is sent
 * again after a broken connection is the same bytes; so an entry never stands twice.
 *
 * @import { Bytes } from "../format/bytes.js"
 * @import { ChainState } from "../format/chain.js"
 * @import { Entry } from "../format/entry.js"
 * @import { ChainKeys } from "../format/keys.js"
 * @import { Server } from "../remote/server.js"
 * @import { History } from "./history.js"
 *
 * @typedef {object} Wanted an entry to be written
 * @property {number} kind
 * @property {(state: ChainState) => Bytes | Promise<Bytes>} payload encoded, for the entry that follows `state`
 * @property {boolean} [trims] the floor rises to its own seq
 * @property {number} [at] this seq or none
 */

import { Closed, Conflict, Fork, NotFound, Tampered, Unavailable, Unknown } from "../errors.js";
import { equal, toHex } from "../format/bytes.js";
import { begin, follow } from "../format/chain.js";
import { append } from "../remote/appending.js";
import { paused } from "../remote/http.js";

const FEIGNED_CONFLICT = "the server names a conflict, and shows no entry for it";
const TRIES = 16;
const PAUSE_MS = 20;
const PAUSE_MS_MAX = 1_000;

/** Appends to one chain. Whoever calls it holds the chain's turn (state/locks.js). */
export class Writer {
  /** @param {ChainKeys} keys @param {Server} server @param {History} history */
  constructor(keys, server, history) {
    this.keys = keys;
    this.server = server;
    this.history = history;
  }

  /**
   * Appends entries, in order and all or none. The chain is created if it is not there.
   *
   * @param {Wanted[]} wanted
   * @param {(entries: Entry[]) => Promise<void>} [onBuilt] waited for before they are sent
   * @returns {Promise<Entry[]>} that stand
   * @throws {CairnError} Unknown: they may stand. Conflict: `at` is taken, or others were always faster.
   */
  async append(wanted, onBuilt = async () => {}) {
    /** @type {unknown} */
    let failure;
    /** @type {{ genesis: Entry | null, entries: Entry[] } | null} */
    let built = null;
    for (let attempt = 0; attempt < TRIES; attempt++) {
      await pausedBefore(attempt);
      if (!built || this.#isOvertaken(built.entries)) {
        built = await this.#build(wanted);
        await onBuilt(built.entries);
      }
      const { genesis, entries } = built;
      try {
        await this.#send(genesis ? [genesis, ...entries] : entries);
        return entries;
      } catch (error) {
        if (await this.#standsAfter(error, entries)) return entries;
        if (!(error instanceof Conflict)) throw error;
        failure = error;
      }
    }
    if (built && !this.#isOvertaken(built.entries)) throw new Tampered(FEIGNED_CONFLICT);
    throw failure;
  }

  /**
   * Whether another entry stands where the first of these would. If not, the same bytes are sent again: two signatures for
   * one place are what a server could accuse the writer with.
   *
   * @param {Entry[]} entries
   */
  #isOvertaken([first]) {
    const { state } = this.history;
    return state !== null && first !== undefined && !equal(state.hash, first.prev);
  }

  /**
   * Finds out what became of entries that were sent earlier, and sends them again if they can still stand.
   *
   * @param {Entry[]} entries which follow each other
   * @returns {Promise<boolean>} whether they stand; if not, they never will. Where what stood in their place was given up and
   *   dropped before it was seen here, with what came behind it, nobody can tell: then it is false, too, since twice is better
   *   than not at all
   * @throws {CairnError}
   */
  async settle(entries) {
    const [first, last] = [entries[0], entries.at(-1)];
    if (!first || !last) return true;
    const stands = this.history.stands(last.seq, last.hash) || (await this.#catchUpAndLook(last));
    if (stands) return true; // with all before it, which it names by their hashes
    const { state } = this.history;
    const genesis = state ? null : await this.keys.genesis();
    const before = state ?? /** @type {Entry} */ (genesis);
    if (state?.isClosed || !equal(before.hash, first.prev)) return false;
    for (let attempt = 0; attempt < TRIES; attempt++) {
      await pausedBefore(attempt);
      try {
        await this.#send(genesis ? [genesis, ...entries] : entries);
        return true;
      } catch (error) {
        if (!(error instanceof Conflict)) throw error;
        if (await this.#catchUpAndLook(last)) return true;
        if (this.#isOvertaken(entries)) return false;
      }
    }
    throw new Tampered(FEIGNED_CONFLICT);
  }

  /** @param {Entry} entry */
  async #catchUpAndLook({ seq, hash }) {
    try {
      await this.history.catchUp();
    } catch (error) {
      if (error instanceof NotFound) return false; // the chain itself was not created
      throw error;
    }
    return this.history.stands(seq, hash) === true;
  }

  /** @param {Wanted[]} wanted @returns {Promise<{ genesis: Entry | null, entries: Entry[] }>} */
  async #build(wanted) {
    let { genesis, state } = await this.#base(wanted[0]?.at);
    const entries = [];
    for (const { kind, payload, trims } of wanted) {
      const floor = trims ? state.seq + 1 : state.floor;
      const entry = await this.keys.follow(state, kind, await payload(state), { floor });
      state = follow(state, entry);
      entries.push(entry);
    }
    return { genesis, entries };
  }

  /**
   * What to build on: the accepted head, or a genesis that is yet to be sent.
   *
   * @param {number} [at] the seq that the first entry must have
   * @returns {Promise<{ genesis: Entry | null, state: ChainState }>}
   */
  async #base(at) {
    let { state } = this.history;
    let genesis = null;
    try {
      if (!state || (at !== undefined && at !== state.seq + 1)) state = await this.history.catchUp();
    } catch (error) {
      if (!(error instanceof NotFound)) throw error;
      genesis = await this.keys.genesis();
      state = await begin(this.keys.chainId, genesis);
    }
    if (state.isClosed) throw new Closed("the chain has ended");
    if (at !== undefined && at !== state.seq + 1) throw new Conflict("another entry has this place");
    return { genesis, state };
  }

  /** @param {Entry[]} entries */
  async #send(entries) {
    const raws = entries.map(({ raw }) => raw);
    const head = await append(this.server, this.keys.chainId, raws);
    const last = /** @type {Entry} */ (entries.at(-1));
    if (head.seq < last.seq) throw new Tampered("the server acknowledged another entry than was sent");
    if (head.seq === last.seq && head.hash !== toHex(last.hash)) {
      throw new Fork("the server acknowledged an entry, and shows another in its place");
    }
    await this.history.extend(raws);
  }

  /** @param {unknown} error @param {Entry[]} entries @returns {Promise<boolean>} they stand all the same */
  async #standsAfter(error, [first]) {
    const isOpen = error instanceof Conflict || error instanceof Closed || error instanceof Unknown;
    if (!isOpen || !first) return false;
    try {
      const { isClosed } = await this.history.catchUp();
      const stands = this.history.stands(first.seq, first.hash) === true;
      if (error instanceof Closed && !stands && !isClosed) throw new Tampered("the server shows no end of the chain");
      return stands;
    } catch (later) {
      if (later instanceof NotFound || later instanceof Unavailable) throw error;
      throw later;
    }
  }
}

/** @param {number} attempt the first, 0, is at once */
async function pausedBefore(attempt) {
  if (attempt > 0) await paused(Math.min(PAUSE_MS * 2 ** attempt, PAUSE_MS_MAX) * Math.random());
}

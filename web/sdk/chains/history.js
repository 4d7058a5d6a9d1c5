/**
 * One chain as this page knows it: the reader's entries in order, and those who follow them. One thing happens at a time.
 *
 * @import { Bytes } from "../format/bytes.js"
 * @import { ChainState } from "../format/chain.js"
 * @import { ChainReader, Item } from "./reader.js"
 */

import { equal } from "../format/bytes.js";
import { inTurn } from "../state/locks.js";

const GIVEN_UP_MAX = 255; // entries below the floor that are held on to, where a reader begins at the floor: less than a page

/** A chain's accepted entries, opened. */
export class History {
  /** @type {Item[]} */
  items = [];
  /** @type {Map<string, Promise<unknown>>} */
  #turns = new Map();
  /** @type {Promise<void> | null} */
  #restoring = null;

  /** @param {ChainReader} reader @param {() => void} [onChange] when entries were added */
  constructor(reader, onChange = () => {}) {
    this.reader = reader;
    this.onChange = onChange;
  }

  /** The state after the newest accepted entry; null before there is one. @returns {ChainState | null} */
  get state() {
    return this.reader.state;
  }

  get server() {
    return this.reader.server;
  }

  get keyring() {
    return this.reader.keyring;
  }

  /** Takes what earlier visits have verified. @returns {Promise<void>} */
  restore() {
    this.#restoring ??= inTurn(this.#turns, "", async () => void this.#add(await this.reader.restore()));
    return this.#restoring;
  }

  /**
   * Accepts all that is new on the server.
   *
   * @returns {Promise<ChainState>}
   * @throws {CairnError} as `ChainReader.catchUp`
   */
  async catchUp() {
    await this.restore();
    return inTurn(this.#turns, "", async () => {
      this.#add(await this.reader.catchUp({ isFresh: true }));
      return /** @type {ChainState} */ (this.state);
    });
  }

  /** Accepts entries that arrived, or that were sent and acknowledged. @param {Bytes[]} raws @returns {Promise<Item[]>} */
  extend(raws) {
    return inTurn(this.#turns, "", async () => this.#add(await this.reader.extend(raws)));
  }

  /**
   * Whether an entry with this hash stands at this place.
   *
   * @param {number} seq
   * @param {Bytes} hash
   * @returns {boolean | null} null: it was dropped before it was seen here, so nobody can tell
   */
  stands(seq, hash) {
    const item = this.items.findLast((item) => item.seq === seq);
    if (item) return equal(item.hash, hash);
    const next = this.items.findLast((item) => item.seq === seq + 1);
    if (next?.prev) return equal(next.prev, hash);
    return this.state && seq <= this.state.seq ? null : false;
  }

  /** @param {Item[]} items */
  #add(items) {
    for (const item of items) this.items.push(item);
    if (this.reader.fromFloor) this.items.splice(0, this.items.findLastIndex(({ missingBefore }) => missingBefore > 0));
    if (items.length > 0) this.onChange();
    return items;
  }

  /** Lets go of what the writer gave up, when all have seen it who want to. */
  forget() {
    const count = this.reader.fromFloor ? this.items.findIndex(({ seq }) => seq >= (this.state?.floor ?? 0)) : 0;
    if (count > GIVEN_UP_MAX) this.items.splice(0, count);
  }
}

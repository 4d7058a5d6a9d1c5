/**
 * Entries being accepted: judged one by one, and by what was seen before. They become a reader's only when all is well.
 *
 * @import { Bytes } from "../format/bytes.js"
 * @import { ChainState } from "../format/chain.js"
 * @import { Pinned } from "../state/pins.js"
 *
 * @typedef {{ entry: Entry, missingBefore: number }} Accepted
 */

import { equal } from "../format/bytes.js";
import { begin, decodeEntries, follow, isStart, jump, verifySignatures } from "../format/chain.js";
import { Entry, KIND } from "../format/entry.js";
import { CairnError, Fork, Rollback, Tampered } from "../errors.js";

/** What one reader takes from a server in one go. */
export class Taking {
  /** @type {Accepted[]} */
  accepted = [];
  hasGap = false;
  isRecalled = false;
  /** @type {Entry | null} the newest that was passed over */
  #passed = null;
  /** The greatest seq in a gap of which nothing was given that what follows links to. */
  #missing = -1;
  /** @type {number | null} the same of a gap that ended at the pinned entry, not at a start */
  #leftOut = null;

  /**
   * @param {ChainState | null} state
   * @param {Bytes} chainId
   * @param {Pinned | null} pin
   * @param {Map<number, Bytes>} recent hashes by seq, of entries that were accepted lately
   */
  constructor(state, chainId, pin, recent) {
    this.state = state;
    this.chainId = chainId;
    this.pin = pin;
    this.recent = recent;
    this.lastSeen = state ? state.seq : -1;
  }

  get seq() {
    return this.state ? this.state.seq : -1;
  }

  /** @param {Bytes[]} raws @throws {CairnError} */
  async take(raws) {
    const entries = await decodeEntries(raws);
    const before = this.accepted.length;
    try {
      for (const entry of entries) await this.#takeOne(entry);
    } finally {
      await this.#verifySince(before); // first: an altered entry makes the next one look like a fork
    }
  }

  /**
   * Takes entries that were verified on an earlier visit, as far as the pinned one, to which they must lead.
   *
   * @param {Bytes[]} raws in order
   * @returns {Promise<boolean>} whether they do; if not, nothing of this may be used
   */
  async recall(raws) {
    const { pin } = this;
    if (!pin || raws.length === 0) return false;
    this.isRecalled = true;
    try {
      const entries = (await decodeEntries(raws)).filter(({ seq }) => seq <= pin.seq);
      for (const entry of entries) await this.#recallOne(entry);
    } catch {
      return false; // damaged
    }
    return this.state !== null && this.seq === pin.seq && equal(this.state.hash, pin.hash);
  }

  /** @param {Entry} entry */
  async #recallOne(entry) {
    const { state } = this;
    if (!state) this.state = await begin(this.chainId, entry);
    else this.state = entry.seq === state.seq + 1 ? follow(state, entry) : jump(state, entry);
    this.lastSeen = entry.seq;
    this.#accept(entry, state ? entry.seq - state.seq - 1 : 0);
  }

  /** @param {number} count */
  async #verifySince(count) {
    const added = this.accepted.slice(count).map(({ entry }) => entry);
    if (this.state) await verifySignatures(this.state.publicKey, added);
  }

  /** @param {Entry} entry */
  async #takeOne(entry) {
    const { state } = this;
    if (state && entry.seq <= this.lastSeen) return this.#checkRepeated(entry);
    this.lastSeen = entry.seq;
    if (!state) this.state = await begin(this.chainId, entry);
    else if (entry.seq === state.seq + 1) this.state = await followed(state, entry);
    else if (this.#isPinned(entry)) this.state = this.#resume(state, entry);
    else if (isStart(entry)) this.state = this.#jump(state, entry);
    else return this.#passOver(entry);
    await this.#checkPin(entry, this.state);
    this.#accept(entry, state ? entry.seq - state.seq - 1 : 0);
  }

  /** @param {Entry} entry */
  #passOver(entry) {
    this.hasGap = true;
    this.#note(entry);
  }

  /** @param {Entry} entry in a gap, or the one that ends it */
  #note(entry) {
    const isLinked = this.#passed?.seq === entry.seq - 1 && equal(this.#passed.hash, entry.prev);
    if (!isLinked) this.#missing = entry.seq - 1;
    this.#passed = entry;
  }

  /** @param {ChainState} state @param {Entry} entry */
  #jump(state, entry) {
    const { pin } = this;
    const passesPin = pin && state.seq < pin.seq && pin.seq < entry.seq;
    if (passesPin && entry.kind !== KIND.CLOSE && entry.floor <= pin.seq) {
      throw new Tampered("the server leaves out an entry that was seen before");
    }
    return jump(state, entry);
  }

  /**
   * The state at the pinned entry, which was accepted on an earlier visit.
   *
   * @param {ChainState} state
   * @param {Entry} entry
   * @returns {ChainState}
   */
  #resume(state, entry) {
    const { seq, hash, floor, keyEpoch, kind } = entry;
    this.#note(entry);
    this.#leftOut = this.#missing;
    return { ...state, seq, hash, floor, keyEpoch, isClosed: kind === KIND.CLOSE };
  }

  /** @param {Entry} entry @param {number} missingBefore */
  #accept(entry, missingBefore) {
    this.hasGap = false;
    this.accepted.push({ entry, missingBefore });
  }

  /** @param {Entry} entry */
  #isPinned(entry) {
    return this.pin !== null && entry.seq === this.pin.seq && equal(entry.hash, this.pin.hash);
  }

  /** @param {Entry} entry @param {ChainState} state */
  async #checkPin(entry, { publicKey }) {
    if (!this.pin) return;
    const isOther = entry.seq === this.pin.seq && !equal(entry.hash, this.pin.hash);
    const isEarlyEnd = entry.kind === KIND.CLOSE && entry.seq < this.pin.seq;
    if (!isOther && !isEarlyEnd) return;
    await verifySignatures(publicKey, [entry]);
    throw new Fork("the server shows another history than was seen before");
  }

  /** @param {Entry} entry */
  async #checkRepeated(entry) {
    const known = this.recent.get(entry.seq) ?? this.accepted.find((one) => one.entry.seq === entry.seq)?.entry.hash;
    if (!known || !this.state) throw new Tampered("entries are repeated or out of order");
    if (equal(known, entry.hash)) return;
    await verifySignatures(this.state.publicKey, [entry]);
    throw new Fork("the server shows two different entries at one place");
  }

  /**
   * @param {number} headSeq what the server says its head is
   * @throws {Tampered} it keeps back what it says it has
   * @throws {Rollback} it has less than was seen before
   */
  checkReaches(headSeq) {
    if (this.hasGap) throw new Tampered("entries are missing, and no checkpoint stands for them");
    if (this.seq < headSeq) throw new Tampered("the server does not give all entries that it says it has");
    if (this.pin && Math.min(this.seq, headSeq) < this.pin.seq) {
      throw new Rollback("the server shows an older state of the chain than was seen before");
    }
  }

  /**
   * @param {number} keyEpoch that the chain must have reached, as the capability proves
   * @returns {ChainState}
   * @throws {Rollback | Tampered}
   */
  checkedState(keyEpoch) {
    if (!this.state) throw new Tampered("the server gives no genesis");
    const { floor, isClosed } = this.state;
    if (this.#leftOut !== null && floor <= this.#leftOut && !isClosed) {
      throw new Tampered("entries are missing that the writer did not give up");
    }
    if (this.state.keyEpoch < keyEpoch) {
      throw new Rollback("the server shows an older state of the chain than the capability is for");
    }
    return this.state;
  }
}

/** @param {ChainState} state @param {Entry} entry @throws {Fork} it is the writer's, but continues another history */
async function followed(state, entry) {
  const continuesAnother = equal(entry.chainId, state.chainId) && !equal(entry.prev, state.hash);
  if (continuesAnother && (await entry.isSignedBy(state.publicKey))) {
    throw new Fork("the writer's keys signed two different histories");
  }
  return follow(state, entry);
}

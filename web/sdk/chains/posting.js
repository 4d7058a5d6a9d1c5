/**
 * Posting: takes the letters of one chain from the outbox to the server, in order, whichever tab wrote them.
 *
 * One tab at a time has a chain's turn. Letters that were sent before are settled first: they stand, or may still stand by
 * the same bytes, or never will and are made anew on the present head.
 *
 * @import { Bytes } from "../format/bytes.js"
 * @import { Entry } from "../format/entry.js"
 * @import { Place } from "../state/database.js"
 * @import { Letter, Outbox } from "../state/outbox.js"
 * @import { Wanted, Writer } from "./writer.js"
 *
 * @typedef {{ key: Place, seq: number }} Delivered
 */

import { Entry as DecodedEntry, KIND } from "../format/entry.js";
import { alone } from "../state/locks.js";

const BATCH_LETTERS = 256;
const BATCH_BYTES = 4 * 1024 * 1024;

/** The posting of one chain. */
export class Posting {
  /**
   * @param {Outbox} outbox
   * @param {string} chain id in hex
   * @param {Writer} writer
   * @param {(delivered: Delivered[]) => void} onDelivered they stand
   * @param {(delivered: Delivered[]) => void} onRemoved they have left the outbox, too
   */
  constructor(outbox, chain, writer, onDelivered, onRemoved) {
    this.outbox = outbox;
    this.chain = chain;
    this.writer = writer;
    this.onDelivered = onDelivered;
    this.onRemoved = onRemoved;
  }

  /**
   * Sends all letters. When it returns, every one of them stands.
   *
   * @param {(error: unknown) => Promise<void>} [onFailure] waited for before others get the turn
   * @throws {CairnError}
   */
  async run(onFailure = async () => {}) {
    await alone(`chain.${this.chain}`, async () => {
      try {
        while (await this.#sendSome());
      } catch (error) {
        await onFailure(error);
        throw error;
      }
    });
  }

  /**
   * Writes entries at once, behind all letters.
   *
   * @param {Wanted[]} wanted
   * @returns {Promise<Entry[]>}
   */
  async writeNow(wanted) {
    return alone(`chain.${this.chain}`, async () => {
      while (await this.#sendSome());
      return this.writer.append(wanted);
    });
  }

  /** @returns {Promise<boolean>} whether there was something to send */
  async #sendSome() {
    const letters = batchOf(await this.outbox.letters(this.chain));
    if (letters.length === 0) return false;
    const sent = letters.filter(({ raw }) => raw !== null);
    const earlier = await Promise.all(sent.map(({ raw }) => DecodedEntry.decode(/** @type {Bytes} */ (raw))));
    if (earlier.length > 0 && (await this.writer.settle(earlier))) await this.#delivered(sent, earlier);
    else await this.#delivered(letters, await this.#send(letters));
    return true;
  }

  /** @param {Letter[]} letters */
  #send(letters) {
    const wanted = letters.map(({ payload }) => ({ kind: KIND.LINK, payload: () => payload }));
    return this.writer.append(wanted, (entries) => this.outbox.stamp(letters, entries.map(({ raw }) => raw))); // prettier-ignore
  }

  /** @param {Letter[]} letters @param {Entry[]} entries */
  async #delivered(letters, entries) {
    const delivered = letters.map(({ key }, index) => ({ key, seq: /** @type {Entry} */ (entries[index]).seq }));
    this.onDelivered(delivered);
    await this.outbox.remove(letters.map(({ key }) => key));
    this.onRemoved(delivered);
  }
}

/** @param {Letter[]} letters @returns {Letter[]} as many as fit one request; what was sent together stays together */
function batchOf(letters) {
  let bytes = 0;
  return letters.slice(0, BATCH_LETTERS).filter(({ payload }) => (bytes += payload.length + 512) <= BATCH_BYTES);
}

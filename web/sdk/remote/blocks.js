/**
 * Blocks to and from a server, many in one request. See docs/protocol.md, "Many at once".
 *
 * @import { Bytes } from "../format/bytes.js"
 * @import { Server } from "./server.js"
 *
 * @typedef {{ blockId: Bytes, stored: Bytes, pinHash: Bytes }} Put
 */

import { Tampered, Unavailable, Unknown } from "../errors.js";
import { concat, equal, toHex, u32 } from "../format/bytes.js";
import { Batcher } from "./batch.js";

const PUTS = { itemsMax: 256, bytesMax: 4 * 1024 * 1024, requestsMax: 2 };
const HAS_ITEMS = 1_024;
const ANSWER_BYTES_PER_PUT = 33;
const [STORED, ALREADY, REFUSED] = [0, 1, 2];
const [ABSENT, UNAVAILABLE] = [0, 2];
const ROUNDS = 4;

/** The blocks of one server. */
export class Blocks {
  /** @type {Batcher<Put, undefined>} */
  #puts = new Batcher((puts) => this.#putAll(puts), PUTS);

  /** @param {Server} server */
  constructor(server) {
    this.server = server;
  }

  /** Keeps a block. When it returns it is there, durably. @param {Put} put */
  put(put) {
    return this.#puts.call(put, put.stored.length + 36);
  }

  /** @param {Bytes[]} blockIds @returns {Promise<boolean[]>} which of them are there */
  async has(blockIds) {
    const found = [];
    for (let start = 0; start < blockIds.length; start += HAS_ITEMS) {
      const asked = blockIds.slice(start, start + HAS_ITEMS);
      const { body } = await this.server.http.ask("POST", "/v1/blocks/has", { body: concat(...asked) });
      if (body.length !== asked.length) throw new Tampered("the answer has another length than the question");
      if (body.includes(UNAVAILABLE)) throw new Unavailable("the server can't tell now what it has");
      found.push(...Array.from(body, (state) => state !== ABSENT));
    }
    return found;
  }

  /** Lets go of a block: it goes with its last pin. @param {Bytes} blockId @param {Bytes} pin */
  async remove(blockId, pin) {
    const headers = { "Cairn-Pin-Secret": toHex(pin) };
    await this.server.http.ask("DELETE", `/v1/blocks/${toHex(blockId)}`, { headers });
  }

  /** What is of unknown outcome is sent again, what is refused alone, to learn why. @param {Put[]} puts */
  async #putAll(puts) {
    let left = puts;
    for (let round = 0; left.length > 0; round++) {
      if (round === ROUNDS) throw new Unknown("the server can't tell whether it has stored this");
      const states = await this.#putOnce(left);
      for (const put of left.filter((_, index) => states[index] === REFUSED)) await this.#putAlone(put);
      left = left.filter((_, index) => ![STORED, ALREADY, REFUSED].includes(/** @type {number} */ (states[index])));
    }
    return puts.map(() => undefined);
  }

  /** @param {Put[]} puts @returns {Promise<number[]>} */
  async #putOnce(puts) {
    const frames = puts.flatMap(({ stored, pinHash }) => [pinHash, u32(stored.length), stored]);
    const { body } = await this.server.http.ask("POST", "/v1/blocks/put", { body: concat(...frames) });
    if (body.length !== puts.length * ANSWER_BYTES_PER_PUT) throw new Tampered("the answer has another length than the question");
    return puts.map(({ blockId }, index) => {
      const outcome = body.subarray(index * ANSWER_BYTES_PER_PUT, (index + 1) * ANSWER_BYTES_PER_PUT);
      if (!equal(outcome.subarray(0, -1), blockId)) throw new Tampered("the server answers for other blocks than were sent");
      return /** @type {number} */ (outcome.at(-1));
    });
  }

  /** @param {Put} put */
  async #putAlone({ blockId, stored, pinHash }) {
    const headers = { "Cairn-Pin": toHex(pinHash) };
    await this.server.http.ask("PUT", `/v1/blocks/${toHex(blockId)}`, { body: stored, headers });
  }
}

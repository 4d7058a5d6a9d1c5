/**
 * The writing half of a log. It is loaded when a log is opened that can write; who reads has no need of it.
 *
 * @import { Browser } from "../browser.js"
 * @import { Bytes } from "../format/bytes.js"
 * @import { WriteCapability } from "../format/capability.js"
 * @import { Reference } from "../format/reference.js"
 * @import { History } from "./history.js"
 * @import { Added, QueueEvents } from "./queue.js"
 * @import { Wanted } from "./writer.js"
 */

import { Conflict } from "../errors.js";
import { toHex, utf8 } from "../format/bytes.js";
import { formatRead } from "../format/capability.js";
import { formatWrite } from "../format/write_capability.js";
import { encodePayload } from "../format/encoding.js";
import { KIND } from "../format/entry.js";
import { ChainKeys } from "../format/keys.js";
import { sealEphemeral } from "../format/saying.js";
import { Outbox } from "../state/outbox.js";
import { Queue } from "./queue.js";
import { Writer } from "./writer.js";

const SNAPSHOT_TRIES = 8;
const NOTHING = new Uint8Array();

/** Writes one log. */
export class Writing {
  /** @param {WriteCapability} capability @param {ChainKeys} keys @param {History} history @param {Queue} queue see `of` */
  constructor(capability, keys, history, queue) {
    this.capability = capability;
    this.keys = keys;
    this.history = history;
    this.queue = queue;
  }

  /**
   * @param {Browser} browser
   * @param {WriteCapability} capability
   * @param {History} history
   * @param {QueueEvents} events
   * @returns {Promise<Writing>}
   */
  static async of(browser, capability, history, events) {
    const keys = await ChainKeys.of(capability);
    const { database, device } = await browser.storage();
    const writer = new Writer(keys, browser.server, history);
    const queue = new Queue(browser, new Outbox(database, device), toHex(keys.chainId), writer, events);
    return new Writing(capability, keys, history, queue);
  }

  /** @param {unknown} value @param {Reference[]} references @returns {Promise<Added>} */
  async add(value, references) {
    return this.queue.add(encodePayload(value, references));
  }

  /** A record at a place of its own, or none. @param {unknown} value @param {number} at @returns {Promise<Added>} */
  async addAt(value, at) {
    const payload = encodePayload(value);
    return this.queue.writeNow({ kind: KIND.LINK, payload: () => payload, at });
  }

  /**
   * Writes a snapshot, from which others begin, and what belongs to it right behind it; all or none.
   *
   * @param {() => unknown[]} make values, of all accepted entries; none: nothing is written
   * @returns {Promise<Added>} of the snapshot
   * @throws {Conflict} others wrote again and again meanwhile
   */
  async snapshot(make) {
    for (let attempt = 1; ; attempt++) {
      const { seq } = await this.history.catchUp();
      const payloads = make().map((value) => encodePayload(value));
      try {
        return await this.queue.writeNow(...payloads.map((payload, index) => wantedAt(seq + 1, payload, index)));
      } catch (error) {
        if (!(error instanceof Conflict) || attempt === SNAPSHOT_TRIES) throw error;
      }
    }
  }

  /** Begins a new key epoch. @returns {Promise<Added>} */
  rotate() {
    const { keys } = this;
    return this.queue.writeNow({
      kind: KIND.ROTATE,
      payload: async ({ keyEpoch }) => encodePayload(NOTHING, [], await keys.readKey(keyEpoch)),
    });
  }

  /** @param {unknown} [lastWords] @returns {Promise<Added>} */
  async end(lastWords = NOTHING) {
    const payload = encodePayload(lastWords);
    return this.queue.writeNow({ kind: KIND.CLOSE, payload: () => payload, trims: true });
  }

  /** @param {unknown} value of an ephemeral message */
  async say(value) {
    const { state, server } = this.history;
    if (!state) return; // the chain is still to be written, so nobody follows it
    const raw = await sealEphemeral(this.keys, state.keyEpoch, utf8(JSON.stringify(value)), Date.now());
    (await server.liveSocket()).pass(raw);
  }

  /** @param {"read" | "write"} can @returns {Promise<string>} a capability */
  async capabilityText(can) {
    if (can === "write") return formatWrite(this.capability);
    return formatRead(await this.keys.toRead(this.history.state?.keyEpoch ?? 0));
  }
}

/** @param {number} at @param {Bytes} payload @param {number} index of it behind a snapshot, which is the first @returns {Wanted} */
function wantedAt(at, payload, index) {
  if (index > 0) return { kind: KIND.LINK, payload: () => payload };
  return { kind: KIND.CHECKPOINT, payload: () => payload, trims: true, at };
}

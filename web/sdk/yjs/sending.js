/**
 * What is typed here on its way out: changes of a moment are merged into one entry. None is dropped: what is refused is
 * kept, and tried again with what came after it.
 *
 * @import { YjsModule, Problem } from "../yjs.js"
 * @import { Source } from "./source.js"
 *
 * @typedef {object} SendingEvents
 * @property {() => void} onStands something stands on the server
 * @property {(error: Problem) => void} onProblem it is refused, and will be tried again
 */

import { Signal } from "../signal.js";
import { Echoes } from "./echoes.js";
import { encodeUpdate } from "./pieces.js";

const RETRY_MS_MIN = 2_000;
const RETRY_MS_MAX = 60_000;

/** The changes of one document that are to be added. */
export class Sending {
  /** @type {Uint8Array[]} */
  #updates = [];
  #underWay = 0;
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  #timer;
  /** @type {Promise<void>} */
  #done = Promise.resolve();
  #retryMs = RETRY_MS_MIN;
  #isClosed = false;

  /** Whether something is neither on the server yet nor in the outbox. */
  unsent = new Signal(false);
  /** What was added here, until it comes back. */
  echoes = new Echoes();

  /** @param {YjsModule} Y @param {Source} source @param {number} mergeMs @param {SendingEvents} events */
  constructor(Y, source, mergeMs, events) {
    this.Y = Y;
    this.source = source;
    this.mergeMs = mergeMs;
    this.events = events;
  }

  /** @param {Uint8Array} update */
  add(update) {
    this.#updates.push(update);
    this.unsent.value = true;
    this.#flushIn(this.mergeMs);
  }

  /** Adds what there is. @returns {Promise<void>} all of it stands, or is in the outbox, or was refused */
  flush() {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    const updates = this.#updates.splice(0);
    if (updates.length > 0) {
      const update = updates.length > 1 ? this.Y.mergeUpdates(updates) : /** @type {Uint8Array} */ (updates[0]);
      this.#done = Promise.all([this.#done, this.#send(update)]).then(() => {});
    }
    return this.#done;
  }

  /** The last of it. What is refused now is told, and lost with the page. */
  async close() {
    this.#isClosed = true;
    await this.flush();
    clearTimeout(this.#timer);
  }

  /** @param {number} ms */
  #flushIn(ms) {
    this.#timer ??= setTimeout(() => void this.flush(), ms);
  }

  /** All pieces are added in one go, so nothing of this page's own comes between them. @param {Uint8Array} update */
  async #send(update) {
    const values = encodeUpdate(update);
    this.echoes.expect(values);
    this.#underWay++;
    try {
      const added = await Promise.all(values.map((value) => this.source.add(value)));
      this.#retryMs = RETRY_MS_MIN;
      if (added.every(({ seq }) => seq !== null) && !this.#isClosed) this.events.onStands();
    } catch (error) {
      this.#refused(update, error);
    }
    this.#underWay--;
    this.unsent.value = this.#underWay + this.#updates.length > 0;
  }

  /** @param {Uint8Array} update @param {any} error */
  #refused(update, error) {
    this.#updates.unshift(update);
    this.events.onProblem(error);
    if (!this.#isClosed) this.#flushIn(this.#retryMs);
    this.#retryMs = Math.min(2 * this.#retryMs, RETRY_MS_MAX);
  }
}

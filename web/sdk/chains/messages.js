/**
 * Messages of the moment, as those of one log hear them: what nobody keeps, such as where a cursor is. They are said by the
 * writing half of a log (writing.js), and opened by what follows it (live.js).
 *
 * @import { Bytes } from "../format/bytes.js"
 */

import { textOf } from "../format/bytes.js";

/** Who listens to a log. */
export class Messages {
  /** @type {Set<(value: any) => void>} */
  #hearers = new Set();

  /** @param {(value: any) => void} listener @returns {() => void} ends it */
  hear(listener) {
    this.#hearers.add(listener);
    return () => void this.#hearers.delete(listener);
  }

  /** @param {Bytes} data of a message, opened; what is no JSON is of another application, and passed over */
  came(data) {
    let value;
    try {
      value = JSON.parse(textOf(data));
    } catch {
      return;
    }
    for (const hearer of [...this.#hearers]) hearer(value);
  }
}

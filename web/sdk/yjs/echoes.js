/** What this page added, and will see again in the list of entries. Pure. */

const EXPECTED_MAX = 4_096;

/** Values that are expected back, the oldest first. */
export class Echoes {
  /** @type {Uint8Array[]} */
  #expected = [];

  /** @param {Uint8Array[]} values */
  expect(values) {
    this.#expected.push(...values);
    this.#expected.splice(0, this.#expected.length - EXPECTED_MAX);
  }

  /**
   * Whether this value is one's own. It comes twice: while it waits in the outbox, and when it stands.
   *
   * @param {Uint8Array} value
   * @param {boolean} isPending
   */
  has(value, isPending) {
    const index = this.#expected.findIndex((other) => isSame(other, value));
    if (index >= 0 && !isPending) this.#expected.splice(index, 1);
    return index >= 0;
  }
}

/** @param {Uint8Array} a @param {Uint8Array} b */
function isSame(a, b) {
  return a.length === b.length && a.every((byte, index) => byte === b[index]);
}

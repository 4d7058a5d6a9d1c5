/**
 * How updates lie in entries: whole, or in pieces where one is larger than an entry. Pure.
 *
 *     01 ‖ update
 *     02 ‖ id[8] ‖ u16 index ‖ u16 count ‖ piece      of one writer, in order
 *
 * @typedef {Uint8Array<ArrayBuffer>} Bytes
 */

const WHOLE = 1;
const PIECE = 2;
const ID_BYTES = 8;
const PIECE_HEAD_BYTES = 1 + ID_BYTES + 4;
const VALUE_BYTES_MAX = 60_000;
const PIECES_MAX = 200;
const PIECE_BYTES = VALUE_BYTES_MAX - PIECE_HEAD_BYTES;

/** The largest update that can be written all or none. */
export const UPDATE_BYTES_MAX = PIECES_MAX * PIECE_BYTES;

/** @param {Uint8Array} update @returns {Bytes[]} what entries hold, in order */
export function encodeUpdate(update) {
  if (update.length < VALUE_BYTES_MAX) return [withHead(Uint8Array.of(WHOLE), update)];
  const id = crypto.getRandomValues(new Uint8Array(ID_BYTES));
  const count = Math.ceil(update.length / PIECE_BYTES);
  return Array.from({ length: count }, (_, index) => {
    const head = Uint8Array.of(PIECE, ...id, index >> 8, index & 255, count >> 8, count & 255);
    return withHead(head, update.subarray(index * PIECE_BYTES, (index + 1) * PIECE_BYTES));
  });
}

/** In how many entries the update lies of which this is the first. @param {unknown} value */
export function pieceCount(value) {
  return value instanceof Uint8Array && value[0] === PIECE ? numberAt(value, 1 + ID_BYTES + 2) : 1;
}

/** Puts the pieces of one writer together. */
export class Assembly {
  /** @type {Map<string, Uint8Array[]>} by the update's id */
  #parts = new Map();

  /**
   * @param {Uint8Array} value of an entry
   * @returns {Uint8Array | null} an update that is whole now
   * @throws {RangeError} it is no such value
   */
  take(value) {
    if (value[0] === WHOLE) return value.subarray(1);
    if (value[0] !== PIECE || value.length < PIECE_HEAD_BYTES) throw new RangeError("it holds no update");
    const [index, count] = [numberAt(value, 1 + ID_BYTES), numberAt(value, 1 + ID_BYTES + 2)];
    if (index >= count) throw new RangeError("it holds a piece of no update");
    const id = value.subarray(1, 1 + ID_BYTES).join();
    const parts = this.#parts.get(id) ?? [];
    this.#parts.set(id, parts);
    parts[index] = value.subarray(PIECE_HEAD_BYTES);
    if (parts.length < count || parts.includes(/** @type {any} */ (undefined))) return null;
    this.#parts.delete(id);
    return joined(parts);
  }
}

/** @param {Uint8Array} value @param {number} at */
function numberAt(value, at) {
  return ((value[at] ?? 0) << 8) | (value[at + 1] ?? 0);
}

/** @param {Uint8Array} head @param {Uint8Array} rest @returns {Bytes} */
function withHead(head, rest) {
  return joined([head, rest]);
}

/** @param {Uint8Array[]} parts @returns {Bytes} */
function joined(parts) {
  const whole = new Uint8Array(parts.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}

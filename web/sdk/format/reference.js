/**
 * References: where a block is, and the key that opens it. See docs/format.md, 4.
 *
 * @import { Bytes } from "./bytes.js"
 */

import { concat, u32, viewOf } from "./bytes.js";
import { Invalid } from "../errors.js";

export const REFERENCE_BYTES = 68;

const BLOCK_BYTES_MAX = 1_179_648;
const BLOCK_BYTES_MIN = 212; // magic, seal, and the least padding

/** One block's id, key and stored length. Whoever holds it can read the block. */
export class Reference {
  /** @param {Bytes} blockId @param {Bytes} key @param {number} storedBytes */
  constructor(blockId, key, storedBytes) {
    this.blockId = blockId;
    this.key = key;
    this.storedBytes = storedBytes;
  }

  /** @param {Bytes} bytes @throws {Invalid} */
  static decode(bytes) {
    if (bytes.length !== REFERENCE_BYTES) throw new Invalid("a reference has 68 bytes");
    const storedBytes = viewOf(bytes).getUint32(64);
    if (storedBytes < BLOCK_BYTES_MIN || storedBytes > BLOCK_BYTES_MAX) {
      throw new Invalid("a reference names a length that no block has");
    }
    return new Reference(bytes.slice(0, 32), bytes.slice(32, 64), storedBytes);
  }

  /** @param {Bytes} bytes that hold references, and nothing else @returns {Reference[]} @throws {Invalid} */
  static decodeAll(bytes) {
    if (bytes.length % REFERENCE_BYTES) throw new Invalid("a reference has 68 bytes");
    const count = bytes.length / REFERENCE_BYTES;
    return Array.from({ length: count }, (_, i) =>
      Reference.decode(bytes.subarray(i * REFERENCE_BYTES, (i + 1) * REFERENCE_BYTES)),
    );
  }

  /** @returns {Bytes} */
  encode() {
    return concat(this.blockId, this.key, u32(this.storedBytes));
  }
}

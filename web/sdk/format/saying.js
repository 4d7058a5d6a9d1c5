/**
 * The making of ephemeral messages. See docs/format.md, 7; ephemeral.js opens them.
 *
 * @import { Bytes } from "./bytes.js"
 * @import { ChainKeys } from "./keys.js"
 */

import { TooLarge } from "../errors.js";
import { concat, u32, u64 } from "./bytes.js";
import { BOX_BYTES_MAX, MAGIC } from "./ephemeral.js";
import { SEAL_OVERHEAD_BYTES, pad, seal } from "./seal.js";

/**
 * A message, made now.
 *
 * @param {ChainKeys} keys
 * @param {number} keyEpoch of the chain's head
 * @param {Bytes} data
 * @param {number} timeMs Unix milliseconds
 * @param {Bytes} [salt] given for known answers alone
 * @returns {Promise<Bytes>}
 * @throws {TooLarge}
 */
export async function sealEphemeral(keys, keyEpoch, data, timeMs, salt) {
  const padded = pad(data);
  const boxBytes = padded.length + SEAL_OVERHEAD_BYTES;
  if (boxBytes > BOX_BYTES_MAX) throw new TooLarge("an ephemeral message holds at most 16,380 bytes");
  const head = concat(MAGIC, keys.chainId, u32(keyEpoch), u64(timeMs), u32(boxBytes).subarray(2));
  const unsigned = concat(head, await seal(await keys.readKey(keyEpoch), head, padded, salt));
  return concat(unsigned, await keys.sign("ephemeral", unsigned));
}

/**
 * The making of ephemeral messages. See docs/format.md, 7; ephemeral.js opens them.
 *
 * @import { Bytes } from "./bytes.js"
 * @import { ChainKeys } from "./keys.js"
 */
import type { Bytes } from "./bytes.js";
import type { ChainKeys } from "./keys.js";
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
export declare function sealEphemeral(keys: ChainKeys, keyEpoch: number, data: Bytes, timeMs: number, salt?: Bytes): Promise<Bytes>;

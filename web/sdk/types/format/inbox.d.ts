/**
 * Inbox messages: sealed to whoever holds a chain's write secret, by anyone who knows its public inbox key. Nothing in one
 * proves who sent it. See docs/format.md, 7.
 *
 * @import { Bytes } from "./bytes.js"
 */
import type { Bytes } from "./bytes.js";
/** @param {Bytes} seed that a chain's write secret derives @returns {Promise<Bytes>} the public inbox key */
export declare function inboxKeyOf(seed: Bytes): Promise<Bytes>;
/**
 * @param {Bytes} inboxKey whose it is
 * @param {Bytes} data
 * @param {{ seed?: Bytes, salt?: Bytes }} [options] given for known answers alone
 * @returns {Promise<Bytes>}
 * @throws {Invalid | CannotOpen} the key is none, or of small order
 */
export declare function sealMessage(inboxKey: Bytes, data: Bytes, { seed, salt }?: {
    seed?: Bytes;
    salt?: Bytes;
}): Promise<Bytes>;
/** @param {Bytes} seed of the inbox @param {Bytes} message @returns {Promise<Bytes>} its data @throws {CannotOpen | Invalid} */
export declare function openMessage(seed: Bytes, message: Bytes): Promise<Bytes>;

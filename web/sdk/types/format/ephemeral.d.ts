/**
 * Ephemeral messages: signed by a chain's writer, passed on to who listens, never stored. See docs/format.md, 7.
 *
 * @import { Bytes } from "./bytes.js"
 * @import { ChainState } from "./chain.js"
 * @import { Keyring } from "../chains/keyring.js"
 */
import type { Bytes } from "./bytes.js";
import type { ChainState } from "./chain.js";
import type { Keyring } from "../chains/keyring.js";
export declare const MAGIC: Bytes;
export declare const BOX_BYTES_MAX = 16464;
/** Opens the messages of one chain, each once. */
export declare class EphemeralReader {
    #private;
    keyring: Keyring;
    now: () => number;
    /** @param {Keyring} keyring @param {() => number} [now] in Unix milliseconds */
    constructor(keyring: Keyring, now?: () => number);
    /**
     * The data of a message, verified.
     *
     * @param {ChainState} state
     * @param {Bytes} raw
     * @returns {Promise<Bytes>}
     * @throws {Invalid | CannotOpen | KeyMissing} not the writer's, not of now, heard before, or not for this capability
     */
    open(state: ChainState, raw: Bytes): Promise<Bytes>;
}

/**
 * The read keys of one chain, by key epoch: from a capability, and walked back through rotations.
 * See docs/format.md, 5 and 7.
 *
 * @import { Bytes } from "../format/bytes.js"
 * @import { ReadCapability, VerifyCapability, WriteCapability } from "../format/capability.js"
 * @import { Entry } from "../format/entry.js"
 */
import type { Bytes } from "../format/bytes.js";
import type { ReadCapability, VerifyCapability, WriteCapability } from "../format/capability.js";
import type { Entry } from "../format/entry.js";
/** Read keys. A write capability derives each when it is asked for; its secret stays inside WebCrypto. */
export declare class Keyring {
    #private;
    chainId: Bytes;
    canRead: boolean;
    /** The epoch that the capability names; every chain that it is for has come so far. */
    keyEpoch: number;
    /** @param {Bytes} chainId @param {boolean} canRead not for use outside of this class */
    constructor(chainId: Bytes, canRead: boolean);
    /**
     * @param {WriteCapability | ReadCapability | VerifyCapability} capability
     * @returns {Promise<Keyring>}
     */
    static of(capability: WriteCapability | ReadCapability | VerifyCapability): Promise<Keyring>;
    /** @param {number} keyEpoch @returns {Promise<Bytes | undefined>} undefined: this capability does not reach it */
    keyOf(keyEpoch: number): Promise<Bytes | undefined>;
    /**
     * Takes the key of the epoch before out of each rotation that opens, the newest first. One that does not open, or
     * holds no key, is the writer's fault, and ends the walk.
     *
     * @param {Entry[]} rotations verified, in order
     * @param {Bytes} commitment what the genesis says of the first key
     */
    walkBack(rotations: Entry[], commitment: Bytes): Promise<void>;
    /**
     * Checks the first key, if it is held, against what the genesis says of it.
     *
     * @param {Bytes} commitment
     * @throws {WrongCapability}
     */
    checkFirstKey(commitment: Bytes): Promise<void>;
}

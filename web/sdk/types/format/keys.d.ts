/**
 * The secret half of a chain: all that its write secret derives, and the entries that it signs. See docs/format.md, 5, 6.
 *
 * @import { Bytes } from "./bytes.js"
 * @import { ReadCapability, WriteCapability } from "./capability.js"
 * @import { ChainState } from "./chain.js"
 */
import type { Bytes } from "./bytes.js";
import type { ReadCapability, WriteCapability } from "./capability.js";
import type { ChainState } from "./chain.js";
import { Entry } from "./entry.js";
/** The keys of one chain. They stay inside WebCrypto; read keys come out, since boxes are sealed with them. */
export declare class ChainKeys {
    #private;
    genesisBody: Bytes;
    chainId: Bytes;
    /**
     * @param {CryptoKey} signing
     * @param {CryptoKey} deriving
     * @param {Bytes} genesisBody
     * @param {Bytes} chainId not for use outside of this class: see `of`
     */
    constructor(signing: CryptoKey, deriving: CryptoKey, genesisBody: Bytes, chainId: Bytes);
    /** @param {WriteCapability} capability @returns {Promise<ChainKeys>} */
    static of({ flags, writeSecret }: WriteCapability): Promise<ChainKeys>;
    get flags(): number;
    /** @param {number} keyEpoch @returns {Promise<Bytes>} rk[e] */
    readKey(keyEpoch: number): Promise<Bytes>;
    /** The capability that opens all up to a key epoch. @param {number} keyEpoch @returns {Promise<ReadCapability>} */
    toRead(keyEpoch: number): Promise<ReadCapability>;
    /** @param {Bytes} blockId @returns {Promise<Bytes>} the right to remove this chain's upload of a block */
    pin(blockId: Bytes): Promise<Bytes>;
    /** What is sealed to this chain's writer alone. @param {Bytes} message @returns {Promise<Bytes>} its data */
    openMessage(message: Bytes): Promise<Bytes>;
    /** @returns {Promise<Bytes>} the public key to which messages to this chain's writer are sealed */
    inboxKey(): Promise<Bytes>;
    /** @param {string} label @param {Bytes} message @returns {Promise<Bytes>} Ed25519 over D(label) ‖ message */
    sign(label: string, message: Bytes): Promise<Bytes>;
    /** @returns {Promise<Entry>} the chain's first entry */
    genesis(): Promise<Entry>;
    /**
     * The entry that follows `state`, with a payload sealed in it.
     *
     * @param {ChainState} state
     * @param {number} kind
     * @param {Bytes} payload encoded
     * @param {{ floor?: number, salt?: Bytes }} [options]
     * @returns {Promise<Entry>}
     * @throws {TooLarge}
     */
    follow(state: ChainState, kind: number, payload: Bytes, { floor, salt }?: {
        floor?: number;
        salt?: Bytes;
    }): Promise<Entry>;
}

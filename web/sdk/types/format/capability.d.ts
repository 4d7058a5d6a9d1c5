/**
 * Capabilities: who holds one may do what it says. Weaker ones derive from stronger, here. See docs/format.md, 5.
 *
 * @import { Bytes } from "./bytes.js"
 *
 * @typedef {{ type: "write", flags: number, writeSecret: Bytes }} WriteCapability
 * @typedef {{ type: "read", chainId: Bytes, keyEpoch: number, readKey: Bytes }} ReadCapability
 * @typedef {{ type: "verify", chainId: Bytes }} VerifyCapability
 * @typedef {{ type: "block", reference: Reference }} BlockCapability
 * @typedef {WriteCapability | ReadCapability | VerifyCapability | BlockCapability} Capability
 */
import type { Bytes } from "./bytes.js";
export type WriteCapability = {
    type: "write";
    flags: number;
    writeSecret: Bytes;
};
export type ReadCapability = {
    type: "read";
    chainId: Bytes;
    keyEpoch: number;
    readKey: Bytes;
};
export type VerifyCapability = {
    type: "verify";
    chainId: Bytes;
};
export type BlockCapability = {
    type: "block";
    reference: Reference;
};
export type Capability = WriteCapability | ReadCapability | VerifyCapability | BlockCapability;
import { Reference } from "./reference.js";
/** Flag bit 0: the chain is a door. */
export declare const FLAG_DOOR = 1;
/** @param {string} text @returns {boolean} it begins as a capability does */
export declare function looksLikeCapability(text: string): boolean;
/**
 * Reads a capability's text form.
 *
 * @param {string} text
 * @returns {Promise<Capability>}
 * @throws {WrongCapability} it is none, or has been altered or cut
 */
export declare function parseCapability(text: string): Promise<Capability>;
/** @param {string} letter @param {Bytes} body @returns {Promise<string>} */
export declare function formatted(letter: string, body: Bytes): Promise<string>;
/** @param {ReadCapability} capability @returns {Promise<string>} */
export declare function formatRead({ chainId, keyEpoch, readKey }: ReadCapability): Promise<string>;
/** @param {VerifyCapability} capability @returns {Promise<string>} */
export declare function formatVerify({ chainId }: VerifyCapability): Promise<string>;
/** @param {BlockCapability} capability @returns {Promise<string>} */
export declare function formatBlock({ reference }: BlockCapability): Promise<string>;
/**
 * The read capability, at key epoch 0, that a write capability derives.
 *
 * @param {WriteCapability} capability
 * @returns {Promise<ReadCapability>}
 */
export declare function readFromWrite({ flags, writeSecret }: WriteCapability): Promise<ReadCapability>;
/** @param {Bytes | CryptoKey} writeSecret @param {number} keyEpoch @returns {Promise<Bytes>} rk[e] */
export declare function readKeyOf(writeSecret: Bytes | CryptoKey, keyEpoch: number): Promise<Bytes>;
/** @param {Bytes} firstReadKey @returns {Promise<Bytes>} rkc: what a genesis publishes of rk[0] */
export declare function readCommitment(firstReadKey: Bytes): Promise<Bytes>;
/** @param {Bytes} genesisBody @returns {Promise<Bytes>} */
export declare function chainIdOf(genesisBody: Bytes): Promise<Bytes>;

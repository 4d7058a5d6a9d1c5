/**
 * Hashes, key derivation, and Ed25519 under the acceptance rule of docs/format.md, 2. WebCrypto does all of the work.
 *
 * @import { Bytes } from "./bytes.js"
 */
import type { Bytes } from "./bytes.js";
/** @param {string} label @returns {Bytes} D(label): which use bytes are meant for */
export declare function domain(label: string): Bytes;
/** @param {Bytes} data @returns {Promise<Bytes>} 32 bytes */
export declare function sha256(data: Bytes): Promise<Bytes>;
/** @param {number} count @returns {Bytes} */
export declare function randomBytes(count: number): Bytes;
/**
 * HKDF-SHA-256 (RFC 5869).
 *
 * @param {Bytes | CryptoKey} key a `CryptoKey` is one that `derivingKey` made
 * @param {Bytes} info
 * @param {{ salt?: Bytes, length?: number }} [options] length in bytes, 32 unless given
 * @returns {Promise<Bytes>}
 */
export declare function hkdf(key: Bytes | CryptoKey, info: Bytes, { salt, length }?: {
    salt?: Bytes;
    length?: number;
}): Promise<Bytes>;
/** A key that others derive from, held by the browser: it cannot be read back. @param {Bytes} key */
export declare function derivingKey(key: Bytes): Promise<CryptoKey>;
/**
 * The public key of an Ed25519 seed.
 *
 * @param {Bytes} seed 32 bytes
 * @returns {Promise<Bytes>} 32 bytes
 */
export declare function publicKeyOf(seed: Bytes): Promise<Bytes>;
/** The private key of an Ed25519 seed, held by the browser: it signs, and cannot be read back. @param {Bytes} seed */
export declare function signingKeyOf(seed: Bytes): Promise<CryptoKey>;
/** @param {CryptoKey} key of `signingKeyOf` @param {Bytes} message @returns {Promise<Bytes>} 64 bytes */
export declare function sign(key: CryptoKey, message: Bytes): Promise<Bytes>;
/** An Ed25519 key that verifies. Made only by `of`, so it is one that the rule accepts. */
export declare class PublicKey {
    #private;
    /** @param {CryptoKey} key not for use outside of this class */
    constructor(key: CryptoKey);
    /** @param {Bytes} bytes @throws {Invalid} the rule refuses it */
    static of(bytes: Bytes): Promise<PublicKey>;
    /**
     * The rule comes first, because libraries disagree about the encodings that it refuses.
     *
     * @param {Bytes} message
     * @param {Bytes} signature
     * @returns {Promise<boolean>}
     */
    verifies(message: Bytes, signature: Bytes): Promise<boolean>;
}
/** @throws {Unsupported} the page is neither from https nor from this machine, so there is no cryptography */
export declare function checkContext(): void;
/**
 * Checks that this browser, on this page, can do all that is needed.
 *
 * @throws {Unsupported}
 */
export declare function checkSupport(): Promise<void>;

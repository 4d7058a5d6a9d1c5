/**
 * Entries: their layout, and all of it that can be checked without a head. See docs/format.md, 6.
 *
 * @import { Bytes } from "./bytes.js"
 * @import { PublicKey } from "./crypto.js"
 */
import type { Bytes } from "./bytes.js";
import type { PublicKey } from "./crypto.js";
export declare const KIND: Readonly<{
    GENESIS: 0;
    LINK: 1;
    ROTATE: 2;
    CHECKPOINT: 3;
    CLOSE: 4;
}>;
export declare const HEADER_BYTES = 96;
export declare const SIGNATURE_BYTES = 64;
export declare const ENTRY_BYTES_MAX: number;
/** One entry, parsed. Made only by `decode`, so its layout is right; its signature is not yet verified. */
export declare class Entry {
    raw: Bytes;
    hash: Bytes;
    kind: number;
    flags: number;
    keyEpoch: number;
    seq: number;
    floor: number;
    chainId: Uint8Array<ArrayBuffer>;
    prev: Uint8Array<ArrayBuffer>;
    /** @param {Bytes} raw @param {Bytes} hash not for use outside of this class */
    constructor(raw: Bytes, hash: Bytes);
    /**
     * Parses an entry.
     *
     * @param {Bytes} raw
     * @returns {Promise<Entry>}
     * @throws {Invalid}
     */
    static decode(raw: Bytes): Promise<Entry>;
    /** What the seal commits to. */
    get header(): Uint8Array<ArrayBuffer>;
    /** The genesis body in clear, else the sealed payload. */
    get body(): Uint8Array<ArrayBuffer>;
    /** @param {PublicKey} publicKey @returns {Promise<boolean>} */
    isSignedBy(publicKey: PublicKey): Promise<boolean>;
}

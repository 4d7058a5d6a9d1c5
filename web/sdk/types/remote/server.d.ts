/**
 * A Cairn server: what it gives is bytes, bounded and not yet believed. See docs/protocol.md.
 *
 * @import { Bytes } from "../format/bytes.js"
 * @import { LiveSocket } from "./live_socket.js"
 * @import { SharedSocket } from "./shared_socket.js"
 */
import type { Bytes } from "../format/bytes.js";
import type { LiveSocket } from "./live_socket.js";
import type { SharedSocket } from "./shared_socket.js";
import { Http } from "./http.js";
export declare const PAGE_ENTRIES = 256;
/** One server. */
export declare class Server {
    #private;
    base: string;
    http: Http;
    chains: string;
    /**
     * @param {string} [base] its address, without a slash at the end; empty: the one that this page is from
     * @param {{ grant?: string, isDoors?: boolean }} [options] isDoors: its chains are doors, which have routes of their own
     */
    constructor(base?: string, { grant, isDoors }?: {
        grant?: string;
        isDoors?: boolean;
    });
    /** The socket on which all chains of this server are followed, loaded at first use. */
    liveSocket(): Promise<LiveSocket | SharedSocket>;
    /** @returns {Server} the same one, for door chains */
    doors(): Server;
    /**
     * A page of a chain's entries.
     *
     * @param {Bytes} chainId
     * @param {number} from the first seq wanted
     * @param {{ isFresh?: boolean }} [options] isFresh: past the browser's cache
     * @returns {Promise<{ raws: Bytes[], headSeq: number }>}
     * @throws {NotFound | Unavailable | Tampered | TooLarge}
     */
    entries(chainId: Bytes, from: number, { isFresh }?: {
        isFresh?: boolean;
    }): Promise<{
        raws: Bytes[];
        headSeq: number;
    }>;
    /**
     * The seq below which a chain's writer gave entries up.
     *
     * @param {Bytes} chainId
     * @returns {Promise<number>}
     * @throws {NotFound | Unavailable | Tampered}
     */
    floor(chainId: Bytes): Promise<number>;
    /**
     * The bytes that the server has under a block's id.
     *
     * @param {Bytes} blockId
     * @param {number} bytesMax
     * @param {AbortSignal} [signal]
     * @returns {Promise<Bytes>}
     * @throws {NotFound | Unavailable | TooLarge}
     */
    block(blockId: Bytes, bytesMax: number, signal?: AbortSignal): Promise<Bytes>;
    /** @param {Bytes} chainId @param {number} from @returns {string} where its entries come as events */
    liveUrl(chainId: Bytes, from: number): string;
}

/**
 * One server over HTTP: requests with deadlines, retries of what may be sent again, errors by their names.
 *
 * Every write of the protocol may be sent again with the same bytes, so a broken connection is answered by sending again;
 * only when that does not settle it does the caller see `Unknown`. See docs/protocol.md, "Errors".
 *
 * @import { Bytes } from "../format/bytes.js"
 *
 * @typedef {object} Question
 * @property {Bytes} [body]
 * @property {Record<string, string>} [headers]
 * @property {number} [bytesMax] of the answer
 * @property {boolean} [isFresh] past the browser's cache
 * @property {AbortSignal} [signal]
 * @typedef {{ status: number, headers: Headers, body: Bytes }} Answer a successful one
 */
import type { Bytes } from "../format/bytes.js";
export type Question = {
    body?: Bytes;
    headers?: Record<string, string>;
    /**
     * of the answer
     */
    bytesMax?: number;
    /**
     * past the browser's cache
     */
    isFresh?: boolean;
    signal?: AbortSignal;
};
export type Answer = {
    status: number;
    headers: Headers;
    body: Bytes;
};
/** A server's address, and the grant that pays for writes to it. */
export declare class Http {
    #private;
    base: string;
    grant: string | undefined;
    /** @param {string} base without a slash at the end; empty: where this page is from @param {string} [grant] */
    constructor(base: string, grant?: string);
    /**
     * Sends a request until it is answered or hope is lost.
     *
     * @param {"GET" | "PUT" | "POST" | "DELETE"} method
     * @param {string} path
     * @param {Question} [question]
     * @returns {Promise<Answer>}
     * @throws {CairnError} what the server answered; Unknown: a write may be done. The signal's reason: it was aborted.
     */
    ask(method: "GET" | "PUT" | "POST" | "DELETE", path: string, question?: Question): Promise<Answer>;
}
/** @param {Bytes} body @returns {any} @throws {Tampered} */
export declare function jsonIn(body: Bytes): any;
/**
 * @param {number} ms
 * @param {AbortSignal} [signal]
 * @returns {Promise<void>}
 */
export declare function paused(ms: number, signal?: AbortSignal): Promise<void>;

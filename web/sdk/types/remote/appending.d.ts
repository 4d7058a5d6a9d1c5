/**
 * Appending to a chain on a server, for who writes. See docs/protocol.md, "Chains".
 *
 * @import { Bytes } from "../format/bytes.js"
 * @import { Server } from "./server.js"
 *
 * @typedef {{ seq: number, hash: string, isClosed: boolean }} Head what the server says the newest entry is
 */
import type { Bytes } from "../format/bytes.js";
import type { Server } from "./server.js";
export type Head = {
    seq: number;
    hash: string;
    isClosed: boolean;
};
/**
 * Appends entries, all or none. When it returns they stand, durably.
 *
 * @param {Server} server
 * @param {Bytes} chainId
 * @param {Bytes[]} raws
 * @returns {Promise<Head>}
 * @throws {CairnError} Conflict, Closed; Unknown: they may stand
 */
export declare function append(server: Server, chainId: Bytes, raws: Bytes[]): Promise<Head>;

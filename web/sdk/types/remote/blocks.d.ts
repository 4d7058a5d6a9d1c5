/**
 * Blocks to and from a server, many in one request. See docs/protocol.md, "Many at once".
 *
 * @import { Bytes } from "../format/bytes.js"
 * @import { Server } from "./server.js"
 *
 * @typedef {{ blockId: Bytes, stored: Bytes, pinHash: Bytes }} Put
 */
import type { Bytes } from "../format/bytes.js";
import type { Server } from "./server.js";
export type Put = {
    blockId: Bytes;
    stored: Bytes;
    pinHash: Bytes;
};
/** The blocks of one server. */
export declare class Blocks {
    #private;
    server: Server;
    /** @param {Server} server */
    constructor(server: Server);
    /** Keeps a block. When it returns it is there, durably. @param {Put} put */
    put(put: Put): Promise<undefined>;
    /** @param {Bytes[]} blockIds @returns {Promise<boolean[]>} which of them are there */
    has(blockIds: Bytes[]): Promise<boolean[]>;
    /** Lets go of a block: it goes with its last pin. @param {Bytes} blockId @param {Bytes} pin */
    remove(blockId: Bytes, pin: Bytes): Promise<void>;
}

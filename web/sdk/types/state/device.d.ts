/**
 * This device's own key: what waits in the browser's storage for a server is sealed with it. It cannot be read out.
 *
 * @import { Bytes } from "../format/bytes.js"
 * @import { Database } from "./database.js"
 * @import { Memory } from "./memory.js"
 */
import type { Bytes } from "../format/bytes.js";
import type { Database } from "./database.js";
import type { Memory } from "./memory.js";
/** Seals and opens; made by `of`. */
export declare class Device {
    #private;
    /** @param {CryptoKey} key */
    constructor(key: CryptoKey);
    /** @param {Database | Memory} database that holds the key, or will @returns {Promise<Device>} */
    static of(database: Database | Memory): Promise<Device>;
    /** @param {Bytes} data @returns {Promise<Bytes>} */
    seal(data: Bytes): Promise<Bytes>;
    /** @param {Bytes} box of this device @returns {Promise<Bytes>} */
    open(box: Bytes): Promise<Bytes>;
}

/**
 * Verified entries, as they came, so that a chain can be shown at once, also offline. They are ciphertext.
 *
 * @import { Bytes } from "../format/bytes.js"
 * @import { Entry } from "../format/entry.js"
 * @import { Database } from "./database.js"
 * @import { Memory } from "./memory.js"
 */
import type { Bytes } from "../format/bytes.js";
import type { Entry } from "../format/entry.js";
import type { Database } from "./database.js";
import type { Memory } from "./memory.js";
/** The entries of all chains that were read here. */
export declare class EntryCache {
    #private;
    /** @param {Database | Memory} database */
    constructor(database: Database | Memory);
    /** @param {Bytes} chainId @returns {Promise<Bytes[]>} in order */
    load(chainId: Bytes): Promise<Bytes[]>;
    /**
     * Keeps entries that were accepted. What the chain's writer gave up goes.
     *
     * @param {Bytes} chainId
     * @param {Entry[]} entries
     * @param {number} floor
     */
    save(chainId: Bytes, entries: Entry[], floor: number): Promise<void>;
    /** @param {Bytes} chainId */
    forget(chainId: Bytes): Promise<void>;
}

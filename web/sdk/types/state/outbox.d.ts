/**
 * The outbox: what was written and is not yet known to stand on the server, by chain and in order.
 *
 * A letter keeps the entry that was made of it, from just before it is first sent: so whoever goes on with it, another tab
 * or a later visit, can tell whether that very entry stands, and sends the same bytes if it may.
 *
 * @import { Bytes } from "../format/bytes.js"
 * @import { Database, Place } from "./database.js"
 * @import { Memory } from "./memory.js"
 * @import { Device } from "./device.js"
 *
 * @typedef {{ key: Place, payload: Bytes, raw: Bytes | null }} Letter raw: the entry that was sent, or about to be
 */
import type { Bytes } from "../format/bytes.js";
import type { Database, Place } from "./database.js";
import type { Memory } from "./memory.js";
import type { Device } from "./device.js";
export type Letter = {
    key: Place;
    payload: Bytes;
    raw: Bytes | null;
};
/** All chains' letters on this device. */
export declare class Outbox {
    #private;
    /** @param {Database | Memory} database @param {Device} device */
    constructor(database: Database | Memory, device: Device);
    /** @param {string} chain id in hex @returns {Promise<Letter[]>} */
    letters(chain: string): Promise<Letter[]>;
    /** @returns {Promise<string[]>} the chains that letters wait for */
    chains(): Promise<string[]>;
    /** @param {string} chain @param {Bytes[]} payloads encoded @returns {Promise<Place[]>} when they are kept, durably */
    add(chain: string, payloads: Bytes[]): Promise<Place[]>;
    /** Remembers the entries that are about to be sent. @param {Letter[]} letters @param {Bytes[]} raws one for each */
    stamp(letters: Letter[], raws: Bytes[]): Promise<void>;
    /** @param {Place[]} keys */
    remove(keys: Place[]): Promise<void>;
    /** @param {string} chain */
    clear(chain: string): Promise<void>;
}

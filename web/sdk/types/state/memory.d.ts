/**
 * What stands in where the browser has no IndexedDB: it lasts as long as the page.
 *
 * @import { Found, Place, Store } from "./database.js"
 */
import type { Found, Place, Store } from "./database.js";
/** The same methods, without lasting. */
export declare class Memory {
    #private;
    /** @param {Store} store @param {Place} key @returns {Promise<any>} */
    get(store: Store, key: Place): Promise<any>;
    /** @param {Store} store @param {string} shelf @returns {Promise<Found[]>} */
    list(store: Store, shelf: string): Promise<Found[]>;
    /** @param {Store} store */
    count(store: Store): Promise<number>;
    /** @param {Store} store @returns {Promise<string[]>} */
    shelves(store: Store): Promise<string[]>;
    /** @param {Store} store @param {Found[]} found */
    put(store: Store, found: Found[]): Promise<void>;
    /** @param {Store} store @param {Place} key @param {any} value */
    settle(store: Store, key: Place, value: any): Promise<any>;
    /** @param {Store} store @param {string} shelf @param {any[]} values @returns {Promise<Place[]>} */
    append(store: Store, shelf: string, values: any[]): Promise<Place[]>;
    /** @param {Store} store @param {Place[]} keys */
    remove(store: Store, keys: Place[]): Promise<void>;
    /** @param {Store} store @param {string} shelf @param {number} [below] */
    clear(store: Store, shelf: string, below?: number): Promise<void>;
}

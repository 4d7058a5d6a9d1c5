/**
 * What this browser keeps between visits, in IndexedDB: keys, verified entries, the outbox, half-done uploads.
 *
 * Records have a row of texts and numbers as their key; a *shelf* is all that begins with the same text. Where the browser
 * has no IndexedDB, or none that works, `openDatabase` gives a `Memory` with the same methods, which lasts as long as the page.
 *
 * @import { Memory } from "./memory.js"
 *
 * @typedef {"keys" | "entries" | "outbox" | "uploads"} Store
 * @typedef {[string, number]} Place a shelf, and where on it
 * @typedef {{ key: Place, value: any }} Found
 */
import type { Memory } from "./memory.js";
export type Store = "keys" | "entries" | "outbox" | "uploads";
export type Place = [string, number];
export type Found = {
    key: Place;
    value: any;
};
/** @returns {Promise<Database | Memory>} */
export declare function openDatabase(): Promise<Database | Memory>;
/** IndexedDB, one transaction per call. */
export declare class Database {
    #private;
    /** @param {IDBDatabase} database */
    constructor(database: IDBDatabase);
    /** @param {Store} store @param {Place} key @returns {Promise<any>} undefined: there is none */
    get(store: Store, key: Place): Promise<any>;
    /** All on one shelf, in order. @param {Store} store @param {string} shelf @returns {Promise<Found[]>} */
    list(store: Store, shelf: string): Promise<Found[]>;
    /** @param {Store} store @returns {Promise<number>} how many records it has */
    count(store: Store): Promise<number>;
    /** The shelves that hold something. @param {Store} store @returns {Promise<string[]>} */
    shelves(store: Store): Promise<string[]>;
    /** All or none. @param {Store} store @param {Found[]} found */
    put(store: Store, found: Found[]): Promise<void>;
    /** The value that stands: an earlier one, or this. @param {Store} store @param {Place} key @param {any} value */
    settle(store: Store, key: Place, value: any): Promise<any>;
    /** Puts values at the end of a shelf, all or none. @param {Store} store @param {string} shelf @param {any[]} values @returns {Promise<Place[]>} */
    append(store: Store, shelf: string, values: any[]): Promise<Place[]>;
    /** @param {Store} store @param {Place[]} keys */
    remove(store: Store, keys: Place[]): Promise<void>;
    /** What is on a shelf below a place. @param {Store} store @param {string} shelf @param {number} [below] */
    clear(store: Store, shelf: string, below?: number): Promise<void>;
}
/** Places behind all others, and such as no record had before. @param {string} shelf @param {number} count @param {number} [last] @returns {Place[]} */
export declare function endOf(shelf: string, count: number, last?: number): Place[];

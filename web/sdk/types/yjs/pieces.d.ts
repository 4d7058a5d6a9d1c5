/**
 * How updates lie in entries: whole, or in pieces where one is larger than an entry. Pure.
 *
 *     01 ‖ update
 *     02 ‖ id[8] ‖ u16 index ‖ u16 count ‖ piece      of one writer, in order
 *
 * @typedef {Uint8Array<ArrayBuffer>} Bytes
 */
export type Bytes = Uint8Array<ArrayBuffer>;
/** The largest update that can be written all or none. */
export declare const UPDATE_BYTES_MAX: number;
/** @param {Uint8Array} update @returns {Bytes[]} what entries hold, in order */
export declare function encodeUpdate(update: Uint8Array): Bytes[];
/** In how many entries the update lies of which this is the first. @param {unknown} value */
export declare function pieceCount(value: unknown): number;
/** Puts the pieces of one writer together. */
export declare class Assembly {
    #private;
    /**
     * @param {Uint8Array} value of an entry
     * @returns {Uint8Array | null} an update that is whole now
     * @throws {RangeError} it is no such value
     */
    take(value: Uint8Array): Uint8Array | null;
}

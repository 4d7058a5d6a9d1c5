/**
 * One chain as this page knows it: the reader's entries in order, and those who follow them. One thing happens at a time.
 *
 * @import { Bytes } from "../format/bytes.js"
 * @import { ChainState } from "../format/chain.js"
 * @import { ChainReader, Item } from "./reader.js"
 */
import type { Bytes } from "../format/bytes.js";
import type { ChainState } from "../format/chain.js";
import type { ChainReader, Item } from "./reader.js";
/** A chain's accepted entries, opened. */
export declare class History {
    #private;
    reader: ChainReader;
    onChange: () => void;
    /** @type {Item[]} */
    items: Item[];
    /** @param {ChainReader} reader @param {() => void} [onChange] when entries were added */
    constructor(reader: ChainReader, onChange?: () => void);
    /** The state after the newest accepted entry; null before there is one. @returns {ChainState | null} */
    get state(): ChainState | null;
    get server(): import("../cairn.js").Server;
    get keyring(): import("./keyring.js").Keyring;
    /** Takes what earlier visits have verified. @returns {Promise<void>} */
    restore(): Promise<void>;
    /**
     * Accepts all that is new on the server.
     *
     * @returns {Promise<ChainState>}
     * @throws {CairnError} as `ChainReader.catchUp`
     */
    catchUp(): Promise<ChainState>;
    /** Accepts entries that arrived, or that were sent and acknowledged. @param {Bytes[]} raws @returns {Promise<Item[]>} */
    extend(raws: Bytes[]): Promise<Item[]>;
    /**
     * Whether an entry with this hash stands at this place.
     *
     * @param {number} seq
     * @param {Bytes} hash
     * @returns {boolean | null} null: it was dropped before it was seen here, so nobody can tell
     */
    stands(seq: number, hash: Bytes): boolean | null;
    /** Lets go of what the writer gave up, when all have seen it who want to. */
    forget(): void;
}

/**
 * Posting: takes the letters of one chain from the outbox to the server, in order, whichever tab wrote them.
 *
 * One tab at a time has a chain's turn. Letters that were sent before are settled first: they stand, or may still stand by
 * the same bytes, or never will and are made anew on the present head.
 *
 * @import { Bytes } from "../format/bytes.js"
 * @import { Entry } from "../format/entry.js"
 * @import { Place } from "../state/database.js"
 * @import { Letter, Outbox } from "../state/outbox.js"
 * @import { Wanted, Writer } from "./writer.js"
 *
 * @typedef {{ key: Place, seq: number }} Delivered
 */
import type { Entry } from "../format/entry.js";
import type { Place } from "../state/database.js";
import type { Outbox } from "../state/outbox.js";
import type { Wanted, Writer } from "./writer.js";
export type Delivered = {
    key: Place;
    seq: number;
};
/** The posting of one chain. */
export declare class Posting {
    #private;
    outbox: Outbox;
    chain: string;
    writer: Writer;
    onDelivered: (delivered: Delivered[]) => void;
    onRemoved: (delivered: Delivered[]) => void;
    /**
     * @param {Outbox} outbox
     * @param {string} chain id in hex
     * @param {Writer} writer
     * @param {(delivered: Delivered[]) => void} onDelivered they stand
     * @param {(delivered: Delivered[]) => void} onRemoved they have left the outbox, too
     */
    constructor(outbox: Outbox, chain: string, writer: Writer, onDelivered: (delivered: Delivered[]) => void, onRemoved: (delivered: Delivered[]) => void);
    /**
     * Sends all letters. When it returns, every one of them stands.
     *
     * @param {(error: unknown) => Promise<void>} [onFailure] waited for before others get the turn
     * @throws {CairnError}
     */
    run(onFailure?: (error: unknown) => Promise<void>): Promise<void>;
    /**
     * Writes entries at once, behind all letters.
     *
     * @param {Wanted[]} wanted
     * @returns {Promise<Entry[]>}
     */
    writeNow(wanted: Wanted[]): Promise<Entry[]>;
}

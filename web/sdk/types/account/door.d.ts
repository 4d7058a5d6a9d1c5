/**
 * A door on a server: what it leads to, the making of one, and its end. See docs/format.md, 8.
 *
 * @import { Browser } from "../browser.js"
 * @import { Bytes } from "../format/bytes.js"
 * @import { WriteCapability } from "../format/capability.js"
 *
 * @typedef {{ root: Bytes, home: string }} Behind the root of an account, and the URL of its server if it has moved
 */
import type { Browser } from "../browser.js";
import type { Bytes } from "../format/bytes.js";
import type { WriteCapability } from "../format/capability.js";
export type Behind = {
    root: Bytes;
    home: string;
};
import { History } from "../chains/history.js";
import { Writer } from "../chains/writer.js";
/** One door. Nothing of it is kept on this device. */
export declare class Door {
    #private;
    /** @param {History} history @param {Writer} writer not for use outside of this class: see `of` */
    constructor(history: History, writer: Writer);
    /** @param {Browser} browser @param {WriteCapability} capability @returns {Promise<Door>} no server is asked */
    static of(browser: Browser, capability: WriteCapability): Promise<Door>;
    get id(): string;
    /**
     * @returns {Promise<Behind>}
     * @throws {NoAccount} it leads nowhere
     * @throws {Closed} it was given up
     */
    behind(): Promise<Behind>;
    /** What it leads to; a new one is made to lead to `behind`. @param {Behind} behind @returns {Promise<Behind>} */
    foundOrMade(behind: Behind): Promise<Behind>;
    /**
     * Makes the door lead to an account, unless it leads to another.
     *
     * @param {Behind} behind
     * @throws {Forbidden} it does
     * @throws {Closed} it was given up
     */
    lead(behind: Behind): Promise<void>;
    /** Closes it for ever. */
    close(): Promise<void>;
}

/**
 * The verification of a whole log anew, from its first entry to the server's present head.
 *
 * @import { Browser } from "../browser.js"
 * @import { ChainState } from "../format/chain.js"
 * @import { Keyring } from "./keyring.js"
 *
 * @typedef {object} Report what `verify` found; it throws for nothing that a server can do
 * @property {boolean} isGood
 * @property {number} entries whose signature and links were checked
 * @property {number} missing given up by the writer, and dropped
 * @property {number} unreadable verified, but not opened by this link
 * @property {number} seq of the newest verified entry; -1: none
 * @property {CairnError | null} problem
 */
import type { Browser } from "../browser.js";
import type { Keyring } from "./keyring.js";
export type Report = {
    isGood: boolean;
    /**
     * whose signature and links were checked
     */
    entries: number;
    /**
     * given up by the writer, and dropped
     */
    missing: number;
    /**
     * verified, but not opened by this link
     */
    unreadable: number;
    /**
     * of the newest verified entry; -1: none
     */
    seq: number;
    problem: CairnError | null;
};
import { CairnError } from "../errors.js";
/** @param {Browser} browser @param {Keyring} keyring @returns {Promise<Report>} */
export declare function verify(browser: Browser, keyring: Keyring): Promise<Report>;

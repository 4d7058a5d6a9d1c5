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

import { CairnError } from "../errors.js";
import { Pins } from "../state/pins.js";
import { ChainReader } from "./reader.js";

/** @param {Browser} browser @param {Keyring} keyring @returns {Promise<Report>} */
export async function verify(browser, keyring) {
  const pins = new Pins({ isLasting: false });
  const pin = browser.pins.get(keyring.chainId);
  if (pin) pins.raise(keyring.chainId, pin);
  const reader = new ChainReader(browser.server, keyring, pins);
  try {
    const items = await reader.catchUp({ isFresh: true });
    const unreadable = items.filter(({ inside }) => inside.type !== "open" && inside.type !== "genesis").length;
    const missing = items.reduce((count, { missingBefore }) => count + missingBefore, 0);
    const { seq } = /** @type {ChainState} */ (reader.state);
    return { isGood: true, entries: items.length, missing, unreadable, seq, problem: null };
  } catch (error) {
    if (!(error instanceof CairnError)) throw error;
    return { isGood: false, entries: 0, missing: 0, unreadable: 0, seq: -1, problem: error };
  }
}

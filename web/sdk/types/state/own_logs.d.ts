/**
 * The logs that belong to this browser: their capabilities are kept in it, sealed with its own key.
 *
 * @import { Browser } from "../browser.js"
 * @import { WriteCapability } from "../format/capability.js"
 */
import type { Browser } from "../browser.js";
import type { WriteCapability } from "../format/capability.js";
/**
 * The capability of a name, made at first use; whichever tab is first, all have the same.
 *
 * @param {Browser} browser
 * @param {string} realm the site's name
 * @param {string} name
 * @returns {Promise<WriteCapability>}
 */
export declare function ownCapability(browser: Browser, realm: string, name: string): Promise<WriteCapability>;

/**
 * The logs that belong to this browser: their capabilities are kept in it, sealed with its own key.
 *
 * @import { Browser } from "../browser.js"
 * @import { WriteCapability } from "../format/capability.js"
 */

import { textOf, utf8 } from "../format/bytes.js";
import { parseCapability } from "../format/capability.js";
import { formatWrite, newWriteCapability } from "../format/write_capability.js";

/**
 * The capability of a name, made at first use; whichever tab is first, all have the same.
 *
 * @param {Browser} browser
 * @param {string} realm the site's name
 * @param {string} name
 * @returns {Promise<WriteCapability>}
 */
export async function ownCapability(browser, realm, name) {
  const { database, device } = await browser.storage();
  const fresh = await device.seal(utf8(await formatWrite(newWriteCapability())));
  const box = await database.settle("keys", [`log ${browser.server.base} ${realm} ${name}`, 0], fresh);
  return /** @type {WriteCapability} */ (await parseCapability(textOf(await device.open(box))));
}

/**
 * Accounts on one server: a door that a name and a password open leads to a root; the root's own chain holds the keyring.
 * The server is asked nothing before the password was stretched here. See docs/format.md, 8.
 *
 * What stays on this device is the root as a key that cannot be read out, and the name. The password, the door and its id
 * do not.
 *
 * @import { Browser } from "../browser.js"
 * @import { Bytes } from "../format/bytes.js"
 * @import { Behind } from "./door.js"
 *
 * @typedef {{ accountKey?: Bytes }} DoorOptions accountKey: 16 bytes that are asked for besides the password
 * @typedef {{ name: string, home: string, root: CryptoKey }} Kept
 */

import { NoAccount, WrongCapability } from "../errors.js";
import { FLAG_DOOR, parseCapability } from "../format/capability.js";
import { formatWrite, newWriteCapability } from "../format/write_capability.js";
import { derivingKey, randomBytes } from "../format/crypto.js";
import { accountOf, doorOf, doorSalt, normalPassword, normalUsername } from "../format/door.js";
import { Log } from "../chains/log.js";
import { Account } from "./account.js";
import { Door } from "./door.js";
import { stretch } from "./stretch.js";

const ROOT_BYTES = 32;

/** Opens accounts. */
export class Accounts {
  /** @param {Browser} browser @param {string} realm the site's name, which is part of every door */
  constructor(browser, realm) {
    this.browser = browser;
    this.realm = realm;
  }

  /** @param {string} name @param {string} password @param {DoorOptions} [options] @returns {Promise<Account>} */
  async signUp(name, password, options) {
    const door = await this.door(name, password, options);
    const fresh = { root: randomBytes(ROOT_BYTES), home: "" };
    const behind = await door.foundOrMade(fresh);
    const recoveryCode = behind === fresh ? await this.#recoveryCode(behind) : null;
    return this.#entered(name, behind, recoveryCode);
  }

  /** @param {string} name @param {string} password @param {DoorOptions} [options] @returns {Promise<Account>} */
  async signIn(name, password, options) {
    const door = await this.door(name, password, options);
    return this.#entered(name, await door.behind());
  }

  /** @param {string} code @param {string} name @param {string} password the new one @param {DoorOptions} [options] */
  async recover(code, name, password, options) {
    const capability = await parseCapability(code.trim());
    if (capability.type !== "write" || !(capability.flags & FLAG_DOOR)) {
      throw new WrongCapability("this is a link, and no recovery code");
    }
    const door = await this.door(name, password, options);
    const behind = await (await Door.of(this.browser, capability)).behind();
    await door.lead(behind);
    return this.#entered(name, behind);
  }

  /** @returns {Promise<Account | null>} the account that was opened here before and not signed out */
  async resume() {
    const { database } = await this.browser.storage();
    /** @type {Kept | undefined} */
    const kept = await database.get("keys", this.#place());
    return kept ? this.#opened(kept) : null;
  }

  /**
   * @param {string} name
   * @param {string} from the present password
   * @param {string} to the new one
   * @param {DoorOptions} [options]
   */
  async changePassword(name, from, to, options) {
    const [before, after] = [await this.door(name, from, options), await this.door(name, to, options)];
    const behind = await before.behind();
    if (before.id === after.id) return;
    await after.lead(behind);
    await before.close();
  }

  /** @param {string} name @param {string} password @param {DoorOptions} [options] @returns {Promise<string>} */
  async recoveryCode(name, password, options) {
    return this.#recoveryCode(await (await this.door(name, password, options)).behind());
  }

  /** Forgets the account that is kept on this device. */
  async forget() {
    const { database } = await this.browser.storage();
    await database.remove("keys", [this.#place()]);
  }

  /** @param {string} name @param {string} password @param {DoorOptions} [options] @returns {Promise<Door>} no server is asked */
  async door(name, password, { accountKey } = {}) {
    const salt = await doorSalt(this.realm, name);
    const stretched = await stretch(normalPassword(password), salt);
    return Door.of(this.browser, await doorOf(stretched, accountKey));
  }

  /** @param {Behind} behind @returns {Promise<string>} opens the account without a password: for paper */
  async #recoveryCode(behind) {
    const capability = newWriteCapability(FLAG_DOOR);
    await (await Door.of(this.browser, capability)).lead(behind);
    return formatWrite(capability);
  }

  /** @param {string} name @param {Behind} behind @param {string | null} [recoveryCode] */
  async #entered(name, { root, home }, recoveryCode = null) {
    const { database } = await this.browser.storage();
    /** @type {Kept} */
    const kept = { name: normalUsername(name), home, root: await derivingKey(root) };
    await database.put("keys", [{ key: this.#place(), value: kept }]);
    return this.#opened(kept, recoveryCode);
  }

  /** @param {Kept} kept @param {string | null} [recoveryCode] */
  async #opened({ name, home, root }, recoveryCode = null) {
    const log = await Log.of(this.browser, await accountOf(root));
    return new Account(this, log, { name, home, recoveryCode });
  }

  /** @returns {[string, number]} */
  #place() {
    return [`account ${this.browser.server.base} ${this.realm}`, 0];
  }
}

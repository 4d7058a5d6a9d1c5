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
import type { Browser } from "../browser.js";
import type { Bytes } from "../format/bytes.js";
export type DoorOptions = {
    accountKey?: Bytes;
};
export type Kept = {
    name: string;
    home: string;
    root: CryptoKey;
};
import { Account } from "./account.js";
import { Door } from "./door.js";
/** Opens accounts. */
export declare class Accounts {
    #private;
    browser: Browser;
    realm: string;
    /** @param {Browser} browser @param {string} realm the site's name, which is part of every door */
    constructor(browser: Browser, realm: string);
    /** @param {string} name @param {string} password @param {DoorOptions} [options] @returns {Promise<Account>} */
    signUp(name: string, password: string, options?: DoorOptions): Promise<Account>;
    /** @param {string} name @param {string} password @param {DoorOptions} [options] @returns {Promise<Account>} */
    signIn(name: string, password: string, options?: DoorOptions): Promise<Account>;
    /** @param {string} code @param {string} name @param {string} password the new one @param {DoorOptions} [options] */
    recover(code: string, name: string, password: string, options?: DoorOptions): Promise<Account>;
    /** @returns {Promise<Account | null>} the account that was opened here before and not signed out */
    resume(): Promise<Account | null>;
    /**
     * @param {string} name
     * @param {string} from the present password
     * @param {string} to the new one
     * @param {DoorOptions} [options]
     */
    changePassword(name: string, from: string, to: string, options?: DoorOptions): Promise<void>;
    /** @param {string} name @param {string} password @param {DoorOptions} [options] @returns {Promise<string>} */
    recoveryCode(name: string, password: string, options?: DoorOptions): Promise<string>;
    /** Forgets the account that is kept on this device. */
    forget(): Promise<void>;
    /** @param {string} name @param {string} password @param {DoorOptions} [options] @returns {Promise<Door>} no server is asked */
    door(name: string, password: string, { accountKey }?: DoorOptions): Promise<Door>;
}

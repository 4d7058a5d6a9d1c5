/**
 * Doors: from a name and a password to the write secret of a chain. See docs/format.md, 8.
 *
 * Whoever knows a door's chain id can try passwords offline; so nothing lists, logs or keeps doors.
 *
 * @import { Bytes } from "./bytes.js"
 * @import { WriteCapability } from "./capability.js"
 */
import type { Bytes } from "./bytes.js";
import type { WriteCapability } from "./capability.js";
export declare const ACCOUNT_KEY_BYTES = 16;
/** @param {string} username @returns {string} outer spaces dropped, ASCII letters lowered @throws {Invalid} */
export declare function normalUsername(username: string): string;
/** @param {string} password @returns {Bytes} NFKC, as UTF-8 @throws {Invalid} */
export declare function normalPassword(password: string): Bytes;
/** @param {string} realm the site's name @param {string} username @returns {Promise<Bytes>} what the password is stretched with */
export declare function doorSalt(realm: string, username: string): Promise<Bytes>;
/**
 * @param {Bytes} stretched what Argon2id made of the password
 * @param {Bytes} [accountKey] 16 bytes
 * @returns {Promise<WriteCapability>} of the door
 */
export declare function doorOf(stretched: Bytes, accountKey?: Bytes): Promise<WriteCapability>;
/** @param {Bytes | CryptoKey} root of an account @returns {Promise<WriteCapability>} of the account's own chain */
export declare function accountOf(root: Bytes | CryptoKey): Promise<WriteCapability>;

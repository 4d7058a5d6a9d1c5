/**
 * Doors: from a name and a password to the write secret of a chain. See docs/format.md, 8.
 *
 * Whoever knows a door's chain id can try passwords offline; so nothing lists, logs or keeps doors.
 *
 * @import { Bytes } from "./bytes.js"
 * @import { WriteCapability } from "./capability.js"
 */

import { Invalid } from "../errors.js";
import { concat, u32, utf8 } from "./bytes.js";
import { FLAG_DOOR } from "./capability.js";
import { domain, hkdf, sha256 } from "./crypto.js";

export const ACCOUNT_KEY_BYTES = 16;
const PASSWORD_BYTES_MAX = 1_024;

/** @param {string} username @returns {string} outer spaces dropped, ASCII letters lowered @throws {Invalid} */
export function normalUsername(username) {
  const name = username.replace(/^ +| +$/g, "").replace(/[A-Z]/g, (letter) => letter.toLowerCase());
  if (!/^[a-z0-9._@+-]{1,64}$/.test(name)) {
    throw new Invalid("a user name has 1 to 64 of: letters a to z, digits, . _ @ + -");
  }
  return name;
}

/** @param {string} password @returns {Bytes} NFKC, as UTF-8 @throws {Invalid} */
export function normalPassword(password) {
  if (password.length > PASSWORD_BYTES_MAX * 4) throw new Invalid("a password has at most 1,024 bytes");
  if (/[\p{Cc}\p{Cs}\p{Cn}]/u.test(password)) {
    throw new Invalid("a password has no control characters and no code points that Unicode has not assigned");
  }
  const normal = utf8(password.normalize("NFKC"));
  if (normal.length < 1 || normal.length > PASSWORD_BYTES_MAX) throw new Invalid("a password has 1 to 1,024 bytes");
  return normal;
}

/** @param {string} realm the site's name @param {string} username @returns {Promise<Bytes>} what the password is stretched with */
export function doorSalt(realm, username) {
  if (!/^[a-z0-9.:-]{1,255}$/.test(realm)) throw new Invalid("a realm is a site's name: 1 to 255 of a to z, 0 to 9, . : -");
  return sha256(concat(domain("door-salt"), u32(realm.length), realm, normalUsername(username)));
}

/**
 * @param {Bytes} stretched what Argon2id made of the password
 * @param {Bytes} [accountKey] 16 bytes
 * @returns {Promise<WriteCapability>} of the door
 */
export async function doorOf(stretched, accountKey = new Uint8Array()) {
  if (accountKey.length > 0 && accountKey.length !== ACCOUNT_KEY_BYTES) throw new Invalid("an account key has 16 bytes");
  const salt = await sha256(concat(domain("account-key"), accountKey));
  return { type: "write", flags: FLAG_DOOR, writeSecret: await hkdf(stretched, domain("door"), { salt }) };
}

/** @param {Bytes | CryptoKey} root of an account @returns {Promise<WriteCapability>} of the account's own chain */
export async function accountOf(root) {
  return { type: "write", flags: 0, writeSecret: await hkdf(root, domain("account")) };
}

/**
 * This device's own key: what waits in the browser's storage for a server is sealed with it. It cannot be read out.
 *
 * @import { Bytes } from "../format/bytes.js"
 * @import { Database } from "./database.js"
 * @import { Memory } from "./memory.js"
 */

import { concat } from "../format/bytes.js";
import { randomBytes } from "../format/crypto.js";

const IV_BYTES = 12;

/** Seals and opens; made by `of`. */
export class Device {
  /** @type {CryptoKey} */
  #key;

  /** @param {CryptoKey} key */
  constructor(key) {
    this.#key = key;
  }

  /** @param {Database | Memory} database that holds the key, or will @returns {Promise<Device>} */
  static async of(database) {
    const fresh = await crypto.subtle.generateKey({ name: "AES-GCM", length: 256 }, false, ["encrypt", "decrypt"]);
    return new Device(await database.settle("keys", ["device", 0], fresh));
  }

  /** @param {Bytes} data @returns {Promise<Bytes>} */
  async seal(data) {
    const iv = randomBytes(IV_BYTES);
    return concat(iv, new Uint8Array(await crypto.subtle.encrypt({ name: "AES-GCM", iv }, this.#key, data)));
  }

  /** @param {Bytes} box of this device @returns {Promise<Bytes>} */
  async open(box) {
    const iv = box.subarray(0, IV_BYTES);
    const data = await crypto.subtle.decrypt({ name: "AES-GCM", iv }, this.#key, box.subarray(IV_BYTES));
    return new Uint8Array(data);
  }
}

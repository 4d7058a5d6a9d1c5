/**
 * A door on a server: what it leads to, the making of one, and its end. See docs/format.md, 8.
 *
 * @import { Browser } from "../browser.js"
 * @import { Bytes } from "../format/bytes.js"
 * @import { WriteCapability } from "../format/capability.js"
 *
 * @typedef {{ root: Bytes, home: string }} Behind the root of an account, and the URL of its server if it has moved
 */

import { Closed, Conflict, Forbidden, Invalid, NoAccount, NotFound } from "../errors.js";
import { concat, equal, textOf, toHex } from "../format/bytes.js";
import { KIND } from "../format/entry.js";
import { ChainKeys } from "../format/keys.js";
import { encodePayload } from "../format/encoding.js";
import { History } from "../chains/history.js";
import { Keyring } from "../chains/keyring.js";
import { ChainReader } from "../chains/reader.js";
import { Writer } from "../chains/writer.js";

const ROOT_BYTES = 32;
const URL_BYTES_MAX = 2_048;

/** One door. Nothing of it is kept on this device. */
export class Door {
  #history;
  #writer;

  /** @param {History} history @param {Writer} writer not for use outside of this class: see `of` */
  constructor(history, writer) {
    this.#history = history;
    this.#writer = writer;
  }

  /** @param {Browser} browser @param {WriteCapability} capability @returns {Promise<Door>} no server is asked */
  static async of(browser, capability) {
    const server = browser.server.doors();
    const history = new History(new ChainReader(server, await Keyring.of(capability), browser.doorPins));
    return new Door(history, new Writer(await ChainKeys.of(capability), server, history));
  }

  get id() {
    return toHex(this.#writer.keys.chainId);
  }

  /**
   * @returns {Promise<Behind>}
   * @throws {NoAccount} it leads nowhere
   * @throws {Closed} it was given up
   */
  async behind() {
    try {
      await this.#history.catchUp();
    } catch (error) {
      throw error instanceof NotFound ? new NoAccount() : error;
    }
    const newest = this.#history.items.at(-1);
    if (!newest || newest.kind === KIND.GENESIS) throw new NoAccount();
    if (newest.kind === KIND.CLOSE) throw new Closed("the password was changed: sign in with the new one");
    if (newest.inside.type !== "open" || newest.inside.payload.content?.type !== "bytes") throw malformed();
    return decoded(newest.inside.payload.content.bytes);
  }

  /** What it leads to; a new one is made to lead to `behind`. @param {Behind} behind @returns {Promise<Behind>} */
  async foundOrMade(behind) {
    try {
      return await this.behind();
    } catch (error) {
      if (!(error instanceof NoAccount)) throw error;
    }
    try {
      await this.#put(behind, 1);
      return behind;
    } catch (error) {
      if (!(error instanceof Conflict)) throw error;
      return this.behind(); // another device was first: its root is the account's
    }
  }

  /**
   * Makes the door lead to an account, unless it leads to another.
   *
   * @param {Behind} behind
   * @throws {Forbidden} it does
   * @throws {Closed} it was given up
   */
  async lead(behind) {
    const found = await this.foundOrMade(behind).catch((error) => {
      throw error instanceof Closed ? new Closed("the account had this password before: choose another") : error;
    });
    if (!equal(found.root, behind.root)) throw new Forbidden("another account has this name and password: choose another");
    if (found.home !== behind.home) await this.#put(behind);
  }

  /** Closes it for ever. */
  async close() {
    const payload = encodePayload(new Uint8Array());
    await this.#writer.append([{ kind: KIND.CLOSE, payload: () => payload, trims: true }]);
  }

  /** @param {Behind} behind @param {number} [at] */
  async #put({ root, home }, at) {
    const payload = encodePayload(concat(root, home));
    await this.#writer.append([{ kind: KIND.LINK, payload: () => payload, at }]);
  }
}

/** @param {Bytes} data @returns {Behind} */
function decoded(data) {
  if (data.length < ROOT_BYTES || data.length > ROOT_BYTES + URL_BYTES_MAX) throw malformed();
  return { root: data.slice(0, ROOT_BYTES), home: textOf(data.subarray(ROOT_BYTES)) };
}

function malformed() {
  return new Invalid("the door's entry is malformed");
}

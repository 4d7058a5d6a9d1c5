/**
 * The way in: `connect` gives a `Cairn`, which opens accounts, links and logs on one server.
 *
 * @import { Account } from "./account/account.js"
 * @import { DoorOptions } from "./account/accounts.js"
 * @import { ChainCapability } from "./chains/log.js"
 * @import { Streaming } from "./objects/streaming.js"
 * @import { Space } from "./space/space.js"
 */

import { WrongCapability } from "./errors.js";
import { Browser } from "./browser.js";
import { Log } from "./chains/log.js";
import { fromBase64url, textOf, toBase64url, utf8 } from "./format/bytes.js";
import { parseCapability } from "./format/capability.js";
import { checkContext, checkSupport } from "./format/crypto.js";

/** Where the link that a page was opened by is remembered: one site may have several applications. */
const linkKey = () => `cairn.link ${location.pathname}`;

/**
 * The way in. Nothing is asked of the server yet.
 *
 * @param {object} [options]
 * @param {string} [options.url] the server's address; the one that this page is from, if not given
 * @param {string} [options.realm] the site's name, which is part of every account; this page's host, if not given
 * @param {string} [options.grant] what pays for writing, where the server asks for it
 * @returns {Cairn}
 * @throws {Unsupported} the page was opened in a way in which browsers allow no cryptography; `hint` says what to do
 */
export function connect({ url = "", realm = globalThis.location?.host ?? "", grant } = {}) {
  checkContext();
  return new Cairn(url.replace(/\/+$/, ""), realm, grant);
}

/** One server, as this page uses it. */
export class Cairn {
  /** @param {string} url @param {string} realm @param {string} [grant] */
  constructor(url, realm, grant) {
    this.browser = new Browser(url, grant);
    this.realm = realm;
  }

  /** "connecting", "online" or "offline", as a signal. */
  get status() {
    return this.browser.status;
  }

  /** How many entries wait on this device for the server, as a signal. */
  get pending() {
    return this.browser.pending;
  }

  /**
   * Makes an account; where this name and password have one, that is opened. `recoveryCode` of the new one is to be shown.
   *
   * @param {string} name
   * @param {string} password
   * @param {DoorOptions} [options]
   * @returns {Promise<Account>}
   * @throws {CairnError} Invalid: name or password is not of the allowed form
   */
  async signUp(name, password, options) {
    return (await this.#accounts()).signUp(name, password, options);
  }

  /**
   * Opens the account of a name and a password.
   *
   * @param {string} name
   * @param {string} password
   * @param {DoorOptions} [options]
   * @returns {Promise<Account>}
   * @throws {CairnError} NoAccount: name or password is wrong. Closed: the password was changed.
   */
  async signIn(name, password, options) {
    return (await this.#accounts()).signIn(name, password, options);
  }

  /**
   * Opens an account by its recovery code, and gives it a new password.
   *
   * @param {string} code
   * @param {string} name
   * @param {string} password
   * @param {DoorOptions} [options]
   * @returns {Promise<Account>}
   * @throws {CairnError} as `signUp`; WrongCapability: it is no recovery code
   */
  async recover(code, name, password, options) {
    return (await this.#accounts()).recover(code, name, password, options);
  }

  /** The account that was opened on this device before, or null; also without a connection. @returns {Promise<Account | null>} */
  async resume() {
    return (await this.#accounts()).resume();
  }

  /**
   * Opens the log that a link is for. Without an argument it is the one in this page's address, from which it is taken out,
   * so that it stays in no history; it is remembered for this tab.
   *
   * @param {string} [link] a whole address, what stands behind its #, or a capability
   * @returns {Promise<Log>}
   * @throws {WrongCapability} it is no link, or not whole
   */
  async openLink(link) {
    await checkSupport();
    return Log.of(this.browser, await this.#chainCapability(link));
  }

  /** Whether this page was opened by a link. */
  get hasLink() {
    return location.hash.length > 1 || sessionStorage.getItem(linkKey()) !== null;
  }

  /**
   * The log of a name that belongs to this browser, and to no account. It is made at first use, also without a connection.
   * Keep what `capabilityText("write")` gives, too: without it the log is lost with this browser's data.
   *
   * @param {string} name
   * @returns {Promise<Log>}
   */
  async open(name) {
    await checkSupport();
    const { ownCapability } = await import("./state/own_logs.js");
    return Log.of(this.browser, await ownCapability(this.browser, this.realm, name));
  }

  /** A new log that belongs to no account: who holds a link to it has it. @returns {Promise<Log>} */
  async newLog() {
    await checkSupport();
    const { newWriteCapability } = await import("./format/write_capability.js");
    return Log.of(this.browser, newWriteCapability());
  }

  /**
   * A new space, for many writers. Without an account: keep what `capabilityText` gives.
   *
   * @param {string} name
   * @param {string} ownerName
   * @returns {Promise<Space>}
   */
  async newSpace(name, ownerName) {
    await checkSupport();
    return (await import("./space/space.js")).Space.make(this.browser, name, ownerName);
  }

  /**
   * Opens a space by an invitation, a reader's link, or what `capabilityText` gave; without an argument by the link in this
   * page's address, as `openLink` does.
   *
   * @param {string} [link]
   * @returns {Promise<Space>}
   * @throws {WrongCapability} it is no link, or not whole
   */
  async openSpace(link) {
    await checkSupport();
    const capability = await this.#chainCapability(link);
    return (await import("./space/space.js")).Space.of(this.browser, capability);
  }

  /**
   * Files at addresses of this page's own, which `<video>` plays and which are saved to disk as they come.
   *
   * @param {string | URL} worker the service worker in the page's folder: `importScripts("/sdk/streaming_worker.js")`
   * @returns {Promise<Streaming>}
   * @throws {CairnError} unsupported: this browser has no service workers, or not for this page
   */
  async streaming(worker) {
    return (await import("./objects/streaming.js")).Streaming.of(this.browser, worker);
  }

  /**
   * Keeps this page and the files that it loads, so that it opens without a connection, too.
   *
   * @param {string} [worker] a service worker in the page's folder, of the one line `importScripts("/sdk/page_worker.js");`
   * @returns {Promise<boolean>} false: this browser keeps no pages
   */
  async keepPage(worker = "service_worker.js") {
    return (await import("./state/page.js")).keepPage(worker);
  }

  /** Ends what goes on. What waits stays on this device. */
  close() {
    this.browser.close();
  }

  async #accounts() {
    await checkSupport();
    const { Accounts } = await import("./account/accounts.js");
    return new Accounts(this.browser, this.realm);
  }

  /** @param {string} [link] @returns {Promise<ChainCapability>} */
  async #chainCapability(link) {
    const text = link ?? (await this.#linkOfPage());
    const capability = await parseCapability(text.trim().split("#").at(-1) ?? "");
    if (capability.type === "block") throw new WrongCapability("this link is for a file, not for a log");
    if (link === undefined) await this.#remember(text);
    return capability;
  }

  /** @returns {Promise<string>} the one in the address, which is taken out of it, or was before in this tab */
  async #linkOfPage() {
    const text = location.hash.slice(1);
    if (text) {
      history.replaceState(history.state, "", location.pathname + location.search);
      return text;
    }
    const kept = sessionStorage.getItem(linkKey());
    if (!kept) throw new WrongCapability("there is no link in the address");
    const { device } = await this.browser.storage();
    return textOf(await device.open(fromBase64url(kept)));
  }

  /** @param {string} text */
  async #remember(text) {
    const { device } = await this.browser.storage();
    sessionStorage.setItem(linkKey(), toBase64url(await device.seal(utf8(text))));
  }
}

/**
 * An open account: its keyring, kept in a chain of its own, and the logs whose capabilities are in it.
 *
 * @import { ChainCapability, Log as OneLog } from "../chains/log.js"
 * @import { LogEntry } from "../chains/log_entry.js"
 * @import { Space } from "../space/space.js"
 * @import { Accounts, DoorOptions } from "./accounts.js"
 */

import { CairnError, Conflict, Invalid } from "../errors.js";
import { parseCapability } from "../format/capability.js";
import { formatWrite, newWriteCapability } from "../format/write_capability.js";
import { toHex } from "../format/bytes.js";
import { Keyring } from "../chains/keyring.js";
import { Log } from "../chains/log.js";
import { Signal } from "../signal.js";
import { Outbox } from "../state/outbox.js";

const TRIES = 8;
const SPACE_PREFIX = "space/";

/** Entries wait on this device that signing out would lose. */
export class Unsent extends CairnError {
  code = "unsent";
  hint = "Connect first, or sign out with { discard: true }.";
}

/** The account of whoever is signed in. */
export class Account {
  /** @type {Map<string, Promise<OneLog>>} */
  #open = new Map();

  /** Whether it is still open on this device: signing out, in any tab, ends it. As a signal. */
  isOpen = new Signal(true);

  /**
   * @param {Accounts} accounts
   * @param {OneLog} log the account's own
   * @param {{ name: string, home: string, recoveryCode: string | null }} about not for use outside: see `Accounts`
   */
  constructor(accounts, log, { name, home, recoveryCode }) {
    this.accounts = accounts;
    this.log = log;
    /** As it was given at signing up. */
    this.name = name;
    /** The URL of the server that the account has moved to; empty: it is here. */
    this.home = home;
    /** Opens the account without its password: show it once, for paper. Null but after `signUp`. */
    this.recoveryCode = recoveryCode;
    log.browser.listen(log.id, ({ isSignedOut }) => isSignedOut && this.#end());
  }

  /**
   * The log of a name in this account. At first use it is made: private, until a link to it is given out.
   *
   * @param {string} name
   * @returns {Promise<OneLog>} the same one for the same name
   * @throws {CairnError} Unavailable: it is to be made, and there is no connection
   */
  open(name) {
    let log = this.#open.get(name);
    if (!log) {
      log = this.#find(name);
      this.#open.set(name, log);
      log.catch(() => this.#open.delete(name));
    }
    return log;
  }

  /** The names of all logs in this account. @returns {Promise<string[]>} */
  async names() {
    await this.log.catchUp();
    return [...this.#caps().keys()].filter((name) => !name.startsWith(SPACE_PREFIX));
  }

  /**
   * Keeps a log that somebody shared, or that was made without an account, under a name.
   *
   * @param {string} name
   * @param {OneLog} log
   */
  async keep(name, log) {
    await this.log.add({ name, cap: await log.capabilityText(log.can) });
    this.#open.set(name, Promise.resolve(log));
  }

  /**
   * The space of a name in this account, which owns it: made at first use.
   *
   * @param {string} name
   * @returns {Promise<Space>}
   */
  async space(name) {
    const { Space } = await import("../space/space.js");
    await this.log.catchUp();
    const known = this.#caps().get(SPACE_PREFIX + name);
    if (known) return Space.of(this.log.browser, await capabilityIn(known));
    const space = await Space.make(this.log.browser, name, this.name);
    await this.keepSpace(name, space);
    return space;
  }

  /** Keeps a space, such as one that an invitation opened, so that `space` opens it. @param {string} name @param {Space} space */
  async keepSpace(name, space) {
    await this.log.add({ name: SPACE_PREFIX + name, cap: await space.capabilityText() });
  }

  /** Takes a log out of the account. The log itself stays on the server. @param {string} name */
  async forget(name) {
    await this.log.add({ name, cap: null });
    this.#open.delete(name);
  }

  /**
   * Gives the account another password. The recovery codes stay.
   *
   * @param {string} from the present password
   * @param {string} to the new one
   * @param {DoorOptions} [options]
   * @throws {CairnError} NoAccount: the present one is wrong. Closed: the account had the new one before.
   */
  changePassword(from, to, options) {
    return this.accounts.changePassword(this.name, from, to, options);
  }

  /** A further recovery code. @param {string} password @param {DoorOptions} [options] @returns {Promise<string>} */
  newRecoveryCode(password, options) {
    return this.accounts.recoveryCode(this.name, password, options);
  }

  /**
   * Ends the session, in all tabs, and removes from this device the keys and what was read with them.
   *
   * @param {{ discard?: boolean }} [options] discard: also what was added here and has not reached the server
   * @throws {Unsent} something has not, even now
   */
  async signOut({ discard = false } = {}) {
    const { database, device, cache } = await this.log.browser.storage();
    const outbox = new Outbox(database, device);
    await this.log.catchUp().catch(() => {}); // whatever the server does, one can leave
    const chains = await this.#chains();
    const waiting = new Set(await outbox.chains());
    for (const [name, { id }] of chains) if (waiting.has(id)) await this.open(name);
    await Promise.all([this.log, ...(await Promise.all(this.#open.values()))].map((log) => log.flush()));
    const keyrings = [this.log.keyring, ...[...chains.values()].map(({ keyring }) => keyring)];
    const unsent = await Promise.all(keyrings.map(({ chainId }) => outbox.letters(toHex(chainId))));
    if (unsent.flat().length > 0 && !discard) throw new Unsent("some entries have not reached the server yet");
    await this.accounts.forget();
    this.#end();
    this.log.browser.tell({ chain: this.log.id, isSignedOut: true });
    for (const { chainId } of keyrings) {
      await outbox.clear(toHex(chainId));
      await cache.forget(chainId);
    }
  }

  /** Nothing goes on here any more. */
  #end() {
    this.log.close();
    for (const log of this.#open.values()) log.then((opened) => opened.close(), () => {}); // prettier-ignore
    this.#open.clear();
    this.isOpen.value = false;
  }

  /** @param {string} name @returns {Promise<OneLog>} */
  async #find(name) {
    const known = this.#caps().get(name);
    return Log.of(this.log.browser, known ? await capabilityIn(known) : await this.#foundOrMade(name));
  }

  /** @param {string} name @returns {Promise<ChainCapability>} */
  async #foundOrMade(name) {
    for (let attempt = 1; ; attempt++) {
      await this.log.catchUp();
      const known = this.#caps().get(name);
      if (known) return capabilityIn(known);
      const capability = newWriteCapability();
      try {
        await this.log.addNext({ name, cap: await formatWrite(capability) });
        return capability;
      } catch (error) {
        if (!(error instanceof Conflict) || attempt === TRIES) throw error; // another device wrote: perhaps this name
      }
    }
  }

  /** All logs of this account, opened here or not. @returns {Promise<Map<string, { id: string, keyring: Keyring }>>} */
  async #chains() {
    const keyrings = [...this.#caps()].map(async ([name, text]) => {
      const keyring = await Keyring.of(await capabilityIn(text));
      return /** @type {const} */ ([name, { id: toHex(keyring.chainId), keyring }]);
    });
    return new Map(await Promise.all(keyrings));
  }

  /** @returns {Map<string, string>} */
  #caps() {
    return this.log.list.reduce(applied, new Map());
  }
}

/** @param {Map<string, string>} caps @param {LogEntry} record @returns {Map<string, string>} */
function applied(caps, { kind, value }) {
  if (kind === "snapshot" && value?.caps) return new Map(Object.entries(value.caps));
  if (kind !== "entry" || typeof value?.name !== "string") return caps;
  if (typeof value.cap === "string") caps.set(value.name, value.cap);
  else caps.delete(value.name);
  return caps;
}

/** @param {string} text @returns {Promise<ChainCapability>} */
async function capabilityIn(text) {
  const capability = await parseCapability(text);
  if (capability.type === "block") throw new Invalid("the keyring holds a capability that is for no chain");
  return capability;
}

/**
 * A space: many writers, a chain each, and the owner's roster that names them.
 *
 * Theory of operation. The owner makes a chain for each member and gives its write capability away as the invitation. Its
 * first record holds what reads the roster; the roster holds what reads all members' chains. To remove a member, the owner
 * changes the keys of all other chains and of the roster, writes the new ones into the roster, and hands the roster's own
 * to each member in that member's chain. Who was removed has none of these. See docs/sdk.md, "Spaces".
 *
 * @import { Browser } from "../browser.js"
 * @import { ChainCapability } from "../chains/log.js"
 * @import { Added } from "../chains/queue.js"
 * @import { CairnError } from "../errors.js"
 * @import { Member, Roster } from "./roster.js"
 * @import { SpaceEntry } from "./order.js"
 */

import { Log } from "../chains/log.js";
import { Forbidden, Invalid, NotFound } from "../errors.js";
import { fromBase64url, textOf, toBase64url, utf8 } from "../format/bytes.js";
import { parseCapability } from "../format/capability.js";
import { formatWrite, newWriteCapability } from "../format/write_capability.js";
import { sealMessage } from "../format/inbox.js";
import { Signal } from "../signal.js";
import { entriesOf, merged, stamped, timeAfter } from "./order.js";
import { rosterOf } from "./roster.js";

/** One space, as its owner, a member or a reader has it. Made by `Cairn.newSpace`, `Cairn.openSpace` and `Account.space`. */
export class Space {
  /** @type {Log} */
  #roster;
  /** @type {Log | null} */
  #own;
  /** @type {Map<string, { log: Log, read: string, stop: () => void }>} by the member's id */
  #logs = new Map();
  /** @type {Set<(list: SpaceEntry[]) => void>} */
  #watchers = new Set();
  /** @type {Set<(value: any, member: Member) => void>} */
  #hearers = new Set();
  /** @type {(() => void)[]} */
  #stops = [];
  /** @type {Promise<void>} */
  #following = Promise.resolve();

  /** What the server or a member did that is refused; see `Log.problem`. @type {Signal<CairnError | null>} */
  problem = new Signal(/** @type {CairnError | null} */ (null));

  /** @param {Browser} browser @param {Log} roster @param {Log | null} own not for use outside of this class */
  constructor(browser, roster, own) {
    this.browser = browser;
    this.#roster = roster;
    this.#own = own;
  }

  /** @param {Browser} browser @param {string} name @param {string} ownerName @returns {Promise<Space>} */
  static async make(browser, name, ownerName) {
    const roster = await Log.of(browser, newWriteCapability());
    await roster.add({ space: { name } });
    const space = new Space(browser, roster, null);
    space.#own = await space.#addMember(ownerName, true);
    return space;
  }

  /**
   * The space that a capability is for: the owner's (writes the roster), an invitation (writes a member's chain), or a
   * reader's (reads the roster).
   *
   * @param {Browser} browser
   * @param {ChainCapability} capability
   * @returns {Promise<Space>}
   * @throws {NotFound} it is for something else
   */
  static async of(browser, capability) {
    const log = await Log.of(browser, capability);
    await log.catchUp();
    if (log.list[0]?.value?.space) {
      const space = new Space(browser, log, null);
      if (log.can === "write") space.#own = await space.#writerOf(space.#owner());
      return space;
    }
    const roster = rosterCapabilityIn(log);
    if (!roster) throw new NotFound("this link is for no space");
    return new Space(browser, await openedByText(browser, roster), log);
  }

  /** As its owner named it. */
  get name() {
    return this.#state.name;
  }

  /** Those who are members now. @returns {Member[]} */
  get members() {
    return [...this.#state.members.values()].filter(({ lastSeq }) => lastSeq === null);
  }

  /** Those who were. @returns {Member[]} */
  get removed() {
    return [...this.#state.members.values()].filter(({ lastSeq }) => lastSeq !== null);
  }

  /** The id of the roster's chain in hex: the same for all members. */
  get id() {
    return this.#roster.id;
  }

  /** Who this is; null for a reader. @returns {Member | null} */
  get me() {
    return this.#state.members.get(this.#own?.id ?? "") ?? null;
  }

  /** Whether this is who invites and removes. */
  get isOwner() {
    return this.#roster.can === "write";
  }

  /** All that the members wrote, in one order, as far as it is known. @returns {SpaceEntry[]} */
  get list() {
    const rows = [...this.#state.members.values()].map((member) => entriesOf(member, this.#logOf(member)?.list ?? []));
    return merged(rows);
  }

  /** Adds a value in this member's name. @param {unknown} value as for `Log.add` @returns {Promise<Added>} */
  add(value) {
    return this.#writing().add(stamped(value, timeAfter(this.list, Date.now())));
  }

  /**
   * Writes what `make` gives in place of all that this member wrote so far, as `Log.snapshotOf` does in a log.
   *
   * @param {() => unknown[]} make called when all of that is in `list`
   * @returns {Promise<Added>}
   * @throws {CairnError} as `Log.snapshot`
   */
  async snapshotOf(make) {
    const own = this.#writing();
    await this.#catchUpMembers();
    return own.snapshotOf(() => {
      const at = timeAfter(this.list, Date.now());
      const values = make().map((value, index) => stamped(value, at + index));
      return values.length > 0 ? [...values, { roster: rosterCapabilityIn(own) }] : [];
    });
  }

  /** Accepts all that is new on the server. Where one of the chains can't be had, the page is offline: it may be an old state. */
  async catchUp() {
    const areMembersThere = await this.#catchUpMembers();
    const areThere = await Promise.all([...this.#logs.values()].map(({ log }) => log.catchUp()));
    // The other chains that are there must not hide that one is not.
    if (!areMembersThere || areThere.includes(false)) this.browser.status.value = "offline";
  }

  /**
   * Shows all that the members wrote to a listener: now, and at every change.
   *
   * @param {(list: SpaceEntry[]) => void} listener
   * @returns {() => void} ends it
   */
  watch(listener) {
    this.#watchers.add(listener);
    if (this.#watchers.size === 1) this.#follow();
    else listener(this.list);
    return () => {
      this.#watchers.delete(listener);
      if (this.#watchers.size === 0) this.#unfollow();
    };
  }

  /** Tells who is there now something of the moment; it is never stored. @param {unknown} value @returns {Promise<void>} */
  say(value) {
    return this.#writing().say(value);
  }

  /** Listens to what others say, while the space is watched. @param {(value: any, member: Member) => void} listener @returns {() => void} */
  hear(listener) {
    this.#hearers.add(listener);
    return () => void this.#hearers.delete(listener);
  }

  /**
   * A link by which one more writer joins.
   *
   * @param {string} name
   * @param {{ page?: string }} [options] page: the address that opens it
   * @returns {Promise<string>}
   * @throws {Forbidden} only the owner invites
   */
  async invite(name, options = {}) {
    this.#owning();
    return (await this.#addMember(name, false)).link({ ...options, can: "write" });
  }

  /** A link that reads all, until a member is removed. @param {{ page?: string }} [options] @returns {Promise<string>} */
  link(options = {}) {
    return this.#roster.link({ ...options, can: "read" });
  }

  /** What opens this space again with the same rights. @returns {Promise<string>} a capability */
  async capabilityText() {
    const log = this.isOwner ? this.#roster : (this.#own ?? this.#roster);
    return log.capabilityText(log.can);
  }

  /**
   * Removes a member: what it writes from now on does not count, and it reads nothing of what comes. If this breaks off,
   * do it again.
   *
   * @param {string} id
   * @throws {Forbidden} only the owner removes, and not itself
   */
  async remove(id) {
    this.#owning();
    await this.catchUp();
    const removed = this.#state.members.get(id);
    if (!removed || removed.isOwner) throw new Forbidden("there is no such member to remove");
    /** @type {Record<string, string>} */
    const keys = {};
    const others = this.members.filter((member) => member.id !== id);
    const writers = await Promise.all(others.map((member) => this.#writerOf(member)));
    for (const log of writers) {
      await log.rotate();
      keys[log.id] = await log.capabilityText("read");
    }
    // Only now is it told, so that whoever sees it may rely on it.
    await this.#roster.add({ remove: { id, seq: this.#logOf(removed)?.seq ?? 0 } });
    await this.#roster.rotate();
    await this.#roster.add({ keys });
    const roster = await this.#roster.capabilityText("read");
    for (const log of writers) {
      await log.add({ roster });
      if (log !== this.#own) log.close();
    }
    await this.#openMembers();
  }

  /** Ends what goes on. */
  close() {
    this.#watchers.clear();
    this.#unfollow();
    for (const log of [this.#roster, this.#own, ...[...this.#logs.values()].map(({ log }) => log)]) log?.close();
  }

  /** @returns {Roster} */
  get #state() {
    return rosterOf(this.#roster.list);
  }

  #owner() {
    const owner = [...this.#state.members.values()].find(({ isOwner }) => isOwner);
    if (!owner) throw new Invalid("the space was not made to its end: make another");
    return owner;
  }

  #owning() {
    if (!this.isOwner) throw new Forbidden("only the owner of a space may do this");
  }

  #writing() {
    if (!this.#own) throw new Forbidden("this link reads the space, and does not write");
    return this.#own;
  }

  /** Learns who is a member now, and what this one wrote. @returns {Promise<boolean>} false: one of these was not there */
  async #catchUpMembers() {
    const isOwnThere = !this.#own || (await this.#own.catchUp());
    const isRosterThere = await this.#roster.catchUp();
    const isNewRosterThere = await this.#openMembers();
    return isOwnThere && isRosterThere && isNewRosterThere;
  }

  /** @param {string} name @param {boolean} isOwner @returns {Promise<Log>} the member's, with the right to write */
  async #addMember(name, isOwner) {
    const capability = newWriteCapability();
    const log = await Log.of(this.browser, capability);
    await log.add({ roster: await this.#roster.capabilityText("read") });
    const { keys } = this.#roster;
    if (!keys) throw new Forbidden("only the owner of a space may do this");
    const key = toBase64url(await sealMessage(await keys.inboxKey(), utf8(await formatWrite(capability))));
    await this.#roster.add({ member: { id: log.id, name, isOwner, read: await log.capabilityText("read"), key } });
    return log;
  }

  /** @param {Member} member @returns {Promise<Log>} the member's, with the right to write, which the owner has */
  async #writerOf({ id, key }) {
    if (this.#own?.id === id) return this.#own;
    const text = await this.#roster.keys?.openMessage(fromBase64url(key));
    return openedByText(this.browser, textOf(text ?? new Uint8Array()));
  }

  /** @param {Member} member @returns {Log | null} */
  #logOf({ id }) {
    return this.#own?.id === id ? this.#own : (this.#logs.get(id)?.log ?? null);
  }

  /**
   * Opens the chains of members that are new, or whose keys are; one change after the other.
   *
   * @returns {Promise<boolean>} false: the roster has new keys, and was not there
   */
  #openMembers() {
    const turn = this.#following.then(() => this.#openNow());
    this.#following = turn.then(
      () => {},
      () => {},
    );
    return turn;
  }

  async #openNow() {
    const isRosterThere = await this.#openRoster();
    for (const { id, read } of this.#state.members.values()) {
      const known = this.#logs.get(id);
      if (id === this.#own?.id || known?.read === read) continue;
      known?.stop();
      known?.log.close();
      const log = await openedByText(this.browser, read);
      this.#logs.set(id, { log, read, stop: this.#watchers.size > 0 ? this.#watchLog(log) : () => {} });
    }
    return isRosterThere;
  }

  /** The roster by the newest key that was handed to this member. @returns {Promise<boolean>} false: it was not there */
  async #openRoster() {
    const text = this.#own && !this.isOwner ? rosterCapabilityIn(this.#own) : null;
    if (!text || text === (await this.#roster.capabilityText("read"))) return true;
    this.#roster.close();
    this.#roster = await openedByText(this.browser, text);
    if (this.#watchers.size > 0) this.#stops.push(this.#watchRoster());
    return this.#roster.catchUp();
  }

  #follow() {
    this.#stops.push(this.#watchRoster());
    if (this.#own) this.#stops.push(this.#watchLog(this.#own));
    for (const opened of this.#logs.values()) opened.stop = this.#watchLog(opened.log);
    this.#changed();
  }

  #unfollow() {
    for (const stop of this.#stops.splice(0)) stop();
    for (const { stop } of this.#logs.values()) stop();
  }

  /** @returns {() => void} */
  #watchRoster() {
    return this.#roster.watch(() => this.#changed(), (error) => (this.problem.value = error)); // prettier-ignore
  }

  /** @param {Log} log @returns {() => void} */
  #watchLog(log) {
    const stopWatching = log.watch(() => this.#changed(), (error) => (this.problem.value = error)); // prettier-ignore
    const stopHearing = log.hear((value) => this.#heard(log.id, value));
    return () => (stopWatching(), stopHearing());
  }

  /** What one says oneself comes back, too, and is passed over. @param {string} id @param {any} value */
  #heard(id, value) {
    const member = this.#state.members.get(id);
    if (!member || member.lastSeq !== null || id === this.#own?.id) return;
    for (const hearer of [...this.#hearers]) hearer(value, member);
  }

  /** What fails here, the logs tell: see `Log.problem`. */
  #changed() {
    const tell = () => this.#tell();
    void this.#openMembers().then(tell, tell);
  }

  #tell() {
    const { list } = this;
    for (const watcher of [...this.#watchers]) watcher(list);
  }
}

/** @param {Log} log a member's @returns {string | null} what reads the roster, as the owner wrote it last */
function rosterCapabilityIn(log) {
  const record = log.list.findLast(({ value }) => typeof value?.roster === "string");
  return record ? record.value.roster : null;
}

/** @param {Browser} browser @param {string} text @returns {Promise<Log>} */
async function openedByText(browser, text) {
  const capability = await parseCapability(text);
  if (capability.type === "block") throw new Invalid("a space names a capability that is for no chain");
  return Log.of(browser, capability);
}

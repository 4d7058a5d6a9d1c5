/**
 * The roster of a space: who its members are, as the owner wrote it, and nobody else can. Pure.
 *
 * Records, in the owner's roster chain:
 *
 *     {"space": {"name": "..."}}                                        the first
 *     {"member": {"id", "name", "isOwner", "read", "key"}}              a chain, what reads it, what writes it
 *     {"remove": {"id", "seq"}}                                         what it wrote after seq does not count
 *     {"keys": {"<id>": "crn1r_...", ...}}                              what reads the chains from here on
 *
 * `key` is the chain's write capability, sealed to the roster's own writer: the owner needs it to change the keys when
 * somebody is removed.
 *
 * @import { LogEntry } from "../chains/log_entry.js"
 *
 * @typedef {object} Member
 * @property {string} id of the member's chain, in hex
 * @property {string} name
 * @property {boolean} isOwner
 * @property {string} read the newest read capability of the chain
 * @property {string} key
 * @property {number | null} lastSeq of what counts, if the member was removed
 * @typedef {{ name: string, members: Map<string, Member> }} Roster
 */

/** @param {LogEntry[]} list of the roster chain @returns {Roster} records that are malformed are passed over */
export function rosterOf(list) {
  return list.reduce(applied, { name: "", members: new Map() });
}

/** @param {Roster} roster @param {LogEntry} entry @returns {Roster} */
function applied(roster, { value }) {
  const { space, member, remove, keys } = Object(value);
  if (typeof space?.name === "string" && !roster.name) roster.name = space.name;
  if (typeof member?.id === "string" && !roster.members.has(member.id)) roster.members.set(member.id, memberOf(member));
  const removed = roster.members.get(remove?.id);
  if (removed && removed.lastSeq === null) removed.lastSeq = Number(remove.seq) || 0;
  for (const [id, read] of Object.entries(Object(keys))) {
    const known = roster.members.get(id);
    if (known && typeof read === "string") known.read = read;
  }
  return roster;
}

/** @param {any} record @returns {Member} */
function memberOf({ id, name, isOwner, read, key }) {
  return { id, name: String(name), isOwner: isOwner === true, read: String(read), key: String(key), lastSeq: null };
}

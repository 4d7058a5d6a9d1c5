/**
 * The order of what the members of a space wrote: the same for everyone who has the same entries. Pure.
 *
 * Each entry carries the time at which it was written, and no member writes an earlier time than it has seen. Where a
 * clock was behind, a chain's own order comes first. A time is a member's word, and proves nothing. What a member wrote
 * before its newest snapshot is left out: only those who came earlier have it.
 *
 * @import { LogEntry } from "../chains/log_entry.js"
 * @import { Member } from "./roster.js"
 *
 * @typedef {object} SpaceEntry
 * @property {Member} member who wrote it
 * @property {number} at Unix milliseconds, by the member's word
 * @property {any} value
 * @property {LogEntry} entry
 */

import { concat, readU64, u64 } from "../format/bytes.js";

const SKEW_MS_MAX = 60_000;
const TIME_BYTES = 8;

/** @param {unknown} value @param {number} at @returns {unknown} what a member's entry holds */
export function stamped(value, at) {
  return value instanceof Uint8Array ? concat(u64(at), new Uint8Array(value)) : { at, value };
}

/**
 * The time to write: now, or just after the newest that was seen, as far as that is not nonsense.
 *
 * @param {SpaceEntry[]} seen in order
 * @param {number} now
 */
export function timeAfter(seen, now) {
  const newest = seen.findLast(({ at }) => at <= now + SKEW_MS_MAX)?.at ?? 0;
  return Math.max(now, newest + 1);
}

/** What a member's chain adds to the space, from its newest snapshot on. @param {Member} member @param {LogEntry[]} list @returns {SpaceEntry[]} */
export function entriesOf(member, list) {
  /** @type {SpaceEntry[]} */
  let entries = [];
  let least = 0;
  for (const entry of list) {
    const found = unstamped(entry);
    if (!found || (member.lastSeq !== null && (entry.seq ?? Infinity) > member.lastSeq)) continue;
    least = Math.max(least, found.at);
    if (entry.kind === "snapshot") entries = [];
    entries.push({ member, entry, at: least, value: found.value });
  }
  return entries;
}

/** @param {SpaceEntry[][]} rows one for each member @returns {SpaceEntry[]} */
export function merged(rows) {
  return rows.flat().sort((a, b) => a.at - b.at || byId(a, b) || (a.entry.seq ?? Infinity) - (b.entry.seq ?? Infinity));
}

/** @param {SpaceEntry} a @param {SpaceEntry} b */
function byId({ member: { id: a } }, { member: { id: b } }) {
  return a < b ? -1 : a > b ? 1 : 0;
}

/** @param {LogEntry} entry @returns {{ at: number, value: any } | null} null: it is not the application's */
function unstamped({ value, kind }) {
  if (kind !== "entry" && kind !== "snapshot") return null;
  if (value instanceof Uint8Array) {
    const bytes = new Uint8Array(value);
    return bytes.length < TIME_BYTES ? null : { at: readU64(bytes, 0), value: bytes.slice(TIME_BYTES) };
  }
  return Number.isSafeInteger(value?.at) && "value" in value ? { at: value.at, value: value.value } : null;
}

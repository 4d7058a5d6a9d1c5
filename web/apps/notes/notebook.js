/**
 * Notes out of a log: an entry is one note as it stood then, and of each note the last one counts. Without text it is deleted.
 *
 * @import { LogEntry } from "/sdk/chains/log_entry.js"
 * @typedef {{ id: string, text: string, at: number, isPinned: boolean, isPending?: boolean }} Note
 */

/** @param {LogEntry[]} entries @returns {Note[]} pinned ones first, then by the time when they were written */
export function notesOf(entries) {
  const notes = new Map();
  for (const { value, isPending } of entries) {
    if (typeof value?.text !== "string") notes.delete(value?.id);
    else notes.set(value.id, { ...value, at: Number(value.at), isPinned: Boolean(value.isPinned), isPending });
  }
  return [...notes.values()].sort((a, b) => Number(b.isPinned) - Number(a.isPinned) || b.at - a.at);
}

/** @param {Note[]} notes @param {string} words @returns {Note[]} those that have each of the words, whatever case and accents */
export function matching(notes, words) {
  const wanted = folded(words).split(/\s+/);
  return notes.filter(({ text }) => wanted.every((word) => folded(text).includes(word)));
}

/** @param {string} text */
const folded = (text) => text.normalize("NFKD").replace(/\p{M}/gu, "").toLowerCase();

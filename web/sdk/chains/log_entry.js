/**
 * What an application sees of an entry.
 *
 * @import { Reference } from "../format/reference.js"
 * @import { Content } from "../format/payload.js"
 * @import { Item } from "./reader.js"
 *
 * @typedef {"entry" | "snapshot" | "rotation" | "end"} EntryKind
 * @typedef {object} LogEntry
 * @property {number | null} seq its place; null while it waits in the outbox
 * @property {EntryKind} kind
 * @property {any} value what was added: text, a JSON value, or bytes; undefined if it cannot be read
 * @property {Reference[]} references to the blocks that it adds
 * @property {boolean} isPending it waits in the outbox of this device
 * @property {CairnError | null} problem why it cannot be read, if it cannot
 * @property {number} missingBefore how many entries before it were given up
 */

import { CairnError, Invalid, KeyMissing } from "../errors.js";
import { KIND } from "../format/entry.js";
import { decodePayload } from "../format/payload.js";

/** @type {EntryKind[]} */
const KINDS = ["entry", "entry", "rotation", "snapshot", "end"];

/**
 * @param {Item} item
 * @returns {LogEntry | null} null: it is not of the application's making, such as the genesis
 */
export function logEntryOf({ seq, kind, missingBefore, inside }) {
  if (kind === KIND.GENESIS) return null;
  const common = { seq, kind: /** @type {EntryKind} */ (KINDS[kind]), isPending: false, missingBefore };
  if (inside.type !== "open") return { ...common, value: undefined, references: [], problem: problemOf(inside) };
  const { content, references } = inside.payload;
  if (!content && kind === KIND.ROTATE) return null;
  return { ...common, value: valueOf(content), references, problem: null };
}

/** @param {Uint8Array<ArrayBuffer>} payload of a letter in the outbox @returns {LogEntry} */
export function pendingEntry(payload) {
  const { content, references } = decodePayload(payload);
  const value = valueOf(content);
  return { seq: null, kind: "entry", value, references, isPending: true, problem: null, missingBefore: 0 };
}

/** @param {Content | null} content */
function valueOf(content) {
  if (!content) return undefined;
  if (content.type === "text") return content.text;
  return content.type === "json" ? content.value : content.bytes;
}

/** @param {Item["inside"]} inside @returns {CairnError} */
function problemOf(inside) {
  if (inside.type === "faulty") return new Invalid(`its writer made it wrong: ${inside.reason}`);
  if (inside.type === "key_missing") return new KeyMissing("the chain's keys were changed after this link was made");
  return new KeyMissing("this link verifies, and reads nothing");
}

/**
 * Yjs on a log or a space: what is typed becomes sealed entries, and the entries of others become changes of the document.
 *
 *     import * as Y from "yjs";
 *     import { bindYjs } from "/sdk/yjs.js";
 *
 *     const binding = bindYjs({ Y, doc, space });
 *     await binding.loaded;
 *
 * Yjs is the application's own. Nothing here is part of `cairn.js`, and nothing of that is loaded again.
 *
 * Theory of operation. Changes of a moment are merged and added as one entry; so they wait in the outbox where there is no
 * connection. Whatever the list of entries then shows is applied once, by whoever wrote it; what comes back of one's own is
 * known again and passed over. Now and then a writer replaces its entries by a snapshot: the whole document as it has it.
 * A document knows of each change whether it has it, so a reader applies the newest snapshot of every writer and what
 * follows it, in any order. No writer's snapshot leans on what another writes, or takes away.
 *
 * @import { Bytes, LogLike, Member, Row, SpaceLike } from "./yjs/source.js"
 * @import { AwarenessLike, AwarenessProtocol } from "./yjs/presence.js"
 *
 * @typedef {object} YjsModule what is needed of `import * as Y from "yjs"`
 * @property {(doc: any, update: Uint8Array, origin?: any) => void} applyUpdate
 * @property {(update: Uint8Array) => any} decodeUpdate
 * @property {(updates: Uint8Array[]) => Uint8Array} mergeUpdates
 * @property {(doc: any) => Uint8Array} encodeStateAsUpdate
 * @typedef {object} DocLike a `Y.Doc`
 * @property {(work: () => void, origin?: any) => void} transact
 * @property {(event: "update", listener: (update: Uint8Array, origin: any) => void) => void} on
 * @property {(event: "update", listener: (update: Uint8Array, origin: any) => void) => void} off
 * @property {{ pendingStructs: unknown }} store
 * @typedef {object} BindingOptions
 * @property {YjsModule} Y
 * @property {DocLike} doc begun for this: what it holds already is added as if it were typed now
 * @property {LogLike} [log] where it is kept: a log, for the devices of one account,
 * @property {SpaceLike} [space] or a space, for several people
 * @property {AwarenessLike} [awareness] who is there, and where: an `Awareness` of y-protocols
 * @property {AwarenessProtocol} [awarenessProtocol] `import * as awarenessProtocol from "y-protocols/awareness"`
 * @property {(decoded: any) => boolean} [accepts] whether the document may hold what `Y.decodeUpdate` gives of an update
 * @property {number} [mergeMs] changes of so many milliseconds are one entry: 200, if not given
 * @property {number} [snapshotEntries] a snapshot is written after so many entries of one's own: 500, if not given
 * @property {number} [snapshotBytes] or after so many bytes: 256 KiB, if not given
 * @typedef {object} Problem
 * @property {string} code as of a `CairnError`
 * @property {string} message
 * @property {string} hint
 * @typedef {object} Refused an entry that is no change of a document
 * @property {Member | null} member who wrote it; null in a log
 * @property {number | null} seq
 * @property {string} reason
 */

import { Signal } from "./signal.js";
import { Assembly, UPDATE_BYTES_MAX, encodeUpdate, pieceCount } from "./yjs/pieces.js";
import { Presence } from "./yjs/presence.js";
import { Sending } from "./yjs/sending.js";
import { LogSource, SpaceSource } from "./yjs/source.js";

const MERGE_MS = 200;
const SNAPSHOT_ENTRIES = 500;
const SNAPSHOT_BYTES = 256 * 1024;
const REFUSED_MAX = 1_000;
const EMPTY_UPDATE_BYTES = 2;

/** Keeps a document in a log or a space, from now on. @param {BindingOptions} options @returns {YjsBinding} */
export function bindYjs(options) {
  return new YjsBinding(options);
}

/** A document, kept in a log or a space. Made by `bindYjs`. */
export class YjsBinding {
  /** @type {WeakSet<object>} entries that are dealt with */
  #seen = new WeakSet();
  /** @type {Set<object>} entries that were refused */
  #bad = new Set();
  /** @type {Map<string, Assembly>} by the writer's chain */
  #assemblies = new Map();
  /** @type {Map<string, number>} the newest seq that was applied, by the writer's chain */
  #applied = new Map();
  /** @type {Set<string> | null} chains of members whose removal is dealt with; null: not looked yet */
  #removed = null;
  #hasLost = false;
  /** @type {(decoded: any) => boolean} */
  #accepts;
  /** @type {Promise<void> | null} */
  #snapshotting = null;
  /** @type {(() => void)[]} */
  #stops = [];

  /** What is wrong, or null: what the server does, what cannot be sent, a member who writes nonsense. @type {Signal<Problem | null>} */
  problem = new Signal(/** @type {Problem | null} */ (null));
  /** Whether something that was typed here is neither on the server yet nor in the outbox. @type {Signal<boolean>} */
  unsent;
  /** Entries that were passed over. @type {Refused[]} */
  refused = [];
  /** @type {Promise<void>} all that is known is in the document; it never rejects: see `problem` */
  loaded;

  /** @param {BindingOptions} options */
  constructor({ Y, doc, log, space, awareness, awarenessProtocol, accepts = () => true, ...limits }) {
    if (!log === !space) throw new TypeError("bindYjs needs a log or a space");
    this.Y = Y;
    this.doc = doc;
    this.#accepts = accepts;
    this.source = space ? new SpaceSource(space) : new LogSource(/** @type {LogLike} */ (log));
    this.limits = { entries: limits.snapshotEntries ?? SNAPSHOT_ENTRIES, bytes: limits.snapshotBytes ?? SNAPSHOT_BYTES };
    this.sending = new Sending(Y, this.source, limits.mergeMs ?? MERGE_MS, {
      onStands: () => this.#snapshotIfDue(),
      onProblem: (error) => this.#trouble(error),
    });
    this.unsent = this.sending.unsent;
    this.presence = awareness && awarenessProtocol ? new Presence(this.source, awareness, awarenessProtocol) : null;
    this.loaded = this.#begin();
  }

  async #begin() {
    const held = this.Y.encodeStateAsUpdate(this.doc);
    if (held.length > EMPTY_UPDATE_BYTES) this.sending.add(held);
    this.doc.on("update", this.#changed);
    await null; // nothing is applied before the application has the binding
    globalThis.addEventListener?.("beforeunload", this.#hurry);
    globalThis.addEventListener?.("pagehide", this.#leave);
    this.#stops.push(this.source.problem.subscribe((error) => error && this.#trouble(error)));
    this.#stops.push(this.source.watch(() => this.#take()));
    this.presence?.start();
    await this.source.catchUp().catch((error) => error.code === "unavailable" || this.#trouble(error));
    this.#take();
  }

  /** Writes the document as it is in place of all that was written here before. Nothing that others wrote is touched. */
  async snapshot() {
    await this.#snapshot(() => true);
  }

  /** Sends what was typed until now, without waiting for more. @returns {Promise<void>} it stands, or is in the outbox */
  flush() {
    return this.sending.flush();
  }

  /** Sends what was typed until now, and ends the binding. Log, space and document stay open. */
  async destroy() {
    this.doc.off("update", this.#changed);
    globalThis.removeEventListener?.("beforeunload", this.#hurry);
    globalThis.removeEventListener?.("pagehide", this.#leave);
    await Promise.all([this.sending.close(), this.presence?.stop()]);
    for (const stop of this.#stops.splice(0)) stop();
    await this.#snapshotting;
  }

  // --- out

  #changed = (/** @type {Uint8Array} */ update, /** @type {unknown} */ origin) => {
    if (origin !== this) this.sending.add(update);
  };

  #hurry = () => void this.flush();

  #leave = () => {
    this.#hurry();
    void this.presence?.leave();
  };

  #snapshotIfDue() {
    if (!this.#isDue()) return;
    this.#snapshotting ??= this.#snapshot(() => this.#isDue()).catch(() => {}).finally(() => (this.#snapshotting = null)); // prettier-ignore
  }

  /** @param {() => boolean} isWanted asked again when all entries are known: another device may have been first */
  async #snapshot(isWanted) {
    await this.flush();
    await this.source.snapshotOf(() => {
      this.#take();
      const state = this.Y.encodeStateAsUpdate(this.doc);
      if (!isWanted() || state.length > UPDATE_BYTES_MAX) return [];
      const values = encodeUpdate(state);
      this.sending.echoes.expect(values);
      return values;
    });
  }

  /** Whether one's own entries since the snapshot are many: more than a few, and not little beside it. */
  #isDue() {
    const rows = this.source.rows.filter(({ chain, entry }) => chain === this.source.ownChain && !entry.isPending);
    const first = rows[0];
    const parts = first?.entry.kind === "snapshot" ? pieceCount(first.value) : 0;
    const [snapshot, rest] = [bytesOf(rows.slice(0, parts)), bytesOf(rows.slice(parts))];
    const isMuch = rows.length - parts >= this.limits.entries || rest >= this.limits.bytes;
    return isMuch && rest >= snapshot / 4;
  }

  // --- in

  /** Applies all that is new. A failure may have cost the document what it held back: then all is applied once more. */
  #take() {
    this.#takeNew();
    if (this.#hasLost) {
      this.#hasLost = false;
      this.#seen = new WeakSet();
      this.#takeNew();
    }
    this.#heedRemovals();
  }

  #takeNew() {
    const rows = this.source.rows.filter(({ entry }) => !this.#seen.has(entry));
    if (rows.length > 0) this.doc.transact(() => rows.forEach((row) => this.#takeRow(row)), this);
  }

  /** What is not bytes is the application's, and passed over. @param {Row} row */
  #takeRow({ chain, member, entry, value }) {
    this.#seen.add(entry);
    this.#applied.set(chain, Math.max(entry.seq ?? 0, this.#applied.get(chain) ?? 0));
    if (!(value instanceof Uint8Array) || this.#bad.has(entry)) return;
    if (chain === this.source.ownChain && this.sending.echoes.has(value, entry.isPending)) return;
    try {
      const assembly = this.#assemblies.get(chain) ?? new Assembly();
      this.#assemblies.set(chain, assembly);
      const update = assembly.take(value);
      if (update) this.#apply(update);
    } catch (error) {
      this.#refuse({ member, seq: entry.seq, reason: error instanceof Error ? error.message : String(error) }, entry);
    }
  }

  /** An update that is malformed is refused before anything of it is applied. @param {Uint8Array} update */
  #apply(update) {
    if (!this.#accepts(this.Y.decodeUpdate(update))) throw new RangeError("it holds what this application takes from nobody");
    const holdsBack = Boolean(this.doc.store.pendingStructs); // changes that wait for earlier ones
    try {
      this.Y.applyUpdate(this.doc, update, this);
    } catch (error) {
      this.#hasLost ||= holdsBack;
      throw error;
    }
  }

  /** @param {Refused} refused @param {object} entry */
  #refuse(refused, entry) {
    this.#bad.add(entry);
    if (this.refused.push(refused) > REFUSED_MAX) this.refused.shift();
    const message = `${refused.member ? `${refused.member.name} wrote` : "The log has"} an entry that is no change of this document`;
    this.problem.value = { code: "invalid", message, hint: "It was passed over; all else is there." };
  }

  /** @param {Problem} error */
  #trouble({ code, message, hint }) {
    this.problem.value = { code, message, hint };
  }

  /**
   * Who was removed may take away what it wrote, and some members may have seen more of it than counts. So the owner, and
   * who has seen such, writes down the document as it has it.
   */
  #heedRemovals() {
    const { removed } = this.source;
    const fresh = removed.filter(({ id }) => this.#removed && !this.#removed.has(id));
    this.#removed = new Set(removed.map(({ id }) => id));
    this.presence?.forget(fresh);
    const isMine = (/** @type {Member} */ { id, lastSeq }) => this.source.isOwner || (this.#applied.get(id) ?? 0) > (lastSeq ?? 0);
    if (this.source.canWrite && fresh.some(isMine)) void this.snapshot().catch((error) => this.#trouble(error));
  }
}

/** @param {Row[]} rows */
function bytesOf(rows) {
  return rows.reduce((sum, { value }) => sum + (value instanceof Uint8Array ? value.length : 0), 0);
}

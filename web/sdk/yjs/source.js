/**
 * A log and a space under one face: who wrote what, from the newest snapshot of each writer on.
 *
 * @import { Signal } from "../signal.js"
 *
 * @typedef {Uint8Array<ArrayBuffer>} Bytes
 * @typedef {{ seq: number | null, kind: string, isPending: boolean, problem: unknown, value: any }} EntryLike
 * @typedef {{ id: string, name: string, lastSeq: number | null }} Member
 * @typedef {{ chain: string, member: Member | null, entry: EntryLike, value: any }} Row
 * @typedef {{ code: string, message: string, hint: string }} Trouble
 * @typedef {{ subscribe: (listener: (value: any) => void) => () => void, value: any }} SignalLike
 * @typedef {object} Both what logs and spaces have in common
 * @property {(value: unknown) => Promise<{ seq: number | null }>} add
 * @property {(make: () => unknown[]) => Promise<unknown>} snapshotOf
 * @property {() => Promise<unknown>} catchUp
 * @property {(listener: () => void) => () => void} watch
 * @property {(value: unknown) => Promise<void>} say
 * @property {(listener: (value: any, member?: any) => void) => () => void} hear
 * @property {SignalLike} problem
 * @property {{ status: SignalLike }} browser
 * @typedef {Both & { id: string, can: string, list: EntryLike[] }} LogLike a `Log`
 * @typedef {Both & { list: { member: Member, entry: EntryLike, value: any }[], me: Member | null, isOwner: boolean,
 *   members: Member[], removed: Member[] }} SpaceLike a `Space`
 * @typedef {LogSource | SpaceSource} Source
 */

/** What both do in the same way. @template {LogLike | SpaceLike} T */
class CommonSource {
  /** @param {T} of */
  constructor(of) {
    this.of = of;
    this.problem = of.problem;
    this.status = of.browser.status;
  }

  /** @param {Bytes} value */
  add(value) {
    return this.of.add(value);
  }

  /** @param {() => Bytes[]} make */
  snapshotOf(make) {
    return this.of.snapshotOf(make);
  }

  catchUp() {
    return this.of.catchUp();
  }

  /** @param {() => void} listener */
  watch(listener) {
    return this.of.watch(listener);
  }

  /** @param {unknown} value */
  say(value) {
    return this.of.say(value);
  }

  /** @param {(value: any, member: Member | null) => void} listener */
  hear(listener) {
    return this.of.hear((value, member = null) => listener(value, member));
  }
}

/** A log: one chain, whoever writes it. @extends {CommonSource<LogLike>} */
export class LogSource extends CommonSource {
  isOwner = false;
  /** @type {Member[]} */
  removed = [];

  get canWrite() {
    return this.of.can === "write";
  }

  get ownChain() {
    return this.of.id;
  }

  /** @returns {Row[]} */
  get rows() {
    const { id: chain, list } = this.of;
    const start = list.findLastIndex(({ kind, problem }) => kind === "snapshot" && !problem);
    return list.slice(Math.max(start, 0)).map((entry) => ({ chain, member: null, entry, value: entry.value }));
  }
}

/** A space: a chain for each writer. @extends {CommonSource<SpaceLike>} */
export class SpaceSource extends CommonSource {
  get canWrite() {
    return this.of.me?.lastSeq === null;
  }

  get isOwner() {
    return this.of.isOwner;
  }

  get ownChain() {
    return this.of.me?.id ?? null;
  }

  get removed() {
    return this.of.removed;
  }

  /** @returns {Row[]} */
  get rows() {
    return this.of.list.map(({ member, entry, value }) => ({ chain: member.id, member, entry, value }));
  }
}

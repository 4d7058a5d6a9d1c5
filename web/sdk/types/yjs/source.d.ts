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
export type Bytes = Uint8Array<ArrayBuffer>;
export type EntryLike = {
    seq: number | null;
    kind: string;
    isPending: boolean;
    problem: unknown;
    value: any;
};
export type Member = {
    id: string;
    name: string;
    lastSeq: number | null;
};
export type Row = {
    chain: string;
    member: Member | null;
    entry: EntryLike;
    value: any;
};
export type Trouble = {
    code: string;
    message: string;
    hint: string;
};
export type SignalLike = {
    subscribe: (listener: (value: any) => void) => () => void;
    value: any;
};
export type Both = {
    add: (value: unknown) => Promise<{
        seq: number | null;
    }>;
    snapshotOf: (make: () => unknown[]) => Promise<unknown>;
    catchUp: () => Promise<unknown>;
    watch: (listener: () => void) => () => void;
    say: (value: unknown) => Promise<void>;
    hear: (listener: (value: any, member?: any) => void) => () => void;
    problem: SignalLike;
    browser: {
        status: SignalLike;
    };
};
export type LogLike = Both & {
    id: string;
    can: string;
    list: EntryLike[];
};
export type SpaceLike = Both & {
    list: {
        member: Member;
        entry: EntryLike;
        value: any;
    }[];
    me: Member | null;
    isOwner: boolean;
    members: Member[];
    removed: Member[];
};
export type Source = LogSource | SpaceSource;
/** What both do in the same way. @template {LogLike | SpaceLike} T */
declare class CommonSource<T extends LogLike | SpaceLike> {
    of: T;
    problem: SignalLike;
    status: SignalLike;
    /** @param {T} of */
    constructor(of: T);
    /** @param {Bytes} value */
    add(value: Bytes): Promise<{
        seq: number | null;
    }>;
    /** @param {() => Bytes[]} make */
    snapshotOf(make: () => Bytes[]): Promise<unknown>;
    catchUp(): Promise<unknown>;
    /** @param {() => void} listener */
    watch(listener: () => void): () => void;
    /** @param {unknown} value */
    say(value: unknown): Promise<void>;
    /** @param {(value: any, member: Member | null) => void} listener */
    hear(listener: (value: any, member: Member | null) => void): () => void;
}
/** A log: one chain, whoever writes it. @extends {CommonSource<LogLike>} */
export declare class LogSource extends CommonSource<LogLike> {
    isOwner: boolean;
    /** @type {Member[]} */
    removed: Member[];
    get canWrite(): boolean;
    get ownChain(): string;
    /** @returns {Row[]} */
    get rows(): Row[];
}
/** A space: a chain for each writer. @extends {CommonSource<SpaceLike>} */
export declare class SpaceSource extends CommonSource<SpaceLike> {
    get canWrite(): boolean;
    get isOwner(): boolean;
    get ownChain(): string | null;
    get removed(): Member[];
    /** @returns {Row[]} */
    get rows(): Row[];
}
export {};

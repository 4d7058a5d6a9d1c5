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
import type { LogLike, Member, SpaceLike } from "./yjs/source.js";
import type { AwarenessLike, AwarenessProtocol } from "./yjs/presence.js";
export type YjsModule = {
    applyUpdate: (doc: any, update: Uint8Array, origin?: any) => void;
    decodeUpdate: (update: Uint8Array) => any;
    mergeUpdates: (updates: Uint8Array[]) => Uint8Array;
    encodeStateAsUpdate: (doc: any) => Uint8Array;
};
export type DocLike = {
    transact: (work: () => void, origin?: any) => void;
    on: (event: "update", listener: (update: Uint8Array, origin: any) => void) => void;
    off: (event: "update", listener: (update: Uint8Array, origin: any) => void) => void;
    store: {
        pendingStructs: unknown;
    };
};
export type BindingOptions = {
    Y: YjsModule;
    /**
     * begun for this: what it holds already is added as if it were typed now
     */
    doc: DocLike;
    /**
     * where it is kept: a log, for the devices of one account,
     */
    log?: LogLike;
    /**
     * or a space, for several people
     */
    space?: SpaceLike;
    /**
     * who is there, and where: an `Awareness` of y-protocols
     */
    awareness?: AwarenessLike;
    /**
     * `import * as awarenessProtocol from "y-protocols/awareness"`
     */
    awarenessProtocol?: AwarenessProtocol;
    /**
     * whether the document may hold what `Y.decodeUpdate` gives of an update
     */
    accepts?: (decoded: any) => boolean;
    /**
     * changes of so many milliseconds are one entry: 200, if not given
     */
    mergeMs?: number;
    /**
     * a snapshot is written after so many entries of one's own: 500, if not given
     */
    snapshotEntries?: number;
    /**
     * or after so many bytes: 256 KiB, if not given
     */
    snapshotBytes?: number;
};
export type Problem = {
    /**
     * as of a `CairnError`
     */
    code: string;
    message: string;
    hint: string;
};
export type Refused = {
    /**
     * who wrote it; null in a log
     */
    member: Member | null;
    seq: number | null;
    reason: string;
};
import { Signal } from "./signal.js";
import { Presence } from "./yjs/presence.js";
import { Sending } from "./yjs/sending.js";
import { LogSource, SpaceSource } from "./yjs/source.js";
/** Keeps a document in a log or a space, from now on. @param {BindingOptions} options @returns {YjsBinding} */
export declare function bindYjs(options: BindingOptions): YjsBinding;
/** A document, kept in a log or a space. Made by `bindYjs`. */
export declare class YjsBinding {
    #private;
    Y: YjsModule;
    doc: DocLike;
    source: LogSource | SpaceSource;
    limits: {
        entries: number;
        bytes: number;
    };
    sending: Sending;
    presence: Presence | null;
    /** What is wrong, or null: what the server does, what cannot be sent, a member who writes nonsense. @type {Signal<Problem | null>} */
    problem: Signal<Problem | null>;
    /** Whether something that was typed here is neither on the server yet nor in the outbox. @type {Signal<boolean>} */
    unsent: Signal<boolean>;
    /** Entries that were passed over. @type {Refused[]} */
    refused: Refused[];
    /** @type {Promise<void>} all that is known is in the document; it never rejects: see `problem` */
    loaded: Promise<void>;
    /** @param {BindingOptions} options */
    constructor({ Y, doc, log, space, awareness, awarenessProtocol, accepts, ...limits }: BindingOptions);
    /** Writes the document as it is in place of all that was written here before. Nothing that others wrote is touched. */
    snapshot(): Promise<void>;
    /** Sends what was typed until now, without waiting for more. @returns {Promise<void>} it stands, or is in the outbox */
    flush(): Promise<void>;
    /** Sends what was typed until now, and ends the binding. Log, space and document stay open. */
    destroy(): Promise<void>;
}

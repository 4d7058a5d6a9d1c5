/**
 * A log: one chain, as an application uses it. What is read was verified; what is added is kept on this device until it
 * stands on the server. How it is written, followed and heard, and its files, are modules of their own.
 *
 * @import { Browser, News } from "../browser.js"
 * @import { ReadCapability, VerifyCapability, WriteCapability } from "../format/capability.js"
 * @import { EntryCache } from "../state/cache.js"
 * @import { Reference } from "../format/reference.js"
 * @import { GetOptions, PutOptions } from "../objects/files.js"
 * @import { LiveState } from "./live.js"
 * @import { LogEntry } from "./log_entry.js"
 * @import { Added } from "./queue.js"
 * @import { Report } from "./verification.js"
 * @import { Writing } from "./writing.js"
 *
 * @typedef {WriteCapability | ReadCapability | VerifyCapability} ChainCapability
 */
import type { Browser } from "../browser.js";
import type { ReadCapability, VerifyCapability, WriteCapability } from "../format/capability.js";
import type { EntryCache } from "../state/cache.js";
import type { Reference } from "../format/reference.js";
import type { GetOptions, PutOptions } from "../objects/files.js";
import type { LogEntry } from "./log_entry.js";
import type { Added } from "./queue.js";
import type { Report } from "./verification.js";
export type ChainCapability = WriteCapability | ReadCapability | VerifyCapability;
import { CairnError } from "../errors.js";
import { Signal } from "../signal.js";
import { Keyring } from "./keyring.js";
/** One chain on one server. Made by `Account.open`, `Cairn.openLink` and `Cairn.newLog`. */
export declare class Log {
    #private;
    browser: Browser;
    capability: ChainCapability;
    keyring: Keyring;
    /** The chain's id in hex. */
    id: string;
    /** What the server did that is refused, or why the outbox is stuck. Null: all is well. @type {Signal<CairnError | null>} */
    problem: Signal<CairnError | null>;
    /**
     * @param {Browser} browser
     * @param {ChainCapability} capability
     * @param {Keyring} keyring
     * @param {EntryCache} cache not for use outside of this class: see `of`
     */
    constructor(browser: Browser, capability: ChainCapability, keyring: Keyring, cache: EntryCache);
    /**
     * A log with what this device knows of it; no server is asked.
     *
     * @param {Browser} browser
     * @param {ChainCapability} capability
     * @returns {Promise<Log>}
     */
    static of(browser: Browser, capability: ChainCapability): Promise<Log>;
    /** The seq of the newest accepted entry; 0 where there is none yet. */
    get seq(): number;
    /** "write", "read" or "verify": what this log may do. */
    get can(): "read" | "verify" | "write";
    /** What is known now: verified entries, and behind them what waits in the outbox. @returns {LogEntry[]} */
    get list(): LogEntry[];
    /**
     * Adds text, bytes or a JSON value. When it returns, the entry stands on the server, durably; or, where there is no
     * connection, it waits on this device and will be sent later, once and in order: then its seq is null.
     *
     * @param {unknown} value
     * @param {{ references?: Reference[] }} [options] to the blocks that the entry adds
     * @returns {Promise<Added>}
     * @throws {CairnError} Forbidden: this link does not write. TooLarge, Invalid, Closed, Limited, Full: it is not added.
     */
    add(value: unknown, { references }?: {
        references?: Reference[];
    }): Promise<Added>;
    /**
     * Writes the state that all entries make as a snapshot: who opens the log later begins with it. What lies before it may
     * then be dropped by the server.
     *
     * @template S
     * @param {(state: S, entry: LogEntry) => S} reducer as for `reduce`
     * @param {S} initial
     * @returns {Promise<Added>}
     * @throws {CairnError} as `add`; Conflict: others wrote again and again meanwhile
     */
    snapshot<S>(reducer: (state: S, entry: LogEntry) => S, initial: S): Promise<Added>;
    /**
     * Writes what `make` gives when all accepted entries are in `list`: its first value as a snapshot, the others as entries
     * right behind it, all or none. If it gives nothing, nothing is written.
     *
     * @param {() => unknown[]} make
     * @returns {Promise<Added>} of the snapshot
     * @throws {CairnError} as `snapshot`
     */
    snapshotOf(make: () => unknown[]): Promise<Added>;
    /** Changes the keys: links given out before read nothing of what comes after. @returns {Promise<Added>} */
    rotate(): Promise<Added>;
    /** Ends the log for ever. @param {unknown} [lastWords] @returns {Promise<Added>} */
    end(lastWords?: unknown): Promise<Added>;
    /**
     * Adds a value behind the newest accepted entry, at once or not at all: it never waits in the outbox.
     *
     * @param {unknown} value
     * @returns {Promise<Added>}
     * @throws {CairnError} Conflict: another entry has this place. Unknown: it may stand. Others as `add`
     */
    addNext(value: unknown): Promise<Added>;
    /** Sends what waits, if the server can be reached. It never fails: see `problem`, and `pending`. @returns {Promise<void>} */
    flush(): Promise<void>;
    /** The keys that write this log; null for a link that reads. */
    get keys(): import("../format/keys.js").ChainKeys | null;
    /**
     * Shows the log to a listener: now, and at every change.
     *
     * @param {(list: LogEntry[]) => void} listener
     * @param {(error: CairnError) => void} [onProblem] told what the server did that is refused; see `problem`
     * @returns {() => void} ends it
     */
    watch(listener: (list: LogEntry[]) => void, onProblem?: (error: CairnError) => void): () => void;
    /**
     * The entries up to the present head, in order; what this device knows of them, where there is no connection.
     *
     * @returns {AsyncGenerator<LogEntry, void, void>}
     * @throws {CairnError} Tampered, Rollback, Fork: the server does not show this log as it was. NotFound
     */
    entries(): AsyncGenerator<LogEntry, void, void>;
    /**
     * Makes one value of the newest snapshot and all entries after it, what waits in the outbox too.
     *
     * @template S
     * @param {(state: S, entry: LogEntry) => S} reducer
     * @param {S} initial where there is no snapshot
     * @returns {Promise<S>}
     * @throws {CairnError} as `entries`
     */
    reduce<S>(reducer: (state: S, entry: LogEntry) => S, initial: S): Promise<S>;
    /**
     * Accepts all that is new on the server. A log that is still to be written is empty; without a connection it stays as it is.
     *
     * @returns {Promise<boolean>} whether the server was there
     * @throws {CairnError} as `entries`
     */
    catchUp(): Promise<boolean>;
    /**
     * Verifies the whole log anew, from its first entry to the server's present head.
     *
     * @returns {Promise<Report>}
     */
    verify(): Promise<Report>;
    /**
     * Keeps a file of any size and adds an entry for it; the file's bytes need a connection. A try that was broken off, by
     * `signal` or by closing the page, goes on where it was when the same file is put again.
     *
     * @param {Blob} blob
     * @param {PutOptions} [options]
     * @returns {Promise<Added>}
     * @throws {CairnError} as `add`
     */
    putFile(blob: Blob, options?: PutOptions): Promise<Added>;
    /**
     * The whole file of an entry, or its preview, verified.
     *
     * @param {LogEntry} entry of a file
     * @param {GetOptions} [options]
     * @returns {Promise<File>}
     * @throws {CairnError} NotFound: it has no file, or the file was removed. TooLarge: over `bytesMax`
     */
    getFile(entry: LogEntry, options?: GetOptions): Promise<File>;
    /**
     * A file's bytes as they come, each part verified; with `start` and `stop` some of them.
     *
     * @param {LogEntry} entry of a file
     * @param {{ start?: number, stop?: number, signal?: AbortSignal }} [options]
     * @returns {Promise<ReadableStream<Uint8Array<ArrayBuffer>>>}
     */
    streamFile(entry: LogEntry, options?: {
        start?: number;
        stop?: number;
        signal?: AbortSignal;
    }): Promise<ReadableStream<Uint8Array<ArrayBuffer>>>;
    /**
     * Removes the bytes of a file and its preview from the server, unless another entry of this log has the same; or, of a `Blob`
     * whose upload was broken off, what that has put there.
     *
     * @param {LogEntry | Blob} file
     */
    removeFile(file: LogEntry | Blob): Promise<void>;
    /**
     * A link to this log. What it allows stands behind the #, which browsers never send.
     *
     * @param {{ can?: "read" | "write" | "verify", page?: string }} [options] page: the address that opens it; this one, if not given
     * @returns {Promise<string>}
     * @throws {Forbidden} the log was opened by a weaker link
     */
    link({ can, page }?: {
        can?: "read" | "write" | "verify";
        page?: string;
    }): Promise<string>;
    /** What stands in such a link behind the #, alone. @param {"read" | "write" | "verify"} can @returns {Promise<string>} */
    capabilityText(can: "read" | "write" | "verify"): Promise<string>;
    /**
     * Tells all who watch this log now something of the moment, such as where a cursor is. It is sealed and signed like an
     * entry, never stored, and lost on who is not there.
     *
     * @param {unknown} value a JSON value; with its name and stamps at most 16,000 bytes
     * @throws {CairnError} Forbidden, TooLarge
     */
    say(value: unknown): Promise<void>;
    /** Listens to what is said, while the log is watched. @param {(value: any) => void} listener @returns {() => void} ends it */
    hear(listener: (value: any) => void): () => void;
    /** Ends what goes on: watching and sending. What waits stays on this device. */
    close(): void;
}

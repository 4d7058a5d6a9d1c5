/**
 * The writing half of a log. It is loaded when a log is opened that can write; who reads has no need of it.
 *
 * @import { Browser } from "../browser.js"
 * @import { Bytes } from "../format/bytes.js"
 * @import { WriteCapability } from "../format/capability.js"
 * @import { Reference } from "../format/reference.js"
 * @import { History } from "./history.js"
 * @import { Added, QueueEvents } from "./queue.js"
 * @import { Wanted } from "./writer.js"
 */
import type { Browser } from "../browser.js";
import type { WriteCapability } from "../format/capability.js";
import type { Reference } from "../format/reference.js";
import type { History } from "./history.js";
import type { Added, QueueEvents } from "./queue.js";
import { ChainKeys } from "../format/keys.js";
import { Queue } from "./queue.js";
/** Writes one log. */
export declare class Writing {
    capability: WriteCapability;
    keys: ChainKeys;
    history: History;
    queue: Queue;
    /** @param {WriteCapability} capability @param {ChainKeys} keys @param {History} history @param {Queue} queue see `of` */
    constructor(capability: WriteCapability, keys: ChainKeys, history: History, queue: Queue);
    /**
     * @param {Browser} browser
     * @param {WriteCapability} capability
     * @param {History} history
     * @param {QueueEvents} events
     * @returns {Promise<Writing>}
     */
    static of(browser: Browser, capability: WriteCapability, history: History, events: QueueEvents): Promise<Writing>;
    /** @param {unknown} value @param {Reference[]} references @returns {Promise<Added>} */
    add(value: unknown, references: Reference[]): Promise<Added>;
    /** A record at a place of its own, or none. @param {unknown} value @param {number} at @returns {Promise<Added>} */
    addAt(value: unknown, at: number): Promise<Added>;
    /**
     * Writes a snapshot, from which others begin, and what belongs to it right behind it; all or none.
     *
     * @param {() => unknown[]} make values, of all accepted entries; none: nothing is written
     * @returns {Promise<Added>} of the snapshot
     * @throws {Conflict} others wrote again and again meanwhile
     */
    snapshot(make: () => unknown[]): Promise<Added>;
    /** Begins a new key epoch. @returns {Promise<Added>} */
    rotate(): Promise<Added>;
    /** @param {unknown} [lastWords] @returns {Promise<Added>} */
    end(lastWords?: unknown): Promise<Added>;
    /** @param {unknown} value of an ephemeral message */
    say(value: unknown): Promise<void>;
    /** @param {"read" | "write"} can @returns {Promise<string>} a capability */
    capabilityText(can: "read" | "write"): Promise<string>;
}

/**
 * A space: many writers, a chain each, and the owner's roster that names them.
 *
 * Theory of operation. The owner makes a chain for each member and gives its write capability away as the invitation. Its
 * first record holds what reads the roster; the roster holds what reads all members' chains. To remove a member, the owner
 * changes the keys of all other chains and of the roster, writes the new ones into the roster, and hands the roster's own
 * to each member in that member's chain. Who was removed has none of these. See docs/sdk.md, "Spaces".
 *
 * @import { Browser } from "../browser.js"
 * @import { ChainCapability } from "../chains/log.js"
 * @import { Added } from "../chains/queue.js"
 * @import { CairnError } from "../errors.js"
 * @import { Member, Roster } from "./roster.js"
 * @import { SpaceEntry } from "./order.js"
 */
import type { Browser } from "../browser.js";
import type { ChainCapability } from "../chains/log.js";
import type { Added } from "../chains/queue.js";
import type { CairnError } from "../errors.js";
import type { Member } from "./roster.js";
import type { SpaceEntry } from "./order.js";
import { Log } from "../chains/log.js";
import { Signal } from "../signal.js";
/** One space, as its owner, a member or a reader has it. Made by `Cairn.newSpace`, `Cairn.openSpace` and `Account.space`. */
export declare class Space {
    #private;
    browser: Browser;
    /** What the server or a member did that is refused; see `Log.problem`. @type {Signal<CairnError | null>} */
    problem: Signal<CairnError | null>;
    /** @param {Browser} browser @param {Log} roster @param {Log | null} own not for use outside of this class */
    constructor(browser: Browser, roster: Log, own: Log | null);
    /** @param {Browser} browser @param {string} name @param {string} ownerName @returns {Promise<Space>} */
    static make(browser: Browser, name: string, ownerName: string): Promise<Space>;
    /**
     * The space that a capability is for: the owner's (writes the roster), an invitation (writes a member's chain), or a
     * reader's (reads the roster).
     *
     * @param {Browser} browser
     * @param {ChainCapability} capability
     * @returns {Promise<Space>}
     * @throws {NotFound} it is for something else
     */
    static of(browser: Browser, capability: ChainCapability): Promise<Space>;
    /** As its owner named it. */
    get name(): string;
    /** Those who are members now. @returns {Member[]} */
    get members(): Member[];
    /** Those who were. @returns {Member[]} */
    get removed(): Member[];
    /** The id of the roster's chain in hex: the same for all members. */
    get id(): string;
    /** Who this is; null for a reader. @returns {Member | null} */
    get me(): Member | null;
    /** Whether this is who invites and removes. */
    get isOwner(): boolean;
    /** All that the members wrote, in one order, as far as it is known. @returns {SpaceEntry[]} */
    get list(): SpaceEntry[];
    /** Adds a value in this member's name. @param {unknown} value as for `Log.add` @returns {Promise<Added>} */
    add(value: unknown): Promise<Added>;
    /**
     * Writes what `make` gives in place of all that this member wrote so far, as `Log.snapshotOf` does in a log.
     *
     * @param {() => unknown[]} make called when all of that is in `list`
     * @returns {Promise<Added>}
     * @throws {CairnError} as `Log.snapshot`
     */
    snapshotOf(make: () => unknown[]): Promise<Added>;
    /** Accepts all that is new on the server. Where one of the chains can't be had, the page is offline: it may be an old state. */
    catchUp(): Promise<void>;
    /**
     * Shows all that the members wrote to a listener: now, and at every change.
     *
     * @param {(list: SpaceEntry[]) => void} listener
     * @returns {() => void} ends it
     */
    watch(listener: (list: SpaceEntry[]) => void): () => void;
    /** Tells who is there now something of the moment; it is never stored. @param {unknown} value @returns {Promise<void>} */
    say(value: unknown): Promise<void>;
    /** Listens to what others say, while the space is watched. @param {(value: any, member: Member) => void} listener @returns {() => void} */
    hear(listener: (value: any, member: Member) => void): () => void;
    /**
     * A link by which one more writer joins.
     *
     * @param {string} name
     * @param {{ page?: string }} [options] page: the address that opens it
     * @returns {Promise<string>}
     * @throws {Forbidden} only the owner invites
     */
    invite(name: string, options?: {
        page?: string;
    }): Promise<string>;
    /** A link that reads all, until a member is removed. @param {{ page?: string }} [options] @returns {Promise<string>} */
    link(options?: {
        page?: string;
    }): Promise<string>;
    /** What opens this space again with the same rights. @returns {Promise<string>} a capability */
    capabilityText(): Promise<string>;
    /**
     * Removes a member: what it writes from now on does not count, and it reads nothing of what comes. If this breaks off,
     * do it again.
     *
     * @param {string} id
     * @throws {Forbidden} only the owner removes, and not itself
     */
    remove(id: string): Promise<void>;
    /** Ends what goes on. */
    close(): void;
}

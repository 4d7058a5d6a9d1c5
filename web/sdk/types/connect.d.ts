/**
 * The way in: `connect` gives a `Cairn`, which opens accounts, links and logs on one server.
 *
 * @import { Account } from "./account/account.js"
 * @import { DoorOptions } from "./account/accounts.js"
 * @import { ChainCapability } from "./chains/log.js"
 * @import { Streaming } from "./objects/streaming.js"
 * @import { Space } from "./space/space.js"
 */
import type { Account } from "./account/account.js";
import type { DoorOptions } from "./account/accounts.js";
import type { Streaming } from "./objects/streaming.js";
import type { Space } from "./space/space.js";
import { Browser } from "./browser.js";
import { Log } from "./chains/log.js";
/**
 * The way in. Nothing is asked of the server yet.
 *
 * @param {object} [options]
 * @param {string} [options.url] the server's address; the one that this page is from, if not given
 * @param {string} [options.realm] the site's name, which is part of every account; this page's host, if not given
 * @param {string} [options.grant] what pays for writing, where the server asks for it
 * @returns {Cairn}
 * @throws {Unsupported} the page was opened in a way in which browsers allow no cryptography; `hint` says what to do
 */
export declare function connect({ url, realm, grant }?: {
    url?: string;
    realm?: string;
    grant?: string;
}): Cairn;
/** One server, as this page uses it. */
export declare class Cairn {
    #private;
    browser: Browser;
    realm: string;
    /** @param {string} url @param {string} realm @param {string} [grant] */
    constructor(url: string, realm: string, grant?: string);
    /** "connecting", "online" or "offline", as a signal. */
    get status(): import("./signal.js").Signal<import("./browser.js").Status>;
    /** How many entries wait on this device for the server, as a signal. */
    get pending(): import("./signal.js").Signal<number>;
    /**
     * Makes an account; where this name and password have one, that is opened. `recoveryCode` of the new one is to be shown.
     *
     * @param {string} name
     * @param {string} password
     * @param {DoorOptions} [options]
     * @returns {Promise<Account>}
     * @throws {CairnError} Invalid: name or password is not of the allowed form
     */
    signUp(name: string, password: string, options?: DoorOptions): Promise<Account>;
    /**
     * Opens the account of a name and a password.
     *
     * @param {string} name
     * @param {string} password
     * @param {DoorOptions} [options]
     * @returns {Promise<Account>}
     * @throws {CairnError} NoAccount: name or password is wrong. Closed: the password was changed.
     */
    signIn(name: string, password: string, options?: DoorOptions): Promise<Account>;
    /**
     * Opens an account by its recovery code, and gives it a new password.
     *
     * @param {string} code
     * @param {string} name
     * @param {string} password
     * @param {DoorOptions} [options]
     * @returns {Promise<Account>}
     * @throws {CairnError} as `signUp`; WrongCapability: it is no recovery code
     */
    recover(code: string, name: string, password: string, options?: DoorOptions): Promise<Account>;
    /** The account that was opened on this device before, or null; also without a connection. @returns {Promise<Account | null>} */
    resume(): Promise<Account | null>;
    /**
     * Opens the log that a link is for. Without an argument it is the one in this page's address, from which it is taken out,
     * so that it stays in no history; it is remembered for this tab.
     *
     * @param {string} [link] a whole address, what stands behind its #, or a capability
     * @returns {Promise<Log>}
     * @throws {WrongCapability} it is no link, or not whole
     */
    openLink(link?: string): Promise<Log>;
    /** Whether this page was opened by a link. */
    get hasLink(): boolean;
    /**
     * The log of a name that belongs to this browser, and to no account. It is made at first use, also without a connection.
     * Keep what `capabilityText("write")` gives, too: without it the log is lost with this browser's data.
     *
     * @param {string} name
     * @returns {Promise<Log>}
     */
    open(name: string): Promise<Log>;
    /** A new log that belongs to no account: who holds a link to it has it. @returns {Promise<Log>} */
    newLog(): Promise<Log>;
    /**
     * A new space, for many writers. Without an account: keep what `capabilityText` gives.
     *
     * @param {string} name
     * @param {string} ownerName
     * @returns {Promise<Space>}
     */
    newSpace(name: string, ownerName: string): Promise<Space>;
    /**
     * Opens a space by an invitation, a reader's link, or what `capabilityText` gave; without an argument by the link in this
     * page's address, as `openLink` does.
     *
     * @param {string} [link]
     * @returns {Promise<Space>}
     * @throws {WrongCapability} it is no link, or not whole
     */
    openSpace(link?: string): Promise<Space>;
    /**
     * Files at addresses of this page's own, which `<video>` plays and which are saved to disk as they come.
     *
     * @param {string | URL} worker the service worker in the page's folder: `importScripts("/sdk/streaming_worker.js")`
     * @returns {Promise<Streaming>}
     * @throws {CairnError} unsupported: this browser has no service workers, or not for this page
     */
    streaming(worker: string | URL): Promise<Streaming>;
    /**
     * Keeps this page and the files that it loads, so that it opens without a connection, too.
     *
     * @param {string} [worker] a service worker in the page's folder, of the one line `importScripts("/sdk/page_worker.js");`
     * @returns {Promise<boolean>} false: this browser keeps no pages
     */
    keepPage(worker?: string): Promise<boolean>;
    /** Ends what goes on. What waits stays on this device. */
    close(): void;
}

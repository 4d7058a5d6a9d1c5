/**
 * An open account: its keyring, kept in a chain of its own, and the logs whose capabilities are in it.
 *
 * @import { ChainCapability, Log as OneLog } from "../chains/log.js"
 * @import { LogEntry } from "../chains/log_entry.js"
 * @import { Space } from "../space/space.js"
 * @import { Accounts, DoorOptions } from "./accounts.js"
 */
import type { Log as OneLog } from "../chains/log.js";
import type { Space } from "../space/space.js";
import type { Accounts, DoorOptions } from "./accounts.js";
import { CairnError } from "../errors.js";
import { Signal } from "../signal.js";
/** Entries wait on this device that signing out would lose. */
export declare class Unsent extends CairnError {
    code: string;
    hint: string;
}
/** The account of whoever is signed in. */
export declare class Account {
    #private;
    accounts: Accounts;
    log: OneLog;
    /** As it was given at signing up. */
    name: string;
    /** The URL of the server that the account has moved to; empty: it is here. */
    home: string;
    /** Opens the account without its password: show it once, for paper. Null but after `signUp`. */
    recoveryCode: string | null;
    /** Whether it is still open on this device: signing out, in any tab, ends it. As a signal. */
    isOpen: Signal<boolean>;
    /**
     * @param {Accounts} accounts
     * @param {OneLog} log the account's own
     * @param {{ name: string, home: string, recoveryCode: string | null }} about not for use outside: see `Accounts`
     */
    constructor(accounts: Accounts, log: OneLog, { name, home, recoveryCode }: {
        name: string;
        home: string;
        recoveryCode: string | null;
    });
    /**
     * The log of a name in this account. At first use it is made: private, until a link to it is given out.
     *
     * @param {string} name
     * @returns {Promise<OneLog>} the same one for the same name
     * @throws {CairnError} Unavailable: it is to be made, and there is no connection
     */
    open(name: string): Promise<OneLog>;
    /** The names of all logs in this account. @returns {Promise<string[]>} */
    names(): Promise<string[]>;
    /**
     * Keeps a log that somebody shared, or that was made without an account, under a name.
     *
     * @param {string} name
     * @param {OneLog} log
     */
    keep(name: string, log: OneLog): Promise<void>;
    /**
     * The space of a name in this account, which owns it: made at first use.
     *
     * @param {string} name
     * @returns {Promise<Space>}
     */
    space(name: string): Promise<Space>;
    /** Keeps a space, such as one that an invitation opened, so that `space` opens it. @param {string} name @param {Space} space */
    keepSpace(name: string, space: Space): Promise<void>;
    /** Takes a log out of the account. The log itself stays on the server. @param {string} name */
    forget(name: string): Promise<void>;
    /**
     * Gives the account another password. The recovery codes stay.
     *
     * @param {string} from the present password
     * @param {string} to the new one
     * @param {DoorOptions} [options]
     * @throws {CairnError} NoAccount: the present one is wrong. Closed: the account had the new one before.
     */
    changePassword(from: string, to: string, options?: DoorOptions): Promise<void>;
    /** A further recovery code. @param {string} password @param {DoorOptions} [options] @returns {Promise<string>} */
    newRecoveryCode(password: string, options?: DoorOptions): Promise<string>;
    /**
     * Ends the session, in all tabs, and removes from this device the keys and what was read with them.
     *
     * @param {{ discard?: boolean }} [options] discard: also what was added here and has not reached the server
     * @throws {Unsent} something has not, even now
     */
    signOut({ discard }?: {
        discard?: boolean;
    }): Promise<void>;
}

/**
 * What can go wrong, by name. `code` is stable, `hint` says what to try; both, and the message, may be shown to people:
 * none of them repeats keys or input.
 */
/** Anything that Cairn refuses, lacks or could not do. */
export declare class CairnError extends Error {
    /** @type {string} */
    code: string;
    /** What to try. */
    hint: string;
}
/** Malformed, or does not verify. */
export declare class Invalid extends CairnError {
    code: string;
    hint: string;
}
/** A sealed box does not open with this key. Why is not said. */
export declare class CannotOpen extends CairnError {
    code: string;
    hint: string;
    constructor();
}
/** The entry is of a key epoch that this capability does not reach. */
export declare class KeyMissing extends CairnError {
    code: string;
    hint: string;
}
/** The text is no capability, or belongs to another chain. */
export declare class WrongCapability extends CairnError {
    code: string;
    hint: string;
}
/** The capability, the grant or the server does not allow it. */
export declare class Forbidden extends CairnError {
    code: string;
    hint: string;
}
/** No account has this name and password here: which of the two is wrong, nobody can tell. */
export declare class NoAccount extends CairnError {
    code: string;
    hint: string;
    constructor();
}
/** What the server showed cannot be this chain: altered, reordered, or with something left out. */
export declare class Tampered extends CairnError {
    code: string;
    hint: string;
}
/** The server shows less of the chain than was seen before. */
export declare class Rollback extends CairnError {
    code: string;
    hint: string;
}
/** The server shows another history than was seen before. */
export declare class Fork extends CairnError {
    code: string;
    hint: string;
}
/** Known absent. */
export declare class NotFound extends CairnError {
    code: string;
    hint: string;
}
/** Another entry has this place in the chain. */
export declare class Conflict extends CairnError {
    code: string;
    hint: string;
}
/** The chain or door has ended: nothing can follow. */
export declare class Closed extends CairnError {
    code: string;
    hint: string;
}
/** Over a size bound. */
export declare class TooLarge extends CairnError {
    code: string;
    hint: string;
}
/** Over a rate or quota. */
export declare class Limited extends CairnError {
    code: string;
    hint: string;
    /** After how many seconds to try again; 0: the server does not say, so a quota is used up. */
    retrySeconds: number;
}
/** The server can't be reached, or can't answer now: what was asked is not done. */
export declare class Unavailable extends CairnError {
    code: string;
    hint: string;
}
/** A write may or may not be done. Sending the same bytes again settles it. */
export declare class Unknown extends CairnError {
    code: string;
    hint: string;
}
/** The server's disk is full. Reading goes on. */
export declare class Full extends CairnError {
    code: string;
    hint: string;
}
/** This browser, or the way the page was opened, lacks what is needed. */
export declare class Unsupported extends CairnError {
    reason: "context" | "ed25519";
    code: string;
    /**
     * @param {"context" | "ed25519"} reason "context": neither https nor localhost
     * @param {string} message
     */
    constructor(reason: "context" | "ed25519", message: string);
}

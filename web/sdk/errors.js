/**
 * What can go wrong, by name. `code` is stable, `hint` says what to try; both, and the message, may be shown to people:
 * none of them repeats keys or input.
 */

/** Anything that Cairn refuses, lacks or could not do. */
export class CairnError extends Error {
  /** @type {string} */
  code = "failed";
  /** What to try. */
  hint = "Try again, or tell the operator.";
}

/** Malformed, or does not verify. */
export class Invalid extends CairnError {
  code = "invalid";
  hint = "It will not pass unchanged.";
}

/** A sealed box does not open with this key. Why is not said. */
export class CannotOpen extends CairnError {
  code = "cannot_open";
  hint = "It was made for somebody else, or was altered.";
  constructor() {
    super("cannot open");
  }
}

/** The entry is of a key epoch that this capability does not reach. */
export class KeyMissing extends CairnError {
  code = "key_missing";
  hint = "Ask for a new link.";
}

/** The text is no capability, or belongs to another chain. */
export class WrongCapability extends CairnError {
  code = "wrong_capability";
  hint = "Copy the whole link again.";
}

/** The capability, the grant or the server does not allow it. */
export class Forbidden extends CairnError {
  code = "forbidden";
  hint = "Ask for a link that can write, or for a grant.";
}

/** No account has this name and password here: which of the two is wrong, nobody can tell. */
export class NoAccount extends CairnError {
  code = "no_account";
  hint = "Check name and password, or use the recovery code.";
  constructor() {
    super("no account here has this name and password");
  }
}

/** What the server showed cannot be this chain: altered, reordered, or with something left out. */
export class Tampered extends CairnError {
  code = "tampered";
  hint = "Do not trust this server: tell its operator, or use another.";
}

/** The server shows less of the chain than was seen before. */
export class Rollback extends CairnError {
  code = "rollback";
  hint = "The server was restored from a backup, or hides entries: ask its operator.";
}

/** The server shows another history than was seen before. */
export class Fork extends CairnError {
  code = "fork";
  hint = "Compare with your other devices first: a copy of the keys may be in use elsewhere.";
}

/** Known absent. */
export class NotFound extends CairnError {
  code = "not_found";
  hint = "It was removed, or is on another server.";
}

/** Another entry has this place in the chain. */
export class Conflict extends CairnError {
  code = "conflict";
  hint = "Read on, and decide again.";
}

/** The chain or door has ended: nothing can follow. */
export class Closed extends CairnError {
  code = "closed";
  hint = "Begin another one.";
}

/** Over a size bound. */
export class TooLarge extends CairnError {
  code = "too_large";
  hint = "Keep it as a file.";
}

/** Over a rate or quota. */
export class Limited extends CairnError {
  code = "limited";
  hint = "Wait a little, or ask the operator for more.";
  /** After how many seconds to try again; 0: the server does not say, so a quota is used up. */
  retrySeconds = 0;
}

/** The server can't be reached, or can't answer now: what was asked is not done. */
export class Unavailable extends CairnError {
  code = "unavailable";
  hint = "Check the connection and try again.";
}

/** A write may or may not be done. Sending the same bytes again settles it. */
export class Unknown extends CairnError {
  code = "unknown";
  hint = "Nothing is lost: it will be sent again.";
}

/** The server's disk is full. Reading goes on. */
export class Full extends CairnError {
  code = "full";
  hint = "Tell the operator.";
}

/** This browser, or the way the page was opened, lacks what is needed. */
export class Unsupported extends CairnError {
  code = "unsupported";

  /**
   * @param {"context" | "ed25519"} reason "context": neither https nor localhost
   * @param {string} message
   */
  constructor(reason, message) {
    super(message);
    this.reason = reason;
    this.hint =
      reason === "context"
        ? "Open the page over https, or as http://localhost on the machine that runs the server."
        : "Update the browser, or use another.";
  }
}

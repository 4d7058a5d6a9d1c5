/**
 * What can go wrong, by name. `code` is stable; a message may be shown to people and never repeats keys or input.
 */

/** Anything that Cairn refuses, lacks or could not do. */
export class CairnError extends Error {
  /** @type {string} */
  code = "failed";
}

/** Malformed, or does not verify. */
export class Invalid extends CairnError {
  code = "invalid";
}

/** A sealed box does not open with this key. Why is not said. */
export class CannotOpen extends CairnError {
  code = "cannot_open";
  constructor() {
    super("cannot open");
  }
}

/** The entry is of a key epoch that this capability does not reach. */
export class KeyMissing extends CairnError {
  code = "key_missing";
}

/** The text is no capability, or belongs to another chain. */
export class WrongCapability extends CairnError {
  code = "wrong_capability";
}

/** What the server showed cannot be this chain: altered, reordered, or with something left out. */
export class Tampered extends CairnError {
  code = "tampered";
}

/** The server shows less of the chain than was seen before. */
export class Rollback extends CairnError {
  code = "rollback";
}

/** The server shows another history than was seen before. */
export class Fork extends CairnError {
  code = "fork";
}

/** Known absent. */
export class NotFound extends CairnError {
  code = "not_found";
}

/** Over a size bound. */
export class TooLarge extends CairnError {
  code = "too_large";
}

/** The server can't be reached, or can't answer now. */
export class Unavailable extends CairnError {
  code = "unavailable";
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
  }
}

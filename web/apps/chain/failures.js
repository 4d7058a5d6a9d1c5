/**
 * What went wrong, in words for people: what it means, and what to try.
 *
 * @typedef {{ title: string, meaning: string, advice: string, canRetry?: boolean }} Words
 */

import { CairnError, Unsupported } from "/sdk/cairn.js";
import { element } from "./element.js";

/** @type {Record<string, Words>} */
const WORDS = {
  wrong_capability: {
    title: "This link does not work",
    meaning: "It is not a whole, unaltered capability for a chain.",
    advice: "Copy the whole link again. It begins with crn1r_ and has no spaces.",
  },
  not_found: {
    title: "This server does not have the chain",
    meaning: "The link is well formed, but nothing was stored here under its chain id.",
    advice: "It may be on another server, or its writer has not appended anything yet.",
    canRetry: true,
  },
  tampered: {
    title: "Verification failed",
    meaning: "What the server sent is not what the chain’s writer signed. None of it is shown.",
    advice: "The server is damaged or dishonest. Tell its operator, or read the chain from another server.",
  },
  fork: {
    title: "Two histories",
    meaning: "The chain’s own keys signed a history that contradicts the one this browser saw before.",
    advice: "Ask the writer which is right: a restored backup of the keys is the usual cause, theft the worst.",
  },
  rollback: {
    title: "The server shows less than before",
    meaning: "This browser has seen newer entries of this chain than the server now admits to.",
    advice: "The server was restored from a backup, or hides entries. Ask its operator, or another server.",
    canRetry: true,
  },
  unavailable: {
    title: "The server can’t be reached",
    meaning: "It did not answer, or said that it can’t answer now.",
    advice: "Check your connection and try again.",
    canRetry: true,
  },
  too_large: {
    title: "Too large for a browser",
    meaning: "This chain or block is larger than this page opens.",
    advice: "Read it on the command line: cairn chain read CAP",
  },
};

/** @type {Record<Unsupported["reason"], Words>} */
const UNSUPPORTED = {
  context: {
    title: "Open this page over https",
    meaning: "Browsers allow cryptography only on secure pages, so nothing here could be verified.",
    advice: "Use https, or http://localhost or http://127.0.0.1 on the machine that runs the server.",
  },
  ed25519: {
    title: "This browser is too old",
    meaning: "It cannot verify Ed25519 signatures.",
    advice: "Chrome and Edge can since version 137, Firefox since 129, Safari since 17.",
  },
};

/** @type {Words} */
const UNEXPECTED = {
  title: "Something went wrong in this page",
  meaning: "This is a mistake in the program, not in the chain.",
  advice: "Load the page again. If it stays, please report it.",
};

/** @param {unknown} error @returns {Words} */
function wordsFor(error) {
  if (error instanceof Unsupported) return UNSUPPORTED[error.reason];
  return (error instanceof CairnError && WORDS[error.code]) || UNEXPECTED;
}

/**
 * Fills the panel of failures.
 *
 * @param {HTMLElement} panel
 * @param {unknown} error
 * @param {{ shown: number, onRetry: () => void }} context shown: how many verified entries stay on the page
 */
export function showFailure(panel, error, { shown, onRetry }) {
  const { title, meaning, advice, canRetry } = wordsFor(error);
  const code = error instanceof CairnError ? error.code : "unexpected";
  panel.dataset.code = code;
  const heading = element(shown > 0 ? "h2" : "h1", {}, title);
  panel.replaceChildren(heading, element("p", {}, meaning), element("p", {}, advice));
  if (shown > 0) panel.append(element("p", {}, "The entries below were verified before this happened."));
  if (error instanceof CairnError) {
    panel.append(element("p", { class: "detail" }, `${code}: ${error.message}`));
  }
  if (canRetry) {
    const button = element("button", { type: "button" }, "Try again");
    button.addEventListener("click", onRetry);
    panel.append(button);
  }
  panel.hidden = false;
}

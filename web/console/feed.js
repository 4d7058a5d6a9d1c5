/**
 * Asks the server for its numbers, again and again, and tells what came of it.
 *
 * The token is kept in this tab's session storage, and goes nowhere but into the Authorization header.
 */

import { Past } from "./past.js";

/** @typedef {{step: number, span: number, seconds: number, name: string}} Window a step, and how often to ask */

/** @type {Record<string, Window>} */
export const WINDOWS = {
  "10min": { step: 1, span: 600, seconds: 2, name: "10 minutes" },
  "2h": { step: 10, span: 7_200, seconds: 5, name: "2 hours" },
  "24h": { step: 60, span: 86_400, seconds: 10, name: "24 hours" },
};

/**
 * What is wrong: nothing, no answer, a token is wanted, or the server's own words.
 *
 * @typedef {{kind: "silent" | "token" | "refused", detail: string} | null} Trouble
 */

const TOKEN = "cairn.console.token";
const ANSWER_SECONDS_MAX = 10;
const LATE_INTERVALS = 2;

export class Feed {
  /** @param {() => void} onChange called whenever there is something else to show */
  constructor(onChange) {
    this.onChange = onChange;
    /** @type {Window} */
    this.window = /** @type {Window} */ (WINDOWS["10min"]);
    /** @type {string[]} */
    this.names = [];
    this.past = new Past(1, 600);
    /** @type {Trouble} */
    this.trouble = null;
    this.freshAt = 0; // of performance.now(): when newer numbers came last
    /** @type {ReturnType<typeof setTimeout> | undefined} */
    this.timer = undefined;
    /** @type {AbortController | null} */
    this.asking = null;
  }

  /** Asks for other numbers from now on. @param {Window} wanted @param {string[]} names beginnings of names */
  show(wanted, names) {
    this.window = wanted;
    this.names = names;
    this.past = new Past(wanted.step, wanted.span);
    this.again();
  }

  /** Asks now. */
  again() {
    this.asking?.abort();
    clearTimeout(this.timer);
    void this.ask();
  }

  /** @param {string} token */
  signIn(token) {
    sessionStorage.setItem(TOKEN, token);
    this.again();
  }

  /** @returns {number | null} seconds since the numbers were true; null if there were none yet */
  get ageSeconds() {
    return this.freshAt ? (performance.now() - this.freshAt) / 1_000 : null;
  }

  /** @returns {boolean} whether nothing new came for longer than two intervals */
  get isStale() {
    return (this.ageSeconds ?? 0) > LATE_INTERVALS * this.window.seconds;
  }

  async ask() {
    const asking = new AbortController();
    this.asking = asking;
    const tooLate = setTimeout(() => asking.abort(new Error("late")), ANSWER_SECONDS_MAX * 1_000);
    const past = this.past;
    try {
      const response = await fetch(this.address(), { headers: headers(), signal: asking.signal, cache: "no-store" });
      await this.hear(past, response);
    } catch (error) {
      if (asking !== this.asking || past !== this.past) return;
      this.trouble = { kind: "silent", detail: String(error) };
    } finally {
      clearTimeout(tooLate);
    }
    if (asking !== this.asking) return;
    this.onChange();
    if (!document.hidden && this.trouble?.kind !== "token") this.timer = setTimeout(() => this.ask(), this.window.seconds * 1_000);
  }

  /** @param {Past} past that was asked for @param {Response} response */
  async hear(past, response) {
    const document = await response.json();
    if (past !== this.past) return;
    if (!response.ok) {
      const kind = response.status === 403 ? "token" : "refused";
      this.trouble = { kind, detail: String(document.detail ?? "") };
      return;
    }
    this.trouble = null;
    if (document.time_ms !== past.timeMs) this.freshAt = performance.now();
    past.take(document);
  }

  address() {
    const query = new URLSearchParams({
      step: String(this.window.step), since: String(this.past.sinceMs), names: this.names.join(","),
    });
    return `data?${query}`;
  }
}

/** @returns {boolean} whether a token was given, be it right or not */
export function hasToken() {
  return sessionStorage.getItem(TOKEN) !== null;
}

/** @returns {Record<string, string>} */
function headers() {
  const token = sessionStorage.getItem(TOKEN);
  return token ? { authorization: `Bearer ${token}` } : {};
}

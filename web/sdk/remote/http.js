/**
 * One server over HTTP: requests with deadlines, retries of what may be sent again, errors by their names.
 *
 * Every write of the protocol may be sent again with the same bytes, so a broken connection is answered by sending again;
 * only when that does not settle it does the caller see `Unknown`. See docs/protocol.md, "Errors".
 *
 * @import { Bytes } from "../format/bytes.js"
 *
 * @typedef {object} Question
 * @property {Bytes} [body]
 * @property {Record<string, string>} [headers]
 * @property {number} [bytesMax] of the answer
 * @property {boolean} [isFresh] past the browser's cache
 * @property {AbortSignal} [signal]
 * @typedef {{ status: number, headers: Headers, body: Bytes }} Answer a successful one
 */

import {
  CairnError,
  Closed,
  Conflict,
  Forbidden,
  Full,
  Invalid,
  Limited,
  NotFound,
  Tampered,
  TooLarge,
  Unavailable,
  Unknown,
} from "../errors.js";
import { concat, textOf } from "../format/bytes.js";

const TRIES = 4;
const PAUSE_MS = 200;
const WAIT_WHEN_LIMITED_SECONDS_MAX = 10;
const REQUEST_MS = 60_000;
const SLOWEST_BYTES_PER_MS = 16;
const JSON_BYTES_MAX = 65_536;
const DETAIL_LENGTH_MAX = 200;

/** @type {Record<string, new (message: string) => CairnError>} */
const BY_CODE = {
  invalid: Invalid,
  forbidden: Forbidden,
  not_found: NotFound,
  conflict: Conflict,
  closed: Closed,
  too_large: TooLarge,
  limited: Limited,
  unavailable: Unavailable,
  unknown: Unknown,
  full: Full,
};
/** What a status means where no document says more: a proxy's answer, for one. @type {Record<number, string>} */
const CODE_OF_STATUS = { 400: "invalid", 403: "forbidden", 404: "not_found", 409: "conflict", 410: "closed", 413: "too_large", 422: "invalid", 429: "limited", 507: "full" }; // prettier-ignore

/** A server's address, and the grant that pays for writes to it. */
export class Http {
  /** @param {string} base without a slash at the end; empty: where this page is from @param {string} [grant] */
  constructor(base, grant) {
    this.base = base;
    this.grant = grant;
  }

  /**
   * Sends a request until it is answered or hope is lost.
   *
   * @param {"GET" | "PUT" | "POST" | "DELETE"} method
   * @param {string} path
   * @param {Question} [question]
   * @returns {Promise<Answer>}
   * @throws {CairnError} what the server answered; Unknown: a write may be done. The signal's reason: it was aborted.
   */
  async ask(method, path, question = {}) {
    let doubt = null; // once a write may be done, no later failure takes that back
    for (let attempt = 1; ; attempt++) {
      try {
        return await this.#askOnce(method, path, question);
      } catch (error) {
        if (error instanceof Unknown) doubt = error;
        if (attempt === TRIES || !isWorthWaiting(error)) throw doubt ?? error;
        await paused(pauseMs(error, attempt), question.signal);
      }
    }
  }

  /** @param {string} method @param {string} path @param {Question} question @returns {Promise<Answer>} */
  async #askOnce(method, path, { body, headers, bytesMax = JSON_BYTES_MAX, isFresh = false, signal }) {
    signal?.throwIfAborted();
    const isWrite = method !== "GET";
    const deadline = AbortSignal.timeout(REQUEST_MS + Math.ceil((body?.length ?? 0) / SLOWEST_BYTES_PER_MS));
    try {
      const response = await fetch(this.base + path, {
        method,
        body,
        headers: { ...(this.grant && isWrite ? { Authorization: `Bearer ${this.grant}` } : {}), ...headers },
        credentials: "omit",
        redirect: "error",
        cache: isFresh ? "reload" : "default",
        signal: signal ? AbortSignal.any([signal, deadline]) : deadline,
      });
      if (!response.ok) throw await errorIn(response, isWrite);
      return { status: response.status, headers: response.headers, body: await readBody(response, bytesMax) };
    } catch (error) {
      signal?.throwIfAborted();
      throw error instanceof CairnError ? error : lost(isWrite);
    }
  }
}

/** @param {Bytes} body @returns {any} @throws {Tampered} */
export function jsonIn(body) {
  try {
    return JSON.parse(textOf(body));
  } catch {
    throw new Tampered("the server's answer is not JSON");
  }
}

/**
 * @param {number} ms
 * @param {AbortSignal} [signal]
 * @returns {Promise<void>}
 */
export function paused(ms, signal) {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(resolve, ms);
    signal?.addEventListener("abort", () => (clearTimeout(timer), reject(signal.reason)), { once: true });
  });
}

/** @param {unknown} error @returns {boolean} the same request may well succeed soon; a limit must say when */
function isWorthWaiting(error) {
  if (globalThis.navigator?.onLine === false) return false;
  if (error instanceof Limited) {
    return error.retrySeconds > 0 && error.retrySeconds <= WAIT_WHEN_LIMITED_SECONDS_MAX;
  }
  return error instanceof Unavailable || error instanceof Unknown;
}

/** @param {unknown} error @param {number} attempt */
function pauseMs(error, attempt) {
  if (error instanceof Limited) return error.retrySeconds * 1000;
  return PAUSE_MS * 2 ** (attempt - 1) * (0.5 + Math.random() / 2);
}

/** @param {Response} response @param {boolean} isWrite */
async function errorIn(response, isWrite) {
  const document = await documentIn(response);
  const code = BY_CODE[document.code] ? document.code : (CODE_OF_STATUS[response.status] ?? "unavailable");
  if (isWrite && response.status >= 500 && code !== document.code) return lost(true);
  const Kind = /** @type {new (message: string) => CairnError} */ (BY_CODE[code]);
  const words = code === "not_found" ? "the server does not have it" : `the server answered ${response.status}`;
  const detail = typeof document.detail === "string" && code !== "not_found" ? document.detail : words;
  const error = new Kind(detail.slice(0, DETAIL_LENGTH_MAX));
  if (error instanceof Limited) error.retrySeconds = Number(response.headers.get("retry-after")) || 0;
  return error;
}

/** @param {Response} response @returns {Promise<{ code: string, detail?: unknown }>} */
async function documentIn(response) {
  try {
    return jsonIn(await readBody(response, JSON_BYTES_MAX)) ?? { code: "" };
  } catch {
    return { code: "" };
  }
}

/** What a broken connection means. @param {boolean} isWrite */
function lost(isWrite) {
  if (!isWrite) return new Unavailable("the server can't be reached");
  return new Unknown("the connection broke before the answer: the write may or may not be done");
}

/** @param {Response} response @param {number} bytesMax @returns {Promise<Bytes>} */
async function readBody(response, bytesMax) {
  if (!response.body) return new Uint8Array();
  const reader = response.body.getReader();
  const pieces = [];
  let size = 0;
  for (;;) {
    const { done, value } = await reader.read();
    if (done) return concat(...pieces);
    size += value.length;
    if (size > bytesMax) {
      await reader.cancel();
      throw new TooLarge("the server sends more than was asked for");
    }
    pieces.push(value);
  }
}

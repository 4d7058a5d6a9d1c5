/**
 * Files at addresses of this page's own, for `<video>`, `<audio>` and `<img>`, and for saving: a service worker answers there,
 * range by range, with what this page fetches, verifies and opens. See streaming_worker.js for the other half.
 *
 * An address holds a random token, which this page understands as long as it lives; no key, and nothing of the file.
 *
 * @import { Browser } from "../browser.js"
 * @import { LogEntry } from "../chains/log_entry.js"
 * @import { Asked } from "./answers.js"
 * @import { FileInEntry } from "./files.js"
 * @import { MediaKind } from "./media.js"
 *
 * @typedef {{ begun: () => void, failed: (error: unknown) => void, frame: HTMLIFrameElement }} Saving
 */

import { CairnError, NotFound, Unavailable } from "../errors.js";
import { toBase64url, toHex } from "../format/bytes.js";
import { randomBytes } from "../format/crypto.js";
import { Signal } from "../signal.js";
import { answerOf } from "./answers.js";
import { StoredObject, openObject } from "./download.js";
import { greeted, workerAt } from "./file_worker.js";
import { fileIn } from "./files.js";
import { mediaOf } from "./media.js";
import { sendParts } from "./parts_port.js";

const TOKEN_BYTES = 16;
const FRAME_MS = 60_000; // a browser may begin to save after it has read all; a frame that has gone by then ends that

/** Who gave out each token. One listener answers for all, as long as the page lives. @type {Map<string, Streaming>} */
const givers = new Map();

/** @param {MessageEvent} event */
function hear({ data, ports: [port] }) {
  if (data?.cairn !== "file" || !port) return;
  const giver = givers.get(data.token);
  if (giver) void giver.answer(data, port);
  else port.postMessage({ status: 404 });
}

/** The files that this page streams. Made by `Cairn.streaming`. */
export class Streaming {
  #browser;
  #worker;
  #prefix;
  /** @type {Map<string, FileInEntry>} by token */
  #files = new Map();
  /** @type {Map<string, string>} tokens, by what they stand for */
  #tokens = new Map();
  /** @type {Map<string, StoredObject>} large files whose chunks are known, by token */
  #opened = new Map();
  /** @type {Map<string, Saving>} by token */
  #savings = new Map();

  /** Why the last file that failed did: the element that shows it is not told. @type {Signal<CairnError | null>} */
  problem = new Signal(/** @type {CairnError | null} */ (null));

  /** @param {Browser} browser @param {ServiceWorker} worker @param {string} prefix of all addresses; see `of` */
  constructor(browser, worker, prefix) {
    this.#browser = browser;
    this.#worker = worker;
    this.#prefix = prefix;
    navigator.serviceWorker.addEventListener("message", hear); // the same one again changes nothing
    navigator.serviceWorker.startMessages();
  }

  /**
   * @param {Browser} browser
   * @param {string | URL} file of the application's worker
   * @returns {Promise<Streaming>}
   * @throws {CairnError} unsupported: there are no service workers here
   */
  static async of(browser, file) {
    const { scope, worker } = await workerAt(file);
    return new Streaming(browser, worker, `${scope}cairn-file/${await greeted(worker)}/`);
  }

  /**
   * The address of an entry's file, for an element of this page: the same one whenever it is asked for.
   *
   * @param {LogEntry} entry
   * @param {{ preview?: boolean }} [options]
   * @returns {string}
   * @throws {NotFound} the entry has no file, or no preview
   */
  url(entry, options) {
    const file = fileIn(entry, options);
    const what = `${toHex(file.reference.blockId)} ${file.type} ${file.name}`;
    const token = this.#tokens.get(what) ?? this.#tokenFor(file);
    this.#tokens.set(what, token);
    return this.#prefix + token;
  }

  /** Which element shows an entry's file: null, none does. @param {LogEntry} entry @returns {MediaKind | null} */
  kindOf(entry) {
    return mediaOf(entry.value?.type)?.kind ?? null;
  }

  /**
   * Saves an entry's file as the browser saves what is downloaded: to disk as it comes, whatever its size.
   *
   * @param {LogEntry} entry
   * @returns {Promise<void>} when it has begun
   * @throws {CairnError} as `Log.getFile`
   */
  save(entry) {
    const token = this.#tokenFor(fileIn(entry));
    const frame = Object.assign(document.createElement("iframe"), { hidden: true, src: this.#prefix + token });
    return new Promise((begun, failed) => {
      this.#savings.set(token, { begun, failed, frame });
      document.body.append(frame);
    });
  }

  /** Forgets all addresses that were given out. */
  close() {
    for (const { frame } of this.#savings.values()) frame.remove();
    for (const token of this.#files.keys()) givers.delete(token);
    for (const all of [this.#files, this.#tokens, this.#opened, this.#savings]) all.clear();
  }

  /** @param {FileInEntry} file @returns {string} */
  #tokenFor(file) {
    const token = toBase64url(randomBytes(TOKEN_BYTES));
    this.#files.set(token, file);
    givers.set(token, this);
    return token;
  }

  // --- what the worker asks

  /** @param {Asked & { token: string }} asked of a token of its own @param {MessagePort} port */
  async answer(asked, port) {
    const { token } = asked;
    const file = /** @type {FileInEntry} */ (this.#files.get(token));
    try {
      await this.#serve(asked, file, port);
    } catch (error) {
      port.postMessage({ status: statusOf(error) });
      this.#savings.get(token)?.failed(error);
      this.problem.value = error instanceof CairnError ? error : new Unavailable("the file can't be read");
    }
    this.#forgetSaving(token);
  }

  /** @param {Asked & { token: string }} asked @param {FileInEntry} file @param {MessagePort} port */
  async #serve(asked, file, port) {
    const object = await this.#open(asked.token, file);
    const { status, headers, span } = answerOf(file, object.total, asked);
    const sent = span && sendParts(port, this.#worker, (signal) => object.parts(span.start, span.stop, signal));
    port.postMessage({ status, headers, hasBody: span !== null });
    this.#savings.get(asked.token)?.begun();
    await sent;
  }

  /** @param {string} token @param {FileInEntry} file @returns {Promise<StoredObject>} */
  async #open(token, { reference }) {
    const object = this.#opened.get(token) ?? (await openObject(this.#browser.server, reference));
    if (!(object.content instanceof Uint8Array)) this.#opened.set(token, object); // small ones, the browser keeps
    return object;
  }

  /** @param {string} token */
  #forgetSaving(token) {
    const saving = this.#savings.get(token);
    if (!saving) return;
    setTimeout(() => saving.frame.remove(), FRAME_MS);
    givers.delete(token);
    for (const all of [this.#files, this.#opened, this.#savings]) all.delete(token);
  }
}

/** @param {unknown} error @returns {number} */
function statusOf(error) {
  if (error instanceof NotFound) return 404;
  return error instanceof Unavailable ? 503 : 502;
}

import { previewOf } from "/sdk/previews.js";
import { byId, make, sizeText } from "./page.js";

/** @type {Upload[]} */
const waiting = [];
let running = 0;

/** One file on its way to a log, and its line on the page: it can be paused, gone on with, and given up. */
export class Upload {
  /** @param {import("/sdk/cairn.js").Log} log @param {File} file */
  constructor(log, file) {
    this.log = log;
    this.file = file;
    this.note = make("span", { className: "help" });
    this.bar = make("progress", { max: file.size || 1, value: 0, ariaLabel: `Upload of ${file.name}` });
    this.toggle = make("button", { className: "plain", onclick: () => (this.isPaused ? this.start() : this.#stop()) });
    const cancel = { className: "plain danger", ariaLabel: `Cancel ${file.name}`, onclick: () => this.#cancel() };
    const inside = [make("bdi", {}, file.name), this.note, this.toggle, make("button", cancel, "Cancel"), this.bar];
    this.line = make("li", { className: "card" }, ...inside);
    byId("uploads").append(this.line);
    void this.start();
  }

  async start() {
    this.aborting = new AbortController();
    this.#show("waits");
    waiting.push(this);
    if (running === 2) return; // so many at once
    running++;
    for (let next = waiting.shift(); next; next = waiting.shift()) await next.#put();
    running--;
  }

  async #put() {
    const { file, aborting: { signal } = new AbortController() } = this;
    const onProgress = (/** @type {number} */ done) => {
      this.bar.value = done;
      if (!signal.aborted) this.#show(`${sizeText(done)} of ${sizeText(file.size)}`);
    };
    try {
      await this.log.putFile(file, { preview: await previewOf(file), onProgress, signal });
      this.line.remove();
    } catch (error) {
      const { message, hint = "" } = /** @type {any} */ (error);
      if (!signal.aborted) this.#show(`${message}. ${hint}`, true);
    }
  }

  #stop() {
    this.aborting?.abort();
    this.#show("paused", true);
  }

  #cancel() {
    this.#stop();
    this.line.remove();
    void this.log.removeFile(this.file);
  }

  /** @param {string} words @param {boolean} [isPaused] */
  #show(words, isPaused = false) {
    this.isPaused = isPaused;
    this.note.textContent = words;
    this.toggle.textContent = isPaused ? "Resume" : "Pause";
    this.toggle.ariaLabel = `${this.toggle.textContent} ${this.file.name}`;
  }
}

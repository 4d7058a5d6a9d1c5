/** Thresholds that the reader sets, kept in this browser, and what is beyond them. @import { Reading } from "./readings.js" */

const CALM_MS = 3_000; // an alarm ends when its sensor has been well for so long
export class Alarms {
  active = /** @type {Map<string, { words: string, at: number }>} */ (new Map()); // what is beyond, and when it last was

  /** @param {string} key under which the thresholds are kept: below and above, by sensor */
  constructor(key) {
    this.key = key;
    /** @type {Record<string, (number | null)[]>} */
    this.limits = Object.assign(Object.create(null), JSON.parse(localStorage.getItem(key) ?? "{}"));
  }

  /** @param {string} name @param {string[]} texts */
  set(name, texts) {
    this.limits[name] = texts.map((text) => (text === "" ? null : Number(text)));
    localStorage.setItem(this.key, JSON.stringify(this.limits));
    this.active.delete(name);
  }

  judge(/** @type {Reading} */ { at, values }) {
    for (const [name, value] of values) {
      const [low, high] = this.limits[name] ?? [];
      const beyond = value < (low ?? -Infinity) ? `below ${low}` : value > (high ?? Infinity) ? `above ${high}` : "";
      const known = this.active.get(name);
      if (beyond) this.active.set(name, { words: known?.words ?? `${name}: ${value} is ${beyond}`, at });
      else if (known && at - known.at > CALM_MS) this.active.delete(name);
    }
  }
}

/**
 * Readings, folded into buckets as they come: three spans of time in 240 steps each, however many readings there are.
 *
 * @typedef {{ at: number, values: [string, number][] }} Reading at: unix milliseconds
 * @typedef {[low: number, high: number, sum: number, count: number]} Fold
 * @typedef {{ start: number, width: number, folds: Map<string, Fold> }} Bucket times in milliseconds
 */

const STEPS = 240;
const SENSORS_MAX = 12;
export const NONE = /** @type {Fold} */ ([Infinity, -Infinity, 0, 0]);

/** @type {(a: Fold, b: Fold) => Fold} both as one */
export const merged = (a, b) => [Math.min(a[0], b[0]), Math.max(a[1], b[1]), a[2] + b[2], a[3] + b[3]];

/** All that is known of some sensors. */
export class Readings {
  /** @type {Map<number, Bucket[]>} by span in milliseconds */
  spans = new Map([60_000, 600_000, 3_600_000].map((span) => [span, []]));
  /** @type {Reading | null} */
  last = null;

  /** @param {any} entry what a writer wrote @returns {Reading | null} null: it is no reading */
  add(entry) {
    const { at, values } = entry ?? {};
    if (!Number.isSafeInteger(at) || at < 0) return null;
    const good = Object.entries(values ?? {}).filter(([, value]) => Number.isFinite(value)).slice(0, SENSORS_MAX);
    this.last = { at, values: good };
    for (const [span, buckets] of this.spans) {
      const width = span / STEPS;
      const start = at - (at % width);
      if (start > (buckets.at(-1)?.start ?? -1)) buckets.push({ start, width, folds: new Map() });
      const { folds } = Object.assign(/** @type {Bucket} */ (buckets.at(-1)), { width });
      for (const [name, value] of good) folds.set(name, merged(folds.get(name) ?? NONE, [value, value, value, 1]));
      if (buckets.length > STEPS) buckets.shift();
    }
    return this.last;
  }

  /** Begins at a checkpoint: the last hour, as its writer tells it. @param {any} state */
  begin(state) {
    const told = Number.isSafeInteger(state?.at) && Array.isArray(state.buckets) ? state.buckets.filter(Array.isArray) : [];
    const known = told.slice(-STEPS).map((/** @type {[number, object | null]} */ [start, folds]) => {
      const good = Object.entries(folds ?? {}).filter(([, fold]) => fold?.length === 4 && fold.every?.(Number.isFinite));
      return { start, width: Math.min(15_000, state.at - start + 1), folds: new Map(good.slice(0, SENSORS_MAX)) };
    });
    for (const span of this.spans.keys()) this.spans.set(span, structuredClone(known));
    if (known.length > 0) this.last = { at: state.at, values: [] };
  }
}

/**
 * Readings, folded into buckets as they come: three spans of time in 240 steps each, however many readings there are.
 *
 * @typedef {{ at: number, values: [string, number][] }} Reading at: unix milliseconds
 * @typedef {[low: number, high: number, sum: number, count: number]} Fold
 * @typedef {{ start: number, width: number, folds: Map<string, Fold> }} Bucket milliseconds, from its first reading to its last
 */

export const STEPS = 240;
const [HOUR_MS, TOLD_MS, SENSORS_MAX] = [3_600_000, 15_000, 12]; // told: a step of the hour that a checkpoint tells
const NONE = /** @type {Fold} */ ([Infinity, -Infinity, 0, 0]);

/** @type {(a: Fold, b: Fold) => Fold} both as one */
const merged = (a, b) => [Math.min(a[0], b[0]), Math.max(a[1], b[1]), a[2] + b[2], a[3] + b[3]];
/** @type {(buckets: Bucket[], name: string) => Fold} all of a sensor as one */
export const total = (buckets, name) => buckets.map(({ folds }) => folds.get(name) ?? NONE).reduce(merged, NONE);

/** All that is known of some sensors. */
export class Readings {
  /** @type {Map<number, Bucket[]>} by span in milliseconds */
  spans = new Map([60_000, 600_000, HOUR_MS].map((span) => [span, []]));
  last = /** @type {Reading | null} */ (null);

  /** @param {any} entry what a writer wrote @returns {Reading | null} null: it is no reading */
  add(entry) {
    const { at, values } = entry ?? {};
    if (!Number.isSafeInteger(at) || at < 0) return null;
    const good = Object.entries(values ?? {}).filter(([, value]) => Number.isFinite(value)).slice(0, SENSORS_MAX);
    this.last = { at, values: good };
    for (const [span, buckets] of this.spans) {
      const step = at - (at % (span / STEPS));
      if (step > (buckets.at(-1)?.start ?? -1)) buckets.push({ start: at, width: 1, folds: new Map() });
      const bucket = /** @type {Bucket} */ (buckets.at(-1));
      bucket.width = Math.max(bucket.width, at - bucket.start + 1);
      for (const [name, value] of good) bucket.folds.set(name, merged(bucket.folds.get(name) ?? NONE, [value, value, value, 1]));
      if (buckets.length > STEPS) buckets.shift();
    }
    return this.last;
  }

  /** Goes on with a checkpoint: the part of its hour that was not seen here, as its writer tells it. @param {any} state */
  goOn(state) {
    const told = Number.isSafeInteger(state?.at) && Array.isArray(state.buckets) ? state.buckets.filter(Array.isArray) : [];
    const known = told.slice(-STEPS).map((/** @type {any[]} */ [start, folds, width = TOLD_MS]) => {
      const good = Object.entries(folds ?? {}).filter(([, fold]) => fold?.length === 4 && fold.every?.(Number.isFinite));
      return { start, width: Math.min(width, TOLD_MS, state.at - start + 1), folds: new Map(good.slice(0, SENSORS_MAX)) };
    });
    const end = (this.last?.at ?? -1) + 1;
    const fresh = known.filter((/** @type {Bucket} */ { start, width }) => start + width > end);
    if (fresh[0]?.start < end) {
      const near = (/** @type {Bucket[]} */ all) => all.filter(({ start }) => start >= end - 1 - ((end - 1) % TOLD_MS));
      const [whole, seen] = [near(known).filter(({ start }) => start <= fresh[0].start), near(this.spans.get(HOUR_MS) ?? [])];
      for (const [name, fold] of fresh[0].folds) {
        fold.splice(2, 2, total(whole, name)[2] - total(seen, name)[2], total(whole, name)[3] - total(seen, name)[3]);
        if (fold[3] <= 0) fresh[0].folds.delete(name);
      }
      Object.assign(fresh[0], { start: end, width: fresh[0].start + fresh[0].width - end });
    }
    for (const [span, buckets] of this.spans) this.spans.set(span, [...buckets, ...structuredClone(fresh)].slice(-STEPS));
    if (known.length > 0 && state.at >= end) this.last = { at: state.at, values: [] };
  }
}

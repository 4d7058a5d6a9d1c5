/** The numbers of /metrics as columns over time, and what follows from them: rates, shares, percentiles. Pure. */

/**
 * What the server answers. A row is `[time_ms, place, difference, place, difference, ...]`: what changed since the row
 * before. `last` are the values in the last row.
 *
 * @typedef {object} Answer
 * @property {string} version
 * @property {number} started_ms
 * @property {number} time_ms when `now` was
 * @property {number} step_seconds
 * @property {Record<string, number>} now
 * @property {string[]} series
 * @property {number[]} last
 * @property {number[][]} rows
 */

/** @typedef {Record<string, string>} Labels */
/** @typedef {(number | null)[]} Column a number for each time; null where none can be told */

/** Over how many rows a rate or percentile that stands alone is taken. */
export const ROWS_OF_NOW = 10;

const GAP_STEPS = 3;

export class Past {
  /** @param {number} stepSeconds @param {number} spanSeconds */
  constructor(stepSeconds, spanSeconds) {
    this.stepSeconds = stepSeconds;
    /** @type {number[]} unix seconds of the rows, ascending */
    this.times = [];
    /** @type {Record<string, number>} */
    this.now = {};
    this.timeMs = 0;
    this.startedMs = 0;
    this.version = "";
    this.rowsMax = spanSeconds / stepSeconds;
    /** @type {Map<string, number[]>} */
    this.columns = new Map();
  }

  /** @returns {number} the time of the last row: what is wanted next comes after it */
  get sinceMs() {
    return Math.round((this.times.at(-1) ?? 0) * 1_000);
  }

  /** Adds what came after `sinceMs`. @param {Answer} answer */
  take(answer) {
    if (answer.started_ms !== this.startedMs) this.forget();
    this.now = answer.now;
    this.timeMs = answer.time_ms;
    this.startedMs = answer.started_ms;
    this.version = answer.version;
    const before = this.times.length;
    const values = walkBack(answer);
    this.times.push(...answer.rows.map((row) => (row[0] ?? 0) / 1_000));
    answer.series.forEach((name, place) => {
      const column = this.columns.get(name) ?? new Array(before).fill(0);
      column.push(.../** @type {number[]} */ (values[place]));
      this.columns.set(name, column);
    });
    this.fill();
    this.drop(this.times.length - this.rowsMax);
  }

  forget() {
    this.times = [];
    this.columns.clear();
  }

  /** A number that this answer lacks stays as it was: another process may have given the one before. */
  fill() {
    for (const column of this.columns.values()) {
      while (column.length < this.times.length) column.push(column.at(-1) ?? 0);
    }
  }

  /** @param {number} count of the oldest rows */
  drop(count) {
    if (count <= 0) return;
    this.times.splice(0, count);
    for (const column of this.columns.values()) column.splice(0, count);
  }

  // --- by name -------------------------------------------------------------------------------------------------------

  /** @param {string} metric @param {Labels} [labels] @returns {string[]} the names that it has now, in any order */
  names(metric, labels = {}) {
    return Object.keys(this.now).filter((name) => fits(name, metric, labels));
  }

  /** @param {string} metric @param {string} label @param {Labels} [labels] @returns {string[]} its values, sorted */
  valuesOf(metric, label, labels = {}) {
    const found = this.names(metric, labels).map((name) => parse(name).labels[label] ?? "");
    return [...new Set(found)].sort();
  }

  /** @param {string} metric @param {Labels} [labels] @returns {number} its value now, summed over other labels */
  value(metric, labels = {}) {
    return this.names(metric, labels).reduce((sum, name) => sum + (this.now[name] ?? 0), 0);
  }

  /** @param {string} metric @param {Labels} [labels] @returns {number[]} the same at every time */
  column(metric, labels = {}) {
    const sums = new Array(this.times.length).fill(0);
    for (const [name, column] of this.columns) {
      if (fits(name, metric, labels)) column.forEach((value, row) => (sums[row] += value));
    }
    return sums;
  }

  /** @param {string} metric @param {Labels} [labels] @returns {Column} the same, and nothing at all where there is no such number */
  gauge(metric, labels = {}) {
    return this.names(metric, labels).length ? this.column(metric, labels) : this.times.map(() => null);
  }

  // --- what follows --------------------------------------------------------------------------------------------------

  /** @param {string} counter @param {Labels} [labels] @returns {Column} by how much it grew, per second */
  rate(counter, labels = {}) {
    return this.rateOf(this.column(counter, labels));
  }

  /** @param {number[]} column @returns {Column} */
  rateOf(column) {
    return column.map((value, row) => {
      const seconds = this.secondsBefore(row, 1);
      return seconds === null ? null : Math.max(0, value - (column[row - 1] ?? 0)) / seconds;
    });
  }

  /** The rate over the last rows together. @param {string} counter @param {Labels} [labels] @returns {number | null} */
  rateNow(counter, labels = {}) {
    const column = this.column(counter, labels);
    const last = column.length - 1;
    const rows = Math.min(ROWS_OF_NOW, last);
    if (rows < 1) return null;
    const seconds = (this.times[last] ?? 0) - (this.times[last - rows] ?? 0);
    return Math.max(0, (column[last] ?? 0) - (column[last - rows] ?? 0)) / seconds;
  }

  /** @param {number[]} part @param {number[]} whole both grow @returns {Column} the share, over some rows each */
  share(part, whole) {
    return this.times.map((_, row) => {
      const grown = this.grown(whole, row);
      return grown ? (this.grown(part, row) ?? 0) / grown : null;
    });
  }

  /** @param {number} q such as 0.99 @param {string} histogram @param {Labels} [labels] @returns {Column} seconds */
  quantile(q, histogram, labels = {}) {
    const buckets = this.buckets(histogram, labels);
    return this.times.map((_, row) => quantileOf(q, buckets.map(([bound, at]) => [bound, this.grown(at, row) ?? 0])));
  }

  /** Since the server's start. @param {number} q @param {string} histogram @param {Labels} [labels] */
  quantileEver(q, histogram, labels = {}) {
    const bounds = this.valuesOf(`${histogram}_bucket`, "le", labels);
    return quantileOf(q, bounds.map((le) => [boundOf(le), this.value(`${histogram}_bucket`, { ...labels, le })]));
  }

  /**
   * How many were at most so much, by upper bound. The past has each bucket without those below it.
   *
   * @param {string} histogram
   * @param {Labels} labels
   * @returns {[number, number[]][]} ascending
   */
  buckets(histogram, labels) {
    const bounds = this.valuesOf(`${histogram}_bucket`, "le", labels).map((le) => /** @type {[string, number]} */ ([le, boundOf(le)]));
    const below = new Array(this.times.length).fill(0);
    return bounds.sort(([, one], [, other]) => one - other).map(([le, bound]) => {
      this.column(`${histogram}_bucket`, { ...labels, le }).forEach((value, row) => (below[row] += value));
      return [bound, [...below]];
    });
  }

  /** @param {number[]} column @param {number} row @returns {number | null} how much it grew over the rows before */
  grown(column, row) {
    const rows = Math.min(ROWS_OF_NOW, row);
    if (this.secondsBefore(row, rows) === null) return null;
    return Math.max(0, (column[row] ?? 0) - (column[row - rows] ?? 0));
  }

  /** @param {number} row @param {number} rows @returns {number | null} how long they took; null if some are missing */
  secondsBefore(row, rows) {
    if (rows < 1 || row < rows) return null;
    const seconds = (this.times[row] ?? 0) - (this.times[row - rows] ?? 0);
    return seconds > 0 && seconds < this.stepSeconds * (rows + GAP_STEPS - 1) ? seconds : null;
  }
}

/**
 * The value below which a share of what was counted lies, straight within its bucket.
 *
 * @param {number} q
 * @param {[number, number][]} buckets how many were at most so much, by upper bound, the last one infinite
 * @returns {number | null} null where nothing was counted
 */
export function quantileOf(q, buckets) {
  const sorted = [...buckets].sort(([one], [other]) => one - other);
  const total = sorted.at(-1)?.[1] ?? 0;
  if (!total) return null;
  const wanted = q * total;
  let lower = 0;
  let below = 0;
  for (const [bound, count] of sorted) {
    if (count >= wanted) {
      if (bound === Infinity) return lower;
      return lower + (bound - lower) * ((wanted - below) / (count - below || 1));
    }
    lower = bound;
    below = count;
  }
  return lower;
}

/** @param {string} le @returns {number} */
function boundOf(le) {
  return Number(le.replace("+Inf", "Infinity"));
}

/** @param {Answer} answer @returns {number[][]} a column for each of its series, a value for each row */
function walkBack(answer) {
  const values = [...answer.last];
  const columns = values.map(() => /** @type {number[]} */ (new Array(answer.rows.length)));
  for (let at = answer.rows.length - 1; at >= 0; at--) {
    values.forEach((value, place) => {
      /** @type {number[]} */ (columns[place])[at] = value;
    });
    const row = /** @type {number[]} */ (answer.rows[at]);
    for (let next = 1; next < row.length; next += 2) {
      const place = /** @type {number} */ (row[next]);
      values[place] = (values[place] ?? 0) - (row[next + 1] ?? 0);
    }
  }
  return columns;
}

/** @type {Map<string, {metric: string, labels: Labels}>} */
const parsed = new Map();

/** @param {string} name such as `cairn_requests_total{route="get_block",status="200"}` */
export function parse(name) {
  let found = parsed.get(name);
  if (!found) {
    const labels = Object.fromEntries([...name.matchAll(/(\w+)="([^"]*)"/g)].map((match) => [match[1], match[2]]));
    found = { metric: name.split("{", 1)[0] ?? "", labels };
    parsed.set(name, found);
  }
  return found;
}

/** @param {string} name @param {string} metric @param {Labels} labels */
function fits(name, metric, labels) {
  if (!name.startsWith(metric)) return false;
  const found = parse(name);
  return found.metric === metric && Object.entries(labels).every(([label, value]) => found.labels[label] === value);
}

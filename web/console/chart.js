/** A chart with its legend and its table: uPlot draws, the rest is for those who read otherwise. */

import { element } from "./element.js";
import { clock, shown } from "./units.js";

/** @typedef {import("./past.js").Column} Column */
/** @typedef {import("./units.js").Format} Format */

/**
 * What a chart shows. `across` names the places of a chart that is not over time.
 *
 * @typedef {object} Plan
 * @property {string} title
 * @property {string} about one sentence: what it tells
 * @property {string[]} lines their names, in order of colour
 * @property {Format} format
 * @property {number} [top] the scale's end, where it is known
 * @property {"whole" | "binary"} [ticks] only whole numbers, or powers of two, as bytes have them
 * @property {boolean} [isFilled]
 * @property {string} empty what to say when there is nothing to draw
 * @property {string[]} [across]
 */

const uPlot = /** @type {typeof import("uplot")} */ (/** @type {any} */ (globalThis).uPlot);
const HEIGHT = 190;
const TABLE_ROWS = 24;
const WHOLE = Array.from({ length: 40 }, (_, place) => /** @type {number} */ ([1, 2, 5][place % 3]) * 10 ** Math.floor(place / 3));
const BINARY = Array.from({ length: 60 }, (_, power) => 2 ** power);
const DASHES = [[], [6, 3], [2, 3], [8, 3, 2, 3]];

export class Chart {
  /** @param {Plan} plan */
  constructor(plan) {
    this.plan = plan;
    /** @type {number[]} */
    this.times = [];
    /** @type {Column[]} */
    this.columns = [];
    /** @type {import("uplot") | null} */
    this.drawn = null;
    this.values = plan.lines.map(() => element("span", { class: "now" }));
    this.entries = plan.lines.map((name, line) => entry(name, line, /** @type {Node} */ (this.values[line])));
    this.at = element("span", { class: "at" });
    this.canvas = element("div", { class: "canvas", role: "img", "aria-label": plan.title });
    this.nothing = element("p", { class: "nothing", hidden: "" }, plan.empty);
    this.table = element("div", { class: "scroll", tabindex: "0", role: "region", "aria-label": `${plan.title}, as a table` });
    this.details = element("details", {}, element("summary", {}, "As a table"), this.table);
    this.details.addEventListener("toggle", () => this.details.open && this.tabulate());
    this.root = element(
      "figure", { class: "card chart" },
      element("figcaption", {}, element("h3", {}, plan.title), element("p", {}, plan.about)),
      element("div", { class: "legend" }, element("ul", {}, ...this.entries), this.at), element("div", { class: "plot" }, this.canvas, this.nothing), this.details,
    );
    this.watching = new ResizeObserver(() => this.fit());
    this.watching.observe(this.canvas);
  }

  /** @param {number[]} times unix seconds @param {Column[]} columns one for each line */
  show(times, columns) {
    this.times = times;
    this.columns = columns;
    const isEmpty = columns.every((column) => column.every((value) => value === null));
    this.nothing.hidden = !isEmpty;
    this.canvas.classList.toggle("faint", isEmpty);
    this.drawn ??= this.draw();
    this.drawn.setData(/** @type {import("uplot").AlignedData} */ ([times, ...columns]));
    this.tell(this.drawn.cursor.idx ?? null);
    this.canvas.setAttribute("aria-label", this.inWords());
  }

  /** Draws anew, in the colours of now. */
  repaint() {
    this.drawn?.destroy();
    this.drawn = null;
    if (this.times.length) this.show(this.times, this.columns);
  }

  close() {
    this.watching.disconnect();
    this.drawn?.destroy();
  }

  // --- for the eye ---------------------------------------------------------------------------------------------------

  draw() {
    const colour = colours();
    const { plan } = this;
    const axis = { stroke: colour("--soft"), font: "12px system-ui, sans-serif", ticks: { show: false } };
    const values = (/** @type {unknown} */ _, /** @type {number[]} */ splits) => splits.map((value) => this.label(value));
    return new uPlot(
      {
        width: this.width, height: HEIGHT, legend: { show: false }, padding: [8, 28, 0, 0],
        cursor: { y: false, sync: { key: plan.across ? plan.title : "time" }, drag: { x: false, y: false }, points: { size: 7 } },
        scales: {
          x: plan.across ? { time: false, range: () => [-0.2, /** @type {string[]} */ (plan.across).length - 0.8] } : { time: true },
          y: { range: (_, __, most) => [0, plan.top ?? niceTop(most)] },
        },
        axes: [
          { ...axis, grid: { show: false }, size: 28, values, space: plan.across ? 30 : 84, ...(plan.across ? { splits: () => this.times } : {}) },
          {
            ...axis, ...(plan.ticks ? { incrs: plan.ticks === "whole" ? WHOLE : BINARY } : {}), grid: { stroke: colour("--line"), width: 1 }, size: 66, gap: 8, space: 40,
            values: (_, splits) => splits.map((value) => plan.format(value)),
          },
        ],
        series: [{}, ...plan.lines.map((_, line) => this.line(line, colour))],
        hooks: { setCursor: [(drawn) => this.tell(drawn.cursor.idx ?? null)] },
      },
      /** @type {import("uplot").AlignedData} */ ([this.times, ...this.columns]), this.canvas,
    );
  }

  /** @param {number} line @param {(name: string) => string} colour @returns {import("uplot").Series} */
  line(line, colour) {
    const stroke = colour(`--line-${line + 1}`);
    const fill = this.plan.isFilled && line === 0 ? `${stroke}22` : undefined;
    return { stroke, fill, width: 1.75, dash: DASHES[line], points: { show: this.plan.across !== undefined, size: 6, fill: stroke } };
  }

  /** Values under the pointer, or the last ones, beside the names. @param {number | null} place */
  tell(place) {
    const at = place ?? this.times.length - 1;
    const isEmpty = !this.nothing.hidden;
    this.columns.forEach((column, line) => {
      /** @type {HTMLElement} */ (this.entries[line]).hidden = !isEmpty && column.every((known) => known === null);
      const value = place === null && !this.plan.across ? last(column) : column[at];
      /** @type {HTMLElement} */ (this.values[line]).textContent = shown(value, this.plan.format);
    });
    this.at.textContent = place === null && !this.plan.across ? "" : this.label(this.times[at] ?? 0, true);
  }

  fit() {
    if (this.drawn && this.canvas.clientWidth !== this.drawn.width) this.drawn.setSize({ width: this.width, height: HEIGHT });
  }

  get width() {
    return Math.max(160, this.canvas.clientWidth);
  }

  /** @param {number} place a time, or a number in `across` @param {boolean} [isExact] */
  label(place, isExact = false) {
    if (this.plan.across) return this.plan.across[place] ?? "";
    return clock(place, isExact || (this.times.at(-1) ?? 0) - (this.times[0] ?? 0) < 240);
  }

  // --- for the ear, and for those who want figures -------------------------------------------------------------------

  inWords() {
    const values = this.plan.lines.map((name, line) => `${name} ${shown(last(this.columns[line] ?? []), this.plan.format)}`);
    return `${this.plan.title}. ${this.plan.across ? "" : "Last: "}${values.join(", ")}. The table below has the figures.`;
  }

  /** The figures as they are now: they stay while somebody reads them. */
  tabulate() {
    const step = Math.max(1, Math.ceil(this.times.length / TABLE_ROWS));
    const places = this.times.map((_, place) => place).filter((place) => (this.times.length - 1 - place) % step === 0);
    const rows = (this.plan.across ? places : places.reverse()).map((place) =>
      element("tr", {}, element("th", { scope: "row" }, this.label(this.times[place] ?? 0, true)),
        ...this.columns.map((column) => element("td", {}, shown(column[place], this.plan.format)))));
    const head = [this.plan.across ? "Size" : "Time", ...this.plan.lines].map((name) => element("th", { scope: "col" }, name));
    this.table.replaceChildren(
      rows.length ? element("table", {}, element("caption", { class: "unseen" }, this.plan.title), element("thead", {}, element("tr", {}, ...head)),
        element("tbody", {}, ...rows)) : element("p", { class: "help" }, this.plan.empty));
  }
}

/** @param {string} name @param {number} line @param {Node} value */
function entry(name, line, value) {
  return element("li", {}, element("span", { class: `key line-${line + 1}`, "aria-hidden": "true" }), `${name} `, value);
}

/** @param {Column} column @returns {number | null} its last value that is one */
function last(column) {
  for (let place = column.length - 1; place >= 0; place--) {
    const value = column[place];
    if (value !== null && value !== undefined) return value;
  }
  return null;
}

/** @param {number | null | undefined} most @returns {number} a little above */
function niceTop(most) {
  return most ? most * 1.15 : 1;
}

/** @returns {(name: string) => string} the value of a custom property */
function colours() {
  const style = getComputedStyle(document.documentElement);
  return (name) => style.getPropertyValue(name).trim();
}

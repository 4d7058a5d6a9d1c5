/** The parts that pages are made of, besides charts: single numbers, meters, tables. */

import { element } from "./element.js";

/** @typedef {Node | string} Words */

/**
 * A number that stands out, with what it is.
 *
 * @param {string} name
 * @param {Words} value
 * @param {Words} [note]
 * @param {"" | "good" | "warn" | "bad"} [state]
 */
export function tile(name, value, note = "", state = "") {
  return element("div", { class: "tile", "data-state": state }, element("dt", {}, name), element("dd", {}, value), note ? element("dd", { class: "note" }, note) : null);
}

/** @param {...Node} items */
export function tiles(...items) {
  return element("dl", { class: "tiles" }, ...items);
}

/** @param {string} label @param {number} part @param {number} whole */
export function meter(label, part, whole) {
  return element("meter", { min: "0", max: String(whole || 1), value: String(part), "aria-label": label });
}

/**
 * @param {string} title
 * @param {string[]} columns all but the first are numbers
 * @param {Words[][]} rows
 * @param {string} empty what to say when there are none
 */
export function table(title, columns, rows, empty) {
  if (!rows.length) return element("p", { class: "empty" }, empty);
  const head = columns.map((column) => element("th", { scope: "col" }, column));
  const body = rows.map(([first, ...others]) =>
    element("tr", {}, element("th", { scope: "row" }, first ?? ""), ...others.map((value) => element("td", {}, value))));
  return element(
    "div", { class: "scroll card", tabindex: "0", role: "region", "aria-label": title },
    element("table", {}, element("caption", { class: "unseen" }, title), element("thead", {}, element("tr", {}, ...head)), element("tbody", {}, ...body)),
  );
}

/** @param {string} title @param {...(Node | null)} parts */
export function section(title, ...parts) {
  return element("section", {}, element("h2", {}, title), ...parts);
}

/** @param {...import("./chart.js").Chart} all */
export function charts(...all) {
  return element("div", { class: "charts" }, ...all.map((chart) => chart.root));
}

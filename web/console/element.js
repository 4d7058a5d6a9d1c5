/** Elements of the page. Words become text nodes and nothing else. */

import { count } from "./units.js";

/**
 * A new element. A child that is null is left out.
 *
 * @template {keyof HTMLElementTagNameMap} Tag
 * @param {Tag} tag
 * @param {Record<string, string>} [attributes]
 * @param {...(Node | string | null)} children
 * @returns {HTMLElementTagNameMap[Tag]}
 */
export function element(tag, attributes = {}, ...children) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
  made.append(...children.filter((child) => child !== null));
  return made;
}

/** @param {string} id @returns {HTMLElement} the element of index.html with this id */
export function byId(id) {
  const found = document.getElementById(id);
  if (!found) throw new Error(`index.html lacks #${id}`);
  return found;
}

/**
 * The same with a noun behind it, such as "1 entry".
 *
 * @param {string} metric
 * @param {number} value
 * @param {string} one
 * @param {string} [many]
 */
export function counted(metric, value, one, many = `${one}s`) {
  return element("span", {}, datum(metric, value, count), ` ${value === 1 ? one : many}`);
}

/**
 * A number that stands in /metrics as it is: `value` is exact, what is shown is for people.
 *
 * @param {string} metric its name there, with labels
 * @param {number} value
 * @param {import("./units.js").Format} format
 */
export function datum(metric, value, format) {
  return element("data", { value: String(value), "data-metric": metric }, format(value));
}

import { toHex } from "/sdk/cairn.min.js";

/** @param {string} id @returns {any} */
export const byId = (id) => document.getElementById(id);

/** @param {string} name @param {object} properties @param {(Node | string)[]} inside @returns {any} */
export function make(name, properties, ...inside) {
  const element = Object.assign(document.createElement(name), properties);
  element.append(...inside);
  return element;
}

/** @param {number} bytes */
export function sizeText(bytes) {
  const power = Math.min(4, Math.floor(Math.log10(Math.max(bytes, 1)) / 3));
  return `${(bytes / 1000 ** power).toFixed(power > 1 ? 1 : 0)} ${["B", "kB", "MB", "GB", "TB"][power]}`;
}

/** What tells a file's entry from all others; "": it has no file. @param {import("/sdk/chains/log_entry.js").LogEntry} entry */
export const keyOf = ({ references: [file] }) => (file ? toHex(file.blockId) : "");

/**
 * What an entry holds, as elements.
 *
 * @import { Content } from "/sdk/format/payload.js"
 * @import { Inside, Item } from "/sdk/chains/reader.js"
 */

import { KIND, toHex } from "/sdk/cairn.js";
import { element, sizeText } from "./element.js";

const HEX_BYTES = 48;

/** @type {Record<number, string>} */
const SAID_BY_KIND = {
  [KIND.GENESIS]: "The chain begins here. Its id proves the key that signs every entry.",
  [KIND.ROTATE]: "The read key changed here: whoever has only older keys can’t read on.",
  [KIND.CHECKPOINT]: "A state from which new readers may begin.",
  [KIND.CLOSE]: "The chain ends here. Nothing can follow.",
};

/** @param {Item} item @returns {HTMLElement[]} */
export function contentView({ kind, inside }) {
  const said = SAID_BY_KIND[kind];
  const views = said ? [element("p", { class: "said" }, said)] : [];
  return [...views, ...insideView(inside)];
}

/** @param {Inside} inside @returns {HTMLElement[]} */
function insideView(inside) {
  switch (inside.type) {
    case "open":
      return inside.payload.content ? [...dataView(inside.payload.content)] : [];
    case "sealed":
      return [note("lock", "Sealed. This link verifies the chain, and can’t read it.")];
    case "key_missing":
      return [note("lock", "Key missing: sealed with a key that this link does not reach. Ask for a newer link.")];
    case "faulty":
      return [note("fault", `Signed by the writer, but made wrong: ${inside.reason}.`)];
    default:
      return [];
  }
}

/** @param {Content} content @returns {HTMLElement[]} */
function dataView(content) {
  switch (content.type) {
    case "text":
      return content.text ? [scrolled("text", content.text)] : [];
    case "json":
      return [scrolled("json", jsonText(content.value))];
    case "cbor":
      return bytesView("CBOR", content.bytes);
    case "application":
      return bytesView(`Application type ${content.code}`, content.bytes);
    default:
      return bytesView("Bytes", content.bytes);
  }
}

/** @param {string} kind @param {Uint8Array<ArrayBuffer>} bytes @returns {HTMLElement[]} */
function bytesView(kind, bytes) {
  if (bytes.length === 0) return [];
  const start = toHex(bytes.subarray(0, HEX_BYTES)).replace(/(.{8})(?=.)/g, "$1 ");
  const shown = bytes.length > HEX_BYTES ? `${start} …` : start;
  return [element("p", { class: "said" }, `${kind}, ${sizeText(bytes.length)}`), scrolled("hex", shown)];
}

/** @param {string} kind @param {string} text */
function scrolled(kind, text) {
  const direction = kind === "text" ? "auto" : "ltr";
  return element("pre", { class: `content ${kind}`, dir: direction, tabindex: "0" }, text);
}

/** @param {string} kind @param {string} text */
function note(kind, text) {
  return element("p", { class: `note ${kind}` }, text);
}

/** @param {unknown} value @returns {string} */
function jsonText(value) {
  try {
    return JSON.stringify(value, null, 2);
  } catch {
    return "JSON, nested too deeply to be shown";
  }
}

/** @param {Inside} inside @returns {string} the file's name, where the content tells one */
export function fileName(inside) {
  if (inside.type !== "open" || inside.payload.content?.type !== "json") return "";
  const value = inside.payload.content.value;
  const name = value && typeof value === "object" && "name" in value ? value.name : "";
  return typeof name === "string" ? name.slice(0, 200) : "";
}

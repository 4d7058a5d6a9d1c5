/**
 * Blocks that entries refer to: small ones are fetched when they come into view, others when asked for. An image is
 * shown, anything else offered as a download; nothing in a block is ever run or laid out as a page.
 *
 * @import { Bytes } from "/sdk/format/bytes.js"
 * @import { Reference, Server } from "/sdk/cairn.js"
 *
 * @typedef {{ item: HTMLElement, reference: Reference, name: string }} File
 */

import { CairnError, TooLarge, readObject, toHex } from "/sdk/cairn.js";
import { countText, element, sizeText } from "./element.js";

const AUTOMATIC_BYTES_MAX = 1_048_576;
const ASKED_BYTES_MAX = 268_435_456;
const SHOWN_MAX = 8; // of one entry

/** @type {[string, number[]][]} how image files begin; 256 stands for any byte */
const IMAGES = [
  ["image/png", [0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]],
  ["image/jpeg", [0xff, 0xd8, 0xff]],
  ["image/gif", [0x47, 0x49, 0x46, 0x38]],
  ["image/webp", [0x52, 0x49, 0x46, 0x46, 256, 256, 256, 256, 0x57, 0x45, 0x42, 0x50]],
];

/** The attachments of one chain's entries. */
export class Attachments {
  /** @type {Map<Element, () => void>} */
  #loads = new Map();
  /** @type {string[]} */
  #urls = [];
  #observer = new IntersectionObserver((changes) => {
    for (const { isIntersecting, target } of changes) if (isIntersecting) this.#cameIntoView(target);
  });

  /** @param {Server} server */
  constructor(server) {
    this.server = server;
  }

  /** Forgets what was loaded. */
  close() {
    this.#observer.disconnect();
    for (const url of this.#urls) URL.revokeObjectURL(url);
  }

  /** @param {Reference[]} references @param {string} name of the file, if the entry tells it @returns {HTMLElement} */
  view(references, name) {
    const list = element("ul", { class: "attachments", "aria-label": countText(references.length, "attachment") });
    for (const reference of references.slice(0, SHOWN_MAX)) list.append(this.#item(reference, name));
    const more = references.length - SHOWN_MAX;
    if (more > 0) list.append(element("li", { class: "help" }, `and ${more} more`));
    return list;
  }

  /** @param {Reference} reference @param {string} name */
  #item(reference, name) {
    const file = { item: element("li"), reference, name: name || `block ${toHex(reference.blockId).slice(0, 8)}` };
    if (reference.storedBytes > AUTOMATIC_BYTES_MAX) {
      this.#offer(file, `over ${sizeText(AUTOMATIC_BYTES_MAX)}`);
      return file.item;
    }
    file.item.append(label(file.name, `${sizeText(reference.storedBytes)} stored`));
    this.#loads.set(file.item, () => this.#load(file, AUTOMATIC_BYTES_MAX));
    this.#observer.observe(file.item);
    return file.item;
  }

  /** @param {Element} item */
  #cameIntoView(item) {
    this.#observer.unobserve(item);
    this.#loads.get(item)?.();
    this.#loads.delete(item);
  }

  /** @param {File} file @param {string} note */
  #offer(file, note) {
    const button = element("button", { type: "button", class: "plain", "aria-label": `Fetch ${file.name}` }, "Fetch");
    button.addEventListener("click", () => void this.#load(file, ASKED_BYTES_MAX));
    file.item.replaceChildren(label(file.name, note), button);
  }

  /** @param {File} file @param {number} bytesMax */
  async #load(file, bytesMax) {
    file.item.replaceChildren(label(file.name, "fetching…"));
    try {
      this.#show(file, await readObject(this.server, file.reference, { bytesMax }));
    } catch (error) {
      const isLarge = error instanceof TooLarge && bytesMax < ASKED_BYTES_MAX;
      this.#offer(file, isLarge ? `over ${sizeText(bytesMax)}` : "");
      if (isLarge) return;
      const why = error instanceof CairnError ? error.message : "it can’t be opened";
      file.item.append(element("span", { class: "problem", role: "alert" }, why));
    }
  }

  /** @param {File} file @param {Bytes} data */
  #show({ item, name }, data) {
    const type = imageType(data);
    const url = URL.createObjectURL(new Blob([data], { type: type ?? "application/octet-stream" }));
    this.#urls.push(url);
    const save = element("a", { href: url, download: name, class: "save", "aria-label": `Save ${name}` }, "Save");
    item.replaceChildren(label(name, sizeText(data.length)), save);
    if (!type) return;
    const image = element("img", { src: url, alt: `Attached image ${name}`, decoding: "async" });
    const picture = element("div", { class: "picture" }, image);
    image.addEventListener("error", () => picture.remove());
    item.prepend(picture);
  }
}

/** @param {string} name @param {string} note */
function label(name, note) {
  const words = element("span", { class: "file" }, element("bdi", {}, name), " ");
  words.append(element("span", { class: "help" }, note));
  return words;
}

/** @param {Bytes} data @returns {string | null} of the formats that are shown */
function imageType(data) {
  const found = IMAGES.find(([, start]) => start.every((byte, index) => byte === 256 || data[index] === byte));
  return found ? found[0] : null;
}

/**
 * The list of entries, newest first. What is shown at once is bounded; older ones come when asked for.
 *
 * @import { Item } from "/sdk/chains/reader.js"
 * @import { Attachments } from "./attachments.js"
 */

import { KIND } from "/sdk/cairn.js";
import { contentView, fileName } from "./content_view.js";
import { byId, countText, element, sizeText } from "./element.js";

const SHOWN_AT_ONCE = 200;

/** @type {Record<number, string>} */
const KIND_NAMES = {
  [KIND.GENESIS]: "Genesis",
  [KIND.LINK]: "Entry",
  [KIND.ROTATE]: "New key",
  [KIND.CHECKPOINT]: "Checkpoint",
  [KIND.CLOSE]: "Close",
};

/** All entries of one chain that were verified, and the newest of them as elements. */
export class EntriesView {
  /** @type {Item[]} */
  #items = [];
  #oldestShown = 0;

  /** @param {Attachments} attachments */
  constructor(attachments) {
    this.attachments = attachments;
    this.list = byId("entries");
    this.earlier = byId("earlier");
    this.list.replaceChildren();
    this.earlier.hidden = true;
    this.earlier.onclick = () => this.#showEarlier();
  }

  /** How many entries there are. */
  get count() {
    return this.#items.length;
  }

  /** How many were dropped by the chain's writer, or passed over. */
  get missingCount() {
    return this.#items.reduce((count, { missingBefore }) => count + missingBefore, 0);
  }

  /** What the chain held when it was opened. @param {Item[]} items in order */
  fill(items) {
    this.#items = items.slice();
    this.#oldestShown = items.length;
    this.#showEarlier();
  }

  /** What arrived since. @param {Item[]} items in order */
  arrive(items) {
    this.#items.push(...items);
    for (const item of items) {
      const view = this.#view(item);
      view.classList.add("arrived");
      this.list.prepend(view);
    }
    byId("arrivals").textContent = `${countText(items.length, "entry", "entries")} arrived`;
  }

  #showEarlier() {
    const from = Math.max(0, this.#oldestShown - SHOWN_AT_ONCE);
    const views = this.#items.slice(from, this.#oldestShown).map((item) => this.#view(item));
    this.list.append(...views.reverse());
    this.#oldestShown = from;
    this.earlier.hidden = from === 0;
  }

  /** @param {Item} item */
  #view(item) {
    const view = element("li", { class: `entry kind-${item.kind}`, "data-seq": String(item.seq) });
    view.append(headView(item), ...contentView(item));
    const references = item.inside.type === "open" ? item.inside.payload.references : [];
    if (references.length > 0) view.append(this.attachments.view(references, fileName(item.inside)));
    if (item.missingBefore > 0) {
      const count = countText(item.missingBefore, "entry", "entries");
      view.append(element("p", { class: "missing" }, `${count} before this one: given up by the writer, not shown.`));
    }
    return view;
  }
}

/** @param {Item} item */
function headView({ seq, kind, bytes, inside }) {
  const head = element("p", { class: "head" });
  head.append(element("span", { class: "seq" }, `#${seq}`), " ");
  head.append(element("span", { class: "kind" }, KIND_NAMES[kind] ?? ""), " ");
  const count = inside.type === "open" ? inside.payload.references.length : 0;
  const notes = [sizeText(bytes), ...(count ? [countText(count, "reference")] : [])];
  head.append(element("span", { class: "size" }, notes.join(" · ")));
  return head;
}

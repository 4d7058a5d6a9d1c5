/**
 * The card above the entries: what is known of the chain, and that it was verified. And the connection, in the corner.
 *
 * @import { ChainState } from "/sdk/format/chain.js"
 * @import { LiveState } from "/sdk/chains/live.js"
 */

import { toHex } from "/sdk/cairn.js";
import { byId, countText, element } from "./element.js";

/** @type {Record<LiveState | "stopped", string>} */
const CONNECTION_WORDS = {
  connecting: "Connecting…",
  live: "Live",
  reconnecting: "Reconnecting…",
  offline: "Offline",
  ended: "Closed",
  stopped: "Stopped",
};

/** @param {LiveState | "stopped" | null} state null: there is nothing to be connected to */
export function showConnection(state) {
  const place = byId("connection");
  place.hidden = state === null;
  if (!state) return;
  place.dataset.state = state;
  place.textContent = CONNECTION_WORDS[state];
}

/**
 * @param {ChainState} state
 * @param {{ count: number, missingCount: number, isRefused: boolean }} shown isRefused: what came last was not right
 */
export function showState(state, { count, missingCount, isRefused }) {
  const facts = element("dl", { class: "facts" });
  /** @param {string} name @param {string} value */
  const fact = (name, value) => facts.append(element("div", {}, element("dt", {}, name), element("dd", {}, value)));
  fact("Newest entry", `#${state.seq.toLocaleString("en")}`);
  fact("Key epoch", state.keyEpoch.toLocaleString("en"));
  fact("Chain", state.isClosed ? "Closed" : "Open");
  if (missingCount > 0) fact("Dropped", countText(missingCount, "entry", "entries"));
  const card = byId("state");
  const wasOpen = card.querySelector("details")?.open ?? false;
  const hadFocus = card.contains(document.activeElement);
  card.replaceChildren(titleView(state, count, isRefused), facts, detailsView(state, wasOpen));
  if (hadFocus) card.querySelector("summary")?.focus();
}

/** @param {ChainState} state @param {number} count @param {boolean} isRefused */
function titleView(state, count, isRefused) {
  const title = element("h1", { id: "chain-title" }, "Chain ", element("code", {}, toHex(state.chainId).slice(0, 8)));
  const badge = element("p", { class: "badge", "data-verified": String(!isRefused) });
  badge.append(isRefused ? "Not verified further" : "Verified");
  const words = `${countText(count, "entry", "entries")}: signature and link of each checked in this browser.`;
  return element("div", { class: "title" }, element("div", {}, title, element("p", { class: "help" }, words)), badge);
}

/** @param {ChainState} state @param {boolean} isOpen */
function detailsView({ chainId, hash, floor }, isOpen) {
  const list = element("dl", { class: "ids" });
  list.append(element("dt", {}, "Chain id"), element("dd", {}, element("code", {}, toHex(chainId))));
  list.append(element("dt", {}, "Hash of the newest entry"), element("dd", {}, element("code", {}, toHex(hash))));
  list.append(element("dt", {}, "Floor"), element("dd", {}, `#${floor.toLocaleString("en")}`));
  return element("details", isOpen ? { open: "" } : {}, element("summary", {}, "Compare with another device"), list);
}

/**
 * The page: opens the capability in its own address, after the #. That part of an address is never sent to a server.
 */

import { looksLikeCapability } from "/sdk/cairn.js";
import { byId } from "./element.js";
import { Session } from "./session.js";
import { showConnection } from "./state_view.js";

/** @type {Session | null} */
let session = null;

/** Shows what the address says: a chain, or how to come by one. */
function show() {
  session?.close();
  session = null;
  const link = location.hash.slice(1);
  for (const id of ["start", "failure", "chain", "loading"]) byId(id).hidden = true;
  byId("notices").replaceChildren();
  showConnection(null);
  document.title = "Cairn";
  if (!link) {
    byId("start").hidden = false;
    return;
  }
  session = new Session({ onRetry: show, onWeaker: replaceLink });
  void session.open(link);
}

/** @param {string} link */
function replaceLink(link) {
  history.replaceState(null, "", `#${link}`);
}

/** @param {string} text as people paste it: a whole address, or what follows its # @returns {string} */
function linkIn(text) {
  return text.trim().split("#").at(-1) ?? "";
}

/** @param {Event} event */
function openPasted(event) {
  event.preventDefault();
  const input = /** @type {HTMLInputElement} */ (byId("open-link"));
  const link = linkIn(input.value);
  const isRight = looksLikeCapability(link);
  const problem = byId("open-problem");
  problem.hidden = isRight;
  problem.textContent = isRight ? "" : "A link holds a capability, which begins with crn1r_";
  input.setAttribute("aria-invalid", String(!isRight));
  if (!isRight) return input.focus();
  input.value = "";
  location.hash = link;
}

/** The address's # is taken, so this jump is made by hand. @param {Event} event */
function skip(event) {
  event.preventDefault();
  byId("main").focus();
}

byId("open-form").addEventListener("submit", openPasted);
byId("skip").addEventListener("click", skip);
addEventListener("hashchange", show);
show();

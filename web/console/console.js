/**
 * The console: pages over one feed of numbers. What follows the # of the address names the page, or brings a token,
 * which is taken out at once; nothing of it is sent anywhere.
 */

import { byId, element } from "./element.js";
import { Feed, WINDOWS, hasToken } from "./feed.js";
import * as cache from "./pages/cache.js";
import * as clients from "./pages/clients.js";
import * as overview from "./pages/overview.js";
import * as storage from "./pages/storage.js";
import { clock, span } from "./units.js";

/** @typedef {{charts: import("./chart.js").Chart[], show(past: import("./past.js").Past): void}} View */

/** @type {Record<string, {title: string, names: string[], View: new (root: HTMLElement) => View}>} */
const PAGES = { overview, cache, clients, storage };
const THEME = "cairn.console.theme";

const feed = new Feed(render);
const main = byId("main");
const tokenInput = /** @type {HTMLInputElement} */ (byId("token"));
const windowChoice = /** @type {HTMLSelectElement} */ (byId("window"));
const themeChoice = /** @type {HTMLSelectElement} */ (byId("theme"));

/** @type {View | null} */
let view = null;

/** Shows the page that the address names. */
function open() {
  takeToken();
  const name = location.hash.slice(1) in PAGES ? location.hash.slice(1) : "overview";
  const page = /** @type {typeof PAGES[string]} */ (PAGES[name]);
  document.title = `${page.title} – Cairn console`;
  byId("title").textContent = page.title;
  for (const link of document.querySelectorAll("nav a")) {
    if (link.getAttribute("href") === `#${name}`) link.setAttribute("aria-current", "page");
    else link.removeAttribute("aria-current");
  }
  view?.charts.forEach((chart) => chart.close());
  byId("page").replaceChildren();
  delete byId("page").dataset.time;
  view = new page.View(byId("page"));
  feed.show(/** @type {import("./feed.js").Window} */ (WINDOWS[windowChoice.value]), page.names);
}

/** A token may come behind the #: it is kept, and leaves the address. */
function takeToken() {
  const token = new URLSearchParams(location.hash.slice(1)).get("token");
  if (!token) return;
  history.replaceState(null, "", "./");
  feed.signIn(token);
}

/** Shows what the feed has now. */
function render() {
  const { past, trouble } = feed;
  const needsToken = trouble?.kind === "token";
  byId("sign-in").hidden = !needsToken;
  byId("content").hidden = needsToken;
  byId("loading").hidden = past.times.length > 0 || trouble !== null;
  if (needsToken) askForToken();
  else if (past.times.length && !trouble) show(past);
  showTrouble();
  showAge();
}

/** @param {import("./past.js").Past} past */
function show(past) {
  view?.show(past);
  byId("page").dataset.time = String(past.timeMs);
}

function askForToken() {
  byId("token-problem").textContent = hasToken() ? "This token does not open the console: is it whole, and of this server?" : "";
  tokenInput.setAttribute("aria-invalid", String(hasToken()));
  if (document.activeElement === document.body) tokenInput.focus();
}

function showTrouble() {
  const { trouble, past } = feed;
  const notice = byId("trouble");
  const since = past.timeMs ? ` What you see is from ${clock(past.timeMs / 1_000)}.` : "";
  const text = {
    silent: `The server does not answer. Is it running, and can this browser reach it?${since} Trying again.`,
    refused: `The server refuses: ${trouble?.detail}.${since} Trying again.`,
    token: "",
  }[trouble?.kind ?? "token"];
  if (notice.textContent !== text) notice.textContent = text;
  notice.hidden = !text;
}

/** Says how old the numbers are; grey when they are stale. */
function showAge() {
  const age = feed.ageSeconds;
  const state = feed.trouble?.kind === "token" ? "locked" : feed.isStale || feed.trouble ? "stale" : age === null ? "waiting" : "live";
  if (document.body.dataset.state !== state) {
    document.body.dataset.state = state;
    byId("state").textContent = { live: "Live", stale: "Stale", waiting: "Connecting", locked: "Locked" }[state];
  }
  byId("age").textContent = state === "stale" && age !== null ? `${span(age)} old` : "";
}

/** @param {Event} event */
function submitToken(event) {
  event.preventDefault();
  const token = tokenInput.value.trim();
  tokenInput.value = "";
  if (token) feed.signIn(token);
}

function chooseTheme() {
  const theme = themeChoice.value;
  if (theme === "system") delete document.documentElement.dataset.theme;
  else document.documentElement.dataset.theme = theme;
  localStorage.setItem(THEME, theme);
  repaint();
}

function repaint() {
  view?.charts.forEach((chart) => chart.repaint());
}

for (const [name, { name: words }] of Object.entries(WINDOWS)) windowChoice.append(element("option", { value: name }, words));
themeChoice.value = document.documentElement.dataset.theme ?? "system";
windowChoice.addEventListener("change", open);
themeChoice.addEventListener("change", chooseTheme);
byId("token-form").addEventListener("submit", submitToken);
byId("skip").addEventListener("click", (event) => {
  event.preventDefault(); // the # of the address names a page
  main.focus();
});
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", repaint);
document.addEventListener("visibilitychange", () => document.hidden || feed.again());
addEventListener("hashchange", open);
setInterval(showAge, 1_000);
open();

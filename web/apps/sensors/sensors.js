/** A dashboard of sensors: opens the link to a chain of readings, and makes charts and alarms of them in this browser. */

import { connect } from "/sdk/cairn.min.js";
import { Alarms } from "./alarms.js";
import { clock, draw } from "./chart.js";
import { Readings, total } from "./readings.js";

const FRESH_MS = 5_000; // what is older is marked, and raises no alarm: many readings come when the page is opened
const byId = (/** @type {string} */ id) => /** @type {any} */ (document.getElementById(id));
const failed = (/** @type {any} */ { message, hint = "" }) =>
  ([byId("failure").textContent, byId("failure").hidden] = [`${message}. ${hint}`, false]);

/** @param {import("/sdk/cairn.js").Log} log */
function show(log) {
  const [readings, alarms, cards] = [new Readings(), new Alarms(`sensors.${log.id}`), new Map()];
  /** @type {{ spans: Readings["spans"], last: Readings["last"], now: number } | null} */
  let paused = null;
  let seen = 0;

  log.watch((list) => {
    const newest = list.at(-1)?.value?.at;
    for (const { seq, kind, value } of list.slice(list.findLastIndex(({ seq }) => seq && seq <= seen) + 1)) {
      seen = seq ?? seen;
      if (kind === "snapshot") readings.goOn(value);
      const reading = kind === "entry" && readings.add(value);
      if (reading && reading.at > newest - FRESH_MS) alarms.judge(reading);
    }
  }, failed);

  const paint = () => {
    const { spans, last, now } = paused ?? { ...readings, now: Date.now() };
    if (!last) return;
    const isStale = !paused && now - last.at > FRESH_MS;
    byId("age").className = `badge ${paused || isStale ? "warn" : "good"}`;
    byId("age").textContent = paused ? `Paused at ${clock(now)}` : `${isStale ? "Nothing since" : "Up to"} ${clock(last.at)}`;
    byId("cards").classList.toggle("stale", isStale);
    const words = [...alarms.active.values()].map(({ words }) => words).join("\n");
    if (byId("alarms").textContent !== words) byId("alarms").textContent = words;
    const span = Number(byId("span").value);
    const to = now - last.at > span ? last.at : Math.max(now, last.at);
    const buckets = (spans.get(span) ?? []).filter(({ start, width }) => start + width > to - span && start <= to);
    for (const name of new Set(buckets.flatMap(({ folds }) => [...folds.keys()]))) {
      if (!cards.has(name)) cards.set(name, newCard(name, alarms));
      const { card, row } = cards.get(name);
      const [low, high, sum, count] = total(buckets, name);
      const now = last.values.find(([other]) => other === name)?.[1];
      const texts = [now, low, sum / count, high].map((value) => value?.toFixed(2) ?? "–");
      for (const [n, text] of [name, ...texts].entries()) (row.cells[n] ?? row.insertCell()).textContent = text;
      card.toggleAttribute("data-alarm", alarms.active.has(name));
      card.querySelector(".now").textContent = texts[0];
      card.querySelector(".help").textContent = `${texts[1]} to ${texts[3]}, mean ${texts[2]} of ${count}`;
      draw(card.querySelector("canvas"), buckets, name, { from: to - span, to, low, high, limits: alarms.limits[name] ?? [] });
    }
  };
  setInterval(paint, 250);
  byId("pause").onchange = () => (paused = byId("pause").checked ? structuredClone({ ...readings, now: Date.now() }) : null);
  for (const id of ["start", "dashboard", "connection"]) byId(id).hidden = id === "start";
}

/** @param {string} name of a sensor @param {Alarms} alarms */
function newCard(name, alarms) {
  const card = byId("card").content.firstElementChild.cloneNode(true);
  card.querySelector("h2").textContent = name;
  card.querySelector("canvas").ariaLabel = `${name} over time, in numbers in the table below`;
  const inputs = [...card.querySelectorAll("input")];
  for (const [n, input] of inputs.entries()) {
    [input.ariaLabel, input.value] = [`${name}: alarm ${n ? "above" : "below"}`, alarms.limits[name]?.[n] ?? ""];
    input.onchange = () => alarms.set(name, inputs.map(({ value }) => value)); // prettier-ignore
  }
  byId("cards").append(card);
  return { card, row: byId("table").insertRow() };
}

/** Writes ten readings a second to a new chain, and shows them. @param {import("/sdk/cairn.js").Cairn} cairn */
async function simulate(cairn) {
  const log = await cairn.newLog();
  const write = (at = Date.now()) =>
    log.add({ at, values: { "temperature °C": 21 + 2 * Math.sin(at / 9_000) + Math.random(), "noise dB": 48 + Math.random() } });
  await write();
  setInterval(() => cairn.pending.value < 50 && write().catch(failed), 100);
  [byId("share").href, byId("share").hidden] = [await log.link(), false];
  show(await cairn.openLink(byId("share").hash));
}

async function start() {
  const cairn = connect();
  cairn.status.subscribe((state) => ([byId("connection").textContent, byId("connection").dataset.state] = [state, state]));
  byId("try").onclick = () => simulate(cairn).catch(failed);
  if (cairn.hasLink) return show(await cairn.openLink());
  byId("command").textContent = `.venv/bin/python examples/sensors.py ${location.origin} --simulate 1`;
  byId("start").hidden = false;
}

start().catch(failed);

/** The cache: what each tier answers, how fast, what it lets go, and what another size would do. */

import { charts, meter, section, table, tile, tiles } from "../cards.js";
import { Chart } from "../chart.js";
import { datum, element } from "../element.js";
import { bytes, count, rate, seconds, share } from "../units.js";
import { readShares, tiersOf } from "./reads.js";

/** @typedef {import("../past.js").Past} Past */
/** @typedef {import("../past.js").Column} Column */

export const title = "Cache";
export const names = ["cairn_cache_"];

const SCALES = ["0.5", "1", "2", "4"];
const SOURCES = ["memory", "disk", "storage"];
const NO_READ = "No block was read in this time.";

export class View {
  /** @param {HTMLElement} root */
  constructor(root) {
    this.figures = element("div");
    this.hot = element("div");
    this.reads = new Chart({
      title: "Reads by tier", about: "Where the blocks came from that were read.", lines: SOURCES, format: rate, empty: NO_READ,
    });
    this.shares = new Chart({
      title: "Hit ratio", about: "Share of the blocks, and of their bytes, that the cache had.",
      lines: ["blocks", "bytes"], format: share, top: 1, empty: NO_READ,
    });
    this.latency = new Chart({
      title: "Time to a block", about: "The median, by where it came from.", lines: SOURCES, format: seconds, empty: NO_READ,
    });
    this.slowest = new Chart({
      title: "Time to a block, 99 %", about: "99 of 100 take less.", lines: SOURCES, format: seconds, empty: NO_READ,
    });
    this.evictions = new Chart({
      title: "Evictions", about: "Blocks that made room for others.", lines: ["memory", "disk"], format: rate, empty: "The cache is off.",
    });
    this.age = new Chart({
      title: "Age at eviction", about: "How long a block was kept that had to go, the median.", lines: ["memory", "disk"],
      format: seconds, empty: "Nothing was evicted in this time.",
    });
    this.whatIf = new Chart({
      title: "What another size would do", about: "The hit ratio with so many times the room, by a sample of the reads.",
      lines: ["memory", "disk"], format: share, top: 1, across: SCALES.map((scale) => `× ${scale}`), empty: "Not enough reads yet to tell.",
    });
    this.charts = [this.reads, this.shares, this.latency, this.slowest, this.evictions, this.age, this.whatIf];
    root.append(this.figures, charts(...this.charts), this.hot);
  }

  /** @param {Past} past */
  show(past) {
    const { times } = past;
    const tiers = tiersOf(past);
    this.figures.replaceChildren(...figures(past, tiers));
    this.reads.show(times, sources(past, tiers));
    this.shares.show(times, readShares(past));
    this.latency.show(times, SOURCES.map((tier) => past.quantile(0.5, "cairn_cache_get_seconds", { tier })));
    this.slowest.show(times, SOURCES.map((tier) => past.quantile(0.99, "cairn_cache_get_seconds", { tier })));
    this.evictions.show(times, byTier(past, tiers, (tier) => past.rate("cairn_cache_evictions_total", { tier })));
    this.age.show(times, byTier(past, tiers, (tier) => past.quantile(0.5, "cairn_cache_eviction_age_seconds", { tier })));
    this.whatIf.show(SCALES.map((_, place) => place), ["memory", "disk"].map((tier) => whatIf(past, tier)));
    this.hot.replaceChildren(hot(past));
  }
}

/** @param {Past} past @param {string[]} tiers @param {(tier: string) => Column} column @returns {Column[]} */
function byTier(past, tiers, column) {
  return ["memory", "disk"].map((tier) => (tiers.includes(tier) ? column(tier) : past.times.map(() => null)));
}

/** @param {Past} past @param {string[]} tiers @returns {Column[]} */
function sources(past, tiers) {
  const last = tiers.at(-1);
  const below = last === undefined ? past.times.map(() => null) : past.rate("cairn_cache_misses_total", { tier: last });
  return [...byTier(past, tiers, (tier) => past.rate("cairn_cache_hits_total", { tier })), below];
}

/** @param {Past} past @param {string} tier @returns {Column} the ratio for each of `SCALES` */
function whatIf(past, tier) {
  return SCALES.map((scale) => {
    const labels = { tier, scale };
    return past.names("cairn_cache_whatif_hit_ratio", labels).length ? past.value("cairn_cache_whatif_hit_ratio", labels) : null;
  });
}

/** @param {Past} past @param {string[]} tiers */
function figures(past, tiers) {
  if (!tiers.length) return [element("p", { class: "empty" }, "The cache is off. Give it room with cache.memory or cache.disk in the configuration.")];
  return [...tiers.map((tier) => section(tier === "memory" ? "Memory" : "Disk", tierFigures(past, tier))), others(past)];
}

/** @param {Past} past @param {string} tier */
function tierFigures(past, tier) {
  const labels = { tier };
  const of = (/** @type {string} */ name, /** @type {import("../units.js").Format} */ format) =>
    datum(`cairn_cache_${name}{tier="${tier}"}`, past.value(`cairn_cache_${name}`, labels), format);
  const held = past.value("cairn_cache_bytes", labels);
  const room = past.value("cairn_cache_capacity_bytes", labels);
  return tiles(
    tile("Used", of("bytes", bytes), element("span", {}, meter(`${tier} in use`, held, room), " of ", of("capacity_bytes", bytes))),
    tile("Blocks", of("blocks", count), element("span", {}, of("admissions_total", count), " let in")),
    tile("Hits", of("hits_total", count), element("span", {}, of("hit_bytes_total", bytes))),
    tile("Misses", of("misses_total", count), element("span", {}, of("miss_bytes_total", bytes))),
    tile("Evicted", of("evictions_total", count), element("span", {}, of("evicted_bytes_total", bytes))),
    tile("Refused", of("refused_total", count), "not let in"),
  );
}

/** @param {Past} past */
function others(past) {
  const told = { cairn_cache_coalesced_total: "shared a fetch that was under way", cairn_cache_damaged_total: "damaged on disk, and fetched anew" };
  const known = Object.entries(told).filter(([metric]) => past.names(metric).length);
  return element("p", { class: "help" }, ...known.map(([metric, words]) => element("span", {}, datum(metric, past.value(metric), count), ` ${words}. `)));
}

/** @param {Past} past */
function hot(past) {
  const found = past.names("cairn_cache_hot_requests").map((name) => ({ name, block: /"(.*)"/.exec(name)?.[1] ?? "", asked: past.now[name] ?? 0 }));
  found.sort((one, other) => other.asked - one.asked);
  const most = found[0]?.asked ?? 0;
  const rows = found.map(({ name, block, asked }) => [
    element("code", {}, `${block}…`), datum(name, asked, count), meter("beside the hottest", asked, most),
  ]);
  return section("Hot blocks", table("Hot blocks", ["Block", "Requests, fading", "Beside the hottest"], rows, "No block stands out yet."));
}

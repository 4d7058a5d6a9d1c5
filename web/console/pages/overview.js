/** The first page: is it well, what is asked of it, how long does it take, how full is it. */

import { charts, tile, tiles } from "../cards.js";
import { Chart } from "../chart.js";
import { counted, datum, element } from "../element.js";
import { byteRate, bytes, count, decimal, rate, seconds, share, shown, span } from "../units.js";
import { readShares } from "./reads.js";

/** @typedef {import("../past.js").Past} Past */

export const title = "Overview";
export const names = [
  "cairn_requests", "cairn_request_seconds_bucket", "cairn_cache_hit", "cairn_cache_miss", "cairn_cache_capacity", "cairn_live_streams",
  "cairn_connections", "cairn_storage_used", "cairn_storage_blocks", "cairn_storage_full", "cairn_storage_damaged", "cairn_layer_ready", "cairn_link_round_trip_seconds_bucket",
  "process_cpu_seconds", "process_resident",
];

const OK = ["2", "3"];
const LAYERS = ["interface", "cache", "storage"];

export class View {
  /** @param {HTMLElement} root */
  constructor(root) {
    this.state = element("div");
    this.requests = new Chart({
      title: "Requests", about: "Answers per second: done, refused (4xx) and failed (5xx).",
      lines: ["done", "refused", "failed"], format: rate, isFilled: true, empty: "Nothing was asked for yet.",
    });
    this.latency = new Chart({
      title: "Time to the answer", about: "Half of all requests take less than the first line, 99 of 100 less than the second.",
      lines: ["median", "99 %"], format: seconds, empty: "Nothing was asked for in this time.",
    });
    this.reads = new Chart({
      title: "Blocks read from the cache", about: "Share of the blocks, and of their bytes, that storage was not asked for.",
      lines: ["blocks", "bytes"], format: share, top: 1, empty: "No block was read in this time.",
    });
    this.process = new Chart({
      title: "Processor", about: "Cores in use by the server.", lines: ["cores"], format: decimal, isFilled: true, empty: "Not known on this system.",
    });
    this.memory = new Chart({
      title: "Memory", about: "Resident, mapped files among it.", lines: ["resident"], format: bytes, ticks: "binary", isFilled: true, empty: "Not known on this system.",
    });
    this.stored = new Chart({
      title: "Stored", about: "What of the store's files is in use.", lines: ["in use"], format: bytes, ticks: "binary", isFilled: true, empty: "This node stores nothing itself.",
    });
    this.charts = [this.requests, this.latency, this.reads, this.stored, this.process, this.memory];
    root.append(this.state, charts(...this.charts));
  }

  /** @param {Past} past */
  show(past) {
    this.state.replaceChildren(health(past), figures(past));
    const { times } = past;
    const kinds = [OK, ["4"], ["5"]].map((digits) => past.rateOf(byStatus(past, digits)));
    this.requests.show(times, kinds);
    this.latency.show(times, [past.quantile(0.5, "cairn_request_seconds"), past.quantile(0.99, "cairn_request_seconds")]);
    this.reads.show(times, readShares(past));
    this.process.show(times, [past.rate("process_cpu_seconds_total")]);
    this.memory.show(times, [past.gauge("process_resident_memory_bytes")]);
    this.stored.show(times, [past.gauge("cairn_storage_used_bytes")]);
  }
}

/** @param {Past} past @param {string[]} digits the first ones of a status */
function byStatus(past, digits) {
  const sums = past.times.map(() => 0);
  for (const status of past.valuesOf("cairn_requests_total", "status")) {
    if (!digits.includes(status[0] ?? "")) continue;
    past.column("cairn_requests_total", { status }).forEach((value, row) => (sums[row] = (sums[row] ?? 0) + value));
  }
  return sums;
}

/** @param {Past} past */
function health(past) {
  const layers = LAYERS.filter((layer) => past.names("cairn_layer_ready", { layer }).length).map((layer) => {
    const isReady = past.value("cairn_layer_ready", { layer }) === 1;
    return element("li", { "data-state": isReady ? "good" : "bad" }, `${layer} `, element("strong", {}, isReady ? "ready" : "not ready"));
  });
  return element("ul", { class: "health", "aria-label": "Layers" }, ...layers, ...warnings(past).map((text) => element("li", { "data-state": "bad" }, text)));
}

/** @param {Past} past */
function warnings(past) {
  const found = [];
  if (past.value("cairn_storage_full")) found.push("The disk has reached its reserve: writes are refused. Free space, or delete.");
  if (past.value("cairn_storage_damaged")) found.push("Damaged blocks were met: run cairn scrub.");
  return found;
}

/** @param {Past} past */
function figures(past) {
  const asked = past.rateNow("cairn_requests_total");
  const slow = past.quantile(0.99, "cairn_request_seconds").at(-1);
  const [blocks] = readShares(past);
  const used = "cairn_storage_used_bytes";
  return tiles(
    tile("Requests", shown(asked, rate), element("span", {}, datum("cairn_requests_in_flight", past.value("cairn_requests_in_flight"), count), " being answered")),
    tile("99 of 100 answered in", shown(slow, seconds), `median ${shown(past.quantile(0.5, "cairn_request_seconds").at(-1), seconds)}`),
    tile("Reads from cache", shown(blocks?.at(-1), share), `${shown(past.rateNow("cairn_cache_hit_bytes_total"), byteRate)}`),
    tile("Live streams", datum("cairn_live_streams", past.value("cairn_live_streams"), count), counted("cairn_connections", past.value("cairn_connections"), "connection")),
    past.names(used).length
      ? tile("Stored", datum(used, past.value(used), bytes), counted("cairn_storage_blocks", past.value("cairn_storage_blocks"), "block"))
      : tile("Storage answers in", shown(past.quantile(0.5, "cairn_link_round_trip_seconds").at(-1), seconds), "the median; it is a process of its own"),
    tile("Running for", span((past.timeMs - past.startedMs) / 1_000), `Cairn ${past.version}`),
  );
}

/** What is kept, the room for it, and how long it takes to make it durable. */

import { charts, meter, section, tile, tiles } from "../cards.js";
import { Chart } from "../chart.js";
import { counted, datum, element } from "../element.js";
import { bytes, count, rate, seconds } from "../units.js";

/** @typedef {import("../past.js").Past} Past */
/** @typedef {import("../units.js").Format} Format */

export const title = "Storage";
export const names = ["cairn_storage_", "cairn_link_"];

/** The end of the link that this process is. */
const ASKS = { end: "asks" };

export class View {
  /** @param {HTMLElement} root */
  constructor(root) {
    this.figures = element("div");
    this.link = element("div");
    this.commits = new Chart({
      title: "Commits", about: "Writes made durable, and the commits that carried them.", lines: ["writes", "commits"],
      format: rate, isFilled: true, empty: "Nothing was written yet.",
    });
    this.latency = new Chart({
      title: "Time to commit", about: "How long one commit takes, until all of it is on disk.", lines: ["median", "99 %"],
      format: seconds, empty: "Nothing was written in this time.",
    });
    this.files = new Chart({
      title: "Files", about: "The size of the store's files, and what of it is in use.", lines: ["size", "in use"], format: bytes, ticks: "binary", empty: "Not known yet.",
    });
    this.free = new Chart({
      title: "Free disk", about: "Writes stop when it comes down to the reserve.", lines: ["free"], format: bytes, ticks: "binary", isFilled: true, empty: "Not known yet.",
    });
    this.trips = new Chart({
      title: "Round trip", about: "From a question to storage until its answer.", lines: ["median", "99 %"], format: seconds,
      empty: "Storage was not asked in this time.",
    });
    this.asked = new Chart({
      title: "Questions to storage", about: "Answered per second, and waiting for an answer.", lines: ["answered", "in flight"],
      format: count, isFilled: true, empty: "Storage was not asked yet.",
    });
    this.charts = [this.commits, this.latency, this.files, this.free, this.trips, this.asked];
    this.local = charts(this.commits, this.latency, this.files, this.free);
    this.apart = charts(this.trips, this.asked);
    root.append(this.figures, this.local, this.link, this.apart);
  }

  /** @param {Past} past */
  show(past) {
    const isHere = past.names("cairn_storage_blocks").length > 0;
    this.local.hidden = !isHere;
    this.figures.replaceChildren(isHere ? figures(past) : element("p", { class: "empty" }, "Storage is a process of its own: what it keeps is in /metrics at its own address, storage.listen."));
    const isApart = past.names("cairn_link_connections", ASKS).length > 0;
    this.apart.hidden = !isApart;
    this.link.replaceChildren(...(isApart ? [linkFigures(past)] : []));
    if (isApart) this.showLink(past);
    if (isHere) this.showLocal(past);
  }

  /** @param {Past} past */
  showLink(past) {
    const trip = "cairn_link_round_trip_seconds";
    this.trips.show(past.times, [past.quantile(0.5, trip, ASKS), past.quantile(0.99, trip, ASKS)]);
    this.asked.show(past.times, [past.rate(`${trip}_count`, ASKS), past.column("cairn_link_requests_in_flight", ASKS)]);
  }

  /** @param {Past} past */
  showLocal(past) {
    const commit = "cairn_storage_commit_seconds";
    this.commits.show(past.times, [past.rate("cairn_storage_commit_jobs_sum"), past.rate(`${commit}_count`)]);
    this.latency.show(past.times, [past.quantile(0.5, commit), past.quantile(0.99, commit)]);
    this.files.show(past.times, [past.column("cairn_storage_file_bytes"), past.column("cairn_storage_used_bytes")]);
    this.free.show(past.times, [past.column("cairn_storage_free_disk_bytes")]);
  }
}

/** @param {Past} past */
function figures(past) {
  const of = (/** @type {string} */ name, /** @type {Format} */ format) => datum(`cairn_storage_${name}`, past.value(`cairn_storage_${name}`), format);
  const isFull = past.value("cairn_storage_full") > 0;
  const damaged = past.value("cairn_storage_damaged");
  const size = past.value("cairn_storage_file_bytes");
  return tiles(
    tile("Blocks", of("blocks", count), counted("cairn_storage_pins", past.value("cairn_storage_pins"), "pin")),
    tile("Chains", of("chains", count), counted("cairn_storage_entries", past.value("cairn_storage_entries"), "entry", "entries")),
    tile("In use", of("used_bytes", bytes), element("span", {}, meter("in use, of the files", past.value("cairn_storage_used_bytes"), size), " of ", of("file_bytes", bytes))),
    tile("Free disk", of("free_disk_bytes", bytes), isFull ? "at the reserve" : "on the disk of the store", isFull ? "bad" : ""),
    tile("Writes", isFull ? "refused" : "taken", of("full", (full) => (full ? "the reserve is reached" : "the reserve is untouched")), isFull ? "bad" : "good"),
    tile("Damaged", of("damaged", count), damaged ? "run cairn scrub" : "blocks, since the start", damaged ? "bad" : ""),
  );
}

/** @param {Past} past how the connections to storage are, where it is apart */
function linkFigures(past) {
  const of = (/** @type {string} */ name, /** @type {Format} */ format) => datum(`cairn_link_${name}{end="asks"}`, past.value(`cairn_link_${name}`, ASKS), format);
  const connections = past.value("cairn_link_connections", ASKS);
  return section(
    "Link to storage",
    tiles(
      tile("Connections", of("connections", count), connections ? "to storage" : "storage cannot be reached", connections ? "" : "bad"),
      tile("In flight", of("requests_in_flight", count), "asked, not answered yet"),
      tile("Queued", of("queued_bytes", bytes), "not taken yet"),
      tile("Reconnects", of("reconnects_total", count), "since the start"),
      tile("Refused", of("refused_total", count), "a bound was reached, or no link"),
    ),
  );
}

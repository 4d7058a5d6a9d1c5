/** What is kept, the room for it, and how long it takes to make it durable. */

import { meter, section, table, tile, tiles } from "../cards.js";
import { Chart } from "../chart.js";
import { counted, datum, element } from "../element.js";
import { bytes, count, rate, seconds } from "../units.js";

/** @typedef {import("../past.js").Past} Past */
/** @typedef {import("../units.js").Format} Format */

export const title = "Storage";
export const names = ["cairn_storage_", "cairn_link_"];

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
    this.charts = [this.commits, this.latency, this.files, this.free];
    this.local = element("div", { class: "charts" }, ...this.charts.map((chart) => chart.root));
    root.append(this.figures, this.local, this.link);
  }

  /** @param {Past} past */
  show(past) {
    const isHere = past.names("cairn_storage_blocks").length > 0;
    this.local.hidden = !isHere;
    this.figures.replaceChildren(isHere ? figures(past) : element("p", { class: "empty" }, "Storage is apart: its own console, on its machine, has the numbers."));
    this.link.replaceChildren(link(past));
    if (!isHere) return;
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

/** @param {Past} past the numbers of the connections to storage, where it is apart */
function link(past) {
  const found = Object.keys(past.now).filter((name) => name.startsWith("cairn_link_") && !name.includes("_bucket")).sort();
  if (!found.length) return element("div");
  const rows = found.map((name) => [inWords(name), datum(name, past.now[name] ?? 0, name.includes("_bytes") ? bytes : name.includes("_seconds_sum") ? seconds : count)]);
  return section("Link to storage", table("Link to storage", ["What", "Value"], rows, ""));
}

/** @param {string} name such as `cairn_link_requests_total{peer="a"}` @returns {string} "requests, peer a" */
function inWords(name) {
  const [metric = "", labels = ""] = name.replace("cairn_link_", "").split("{");
  const words = metric.replace(/_total$/, "").replaceAll("_", " ");
  const about = [...labels.matchAll(/(\w+)="([^"]*)"/g)].map(([, label, value]) => `${label} ${value}`).join(", ");
  return about ? `${words}, ${about}` : words;
}

/** Who is there, what they ask for, and how long they wait. */

import { charts, section, table, tile, tiles } from "../cards.js";
import { Chart } from "../chart.js";
import { counted, datum, element } from "../element.js";
import { count, rate, seconds, shown } from "../units.js";

/** @typedef {import("../past.js").Past} Past */

export const title = "Clients";
export const names = ["cairn_requests", "cairn_request_seconds_bucket", "cairn_live_", "cairn_connections"];

const OPEN = { cairn_live_streams: "Event streams", cairn_live_sockets: "Sockets", cairn_connections: "Connections" };
const ALL = "all routes";

export class View {
  /** @param {HTMLElement} root */
  constructor(root) {
    this.figures = element("div");
    this.requests = element("div");
    this.open = new Chart({
      title: "Open", about: "Event streams and sockets follow chains; every client has a connection.",
      lines: Object.values(OPEN), format: count, ticks: "whole", empty: "Nothing is known yet.",
    });
    this.rate = new Chart({
      title: "Requests", about: "Answers per second on this route.", lines: ["answers"], format: rate, isFilled: true, empty: "Nothing was asked for yet.",
    });
    this.latency = new Chart({
      title: "Time to the answer", about: "On this route: half, 90 and 99 of 100 take less.",
      lines: ["median", "90 %", "99 %"], format: seconds, empty: "Nothing was asked for on this route in this time.",
    });
    this.route = element("select", { id: "route" }, element("option", {}, ALL));
    this.route.addEventListener("change", () => this.past && this.showRoute(this.past));
    this.charts = [this.rate, this.latency, this.open];
    root.append(
      this.figures, element("p", { class: "choice" }, element("label", { for: "route" }, "Route"), this.route),
      charts(...this.charts), this.requests,
    );
    /** @type {Past | null} */
    this.past = null;
  }

  /** @param {Past} past */
  show(past) {
    this.past = past;
    this.figures.replaceChildren(figures(past));
    this.open.show(past.times, Object.keys(OPEN).map((metric) => past.gauge(metric)));
    this.offer(past.valuesOf("cairn_requests_total", "route"));
    this.showRoute(past);
    this.requests.replaceChildren(section("Requests by route", routes(past)));
  }

  /** Adds routes to the choice, without touching what is chosen. @param {string[]} routes */
  offer(routes) {
    const known = [...this.route.options].map((option) => option.value);
    this.route.append(...routes.filter((route) => !known.includes(route)).map((route) => element("option", {}, route)));
  }

  /** @param {Past} past */
  showRoute(past) {
    const labels = /** @type {import("../past.js").Labels} */ (this.route.value === ALL ? {} : { route: this.route.value });
    this.rate.show(past.times, [past.rate("cairn_requests_total", labels)]);
    this.latency.show(past.times, [0.5, 0.9, 0.99].map((q) => past.quantile(q, "cairn_request_seconds", labels)));
  }
}

/** @param {Past} past */
function figures(past) {
  const of = (/** @type {string} */ name) => datum(name, past.value(name), count);
  const sockets = past.names("cairn_live_sockets").length ? [tile("Sockets", of("cairn_live_sockets"), counted("cairn_live_subscriptions", past.value("cairn_live_subscriptions"), "chain followed", "chains followed"))] : [];
  return tiles(
    tile("Connections", of("cairn_connections"), "open"),
    tile("Event streams", of("cairn_live_streams"), "open"),
    ...sockets,
    tile("In flight", of("cairn_requests_in_flight"), "being answered"),
    tile("Cut off", of("cairn_connections_dropped_total"), element("span", {}, "and ", of("cairn_live_lagged_total"), " sockets that lagged")),
    tile("Requests", shown(past.rateNow("cairn_requests_total"), rate), `${count(past.value("cairn_requests_total"))} since the start`),
  );
}

/** @param {Past} past */
function routes(past) {
  const statuses = past.valuesOf("cairn_requests_total", "status");
  const rows = past.valuesOf("cairn_requests_total", "route").map((route) => [
    element("code", {}, route),
    shown(past.rateNow("cairn_requests_total", { route }), rate),
    ...[0.5, 0.99].map((q) => shown(past.quantileEver(q, "cairn_request_seconds", { route }), seconds)),
    ...statuses.map((status) => answered(past, route, status)),
  ]);
  return table("Requests by route", ["Route", "Now", "Median", "99 %", ...statuses], rows, "Nothing was asked for yet.");
}

/** @param {Past} past @param {string} route @param {string} status */
function answered(past, route, status) {
  const value = past.value("cairn_requests_total", { route, status });
  return value ? datum(`cairn_requests_total{route="${route}",status="${status}"}`, value, count) : "";
}

/** Numbers as people read them, with their units. */

/** @typedef {(value: number) => string} Format */

const NONE = "–";

/** @param {number | null | undefined} value @param {Format} format @returns {string} a dash where there is no value */
export function shown(value, format) {
  return value === null || value === undefined || !Number.isFinite(value) ? NONE : format(value);
}

/** @type {Format} such as "12,345" or "1.25 M" */
export function count(value) {
  for (const [size, unit] of /** @type {[number, string][]} */ ([[1e12, "T"], [1e9, "G"], [1e6, "M"]])) {
    if (Math.abs(value) >= size) return `${digits(value / size)} ${unit}`;
  }
  return value.toLocaleString("en", { maximumFractionDigits: Number.isInteger(value) || value >= 100 ? 0 : 1 });
}

/** @type {Format} such as "1.5 MiB" */
export function bytes(value) {
  let rest = value;
  for (const unit of ["B", "KiB", "MiB", "GiB"]) {
    if (Math.abs(rest) < 1_024) return unit === "B" ? `${Math.round(rest)} B` : `${digits(rest)} ${unit}`;
    rest /= 1_024;
  }
  return `${digits(rest)} TiB`;
}

/** @type {Format} such as "340 µs" or "1.2 s" */
export function seconds(value) {
  if (value === 0) return "0 s";
  if (value < 0.001) return `${digits(value * 1e6)} µs`;
  if (value < 1) return `${digits(value * 1_000)} ms`;
  return value < 120 ? `${digits(value)} s` : span(value);
}

/** @type {Format} such as "3 h 20 min" */
export function span(value) {
  const whole = Math.round(value);
  if (whole < 60) return `${whole} s`;
  const minutes = Math.floor(whole / 60);
  if (minutes < 60) return `${minutes} min`;
  const hours = Math.floor(minutes / 60);
  if (hours < 48) return minutes % 60 ? `${hours} h ${minutes % 60} min` : `${hours} h`;
  return `${Math.floor(hours / 24)} d ${hours % 24} h`;
}

/** @type {Format} such as "99.3 %" */
export function share(value) {
  const percent = value * 100;
  return `${percent.toFixed(percent >= 99.95 || percent < 1 ? 2 : 1).replace(/\.0+$/, "")} %`;
}

/** @type {Format} such as "1,204/s" */
export function rate(value) {
  return value > 0 && value < 0.1 ? `${value.toFixed(2)}/s` : `${count(value)}/s`;
}

/** @type {Format} such as "0.25" */
export function decimal(value) {
  return value.toLocaleString("en", { maximumFractionDigits: 3 });
}

/** @type {Format} such as "3.2 MiB/s" */
export function byteRate(value) {
  return `${bytes(value)}/s`;
}

/** @param {number} time unix seconds @param {boolean} [withSeconds] @returns {string} such as "14:03:20" */
export function clock(time, withSeconds = true) {
  const [hours, minutes, second] = new Date(time * 1_000).toTimeString().split(" ", 1)[0]?.split(":") ?? [];
  return withSeconds ? `${hours}:${minutes}:${second}` : `${hours}:${minutes}`;
}

/** @param {number} value @returns {string} three digits, or all before the point */
function digits(value) {
  const size = Math.abs(value);
  return value.toFixed(size >= 100 ? 0 : size >= 10 ? 1 : 2).replace(/\.0+$/, "");
}

/** A chart of one sensor: its extent as a band, its mean as a line, thresholds dashed, shade where nothing came. */

import { STEPS } from "./readings.js";

const FOOT = 18; // pixels, for the times
const GAP_MS = 2_000; // between readings, or a step of the span, if that is longer
export const clock = (/** @type {number} */ at) => new Date(at).toLocaleTimeString();

/** @typedef {{ from: number, to: number, low: number, high: number, limits: (number | null)[] }} View */
/** @param {HTMLCanvasElement} canvas @param {import("./readings.js").Bucket[]} buckets @param {string} name @param {View} view */
export function draw(canvas, buckets, name, { from, to, low, high, limits }) {
  const [width, height, style] = [canvas.clientWidth, canvas.clientHeight, getComputedStyle(canvas)];
  [canvas.width, canvas.height] = [width * devicePixelRatio, height * devicePixelRatio];
  const pen = /** @type {CanvasRenderingContext2D} */ (canvas.getContext("2d"));
  const colour = (/** @type {string} */ key) => style.getPropertyValue(`--${key}`);
  const room = (high - low || Math.abs(high) || 1) * 0.1;
  const x = (/** @type {number} */ at) => ((at - from) / (to - from)) * width;
  const y = (/** @type {number} */ value) => (1 - (value - low + room) / (high - low + 2 * room)) * (height - FOOT);
  const [shade, band, line] = [new Path2D(), new Path2D(), new Path2D()];
  let end = from;
  for (const { start, width: wide, folds } of [...buckets, { start: to, width: 0, folds: new Map() }]) {
    const [least, most, sum, count] = folds.get(name) ?? [0, 0, 0, 0];
    const isApart = start - end > Math.max(GAP_MS, (to - from) / STEPS);
    if (isApart && (count || wide === 0)) shade.rect(x(end), 0, x(start) - x(end), height - FOOT);
    if (count === 0) continue;
    const left = x(isApart ? start : end);
    band.rect(left, y(most) - 1, Math.max(x(start + wide) - left, 2), y(least) - y(most) + 2);
    line[isApart ? "moveTo" : "lineTo"](x(start + wide / 2), y(sum / count));
    end = start + wide;
  }
  pen.scale(devicePixelRatio, devicePixelRatio);
  [pen.font, pen.lineWidth] = [`12px ${style.fontFamily}`, 1.75];
  [pen.fillStyle, pen.strokeStyle] = [`color-mix(in srgb, ${colour("line")} 50%, transparent)`, colour("accent")];
  pen.fill(shade);
  pen.fillStyle = colour("glow");
  pen.fill(band);
  pen.stroke(line);
  [pen.fillStyle, pen.strokeStyle] = [colour("soft"), colour("bad")];
  pen.setLineDash([5, 4]);
  const levels = limits.map((limit) => y(limit ?? NaN)).filter((level) => level > 0 && level < height - FOOT);
  for (const level of levels) pen.stroke(new Path2D(`M0 ${level}H${width}`));
  pen.fillText(clock(from), 0, height - 3);
  pen.textAlign = "right";
  pen.fillText(clock(to), width, height - 3);
}

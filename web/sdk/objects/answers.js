/**
 * What is answered at a streamed file's address: pure. Only the elements that show media get a media type; all else is to be
 * saved, and were it taken for a document, that would have no origin and run nothing.
 *
 * @import { Span } from "./ranges.js"
 *
 * @typedef {{ name: string, type: unknown }} Named
 * @typedef {{ method: string, range: string | null, destination: string }} Asked destination: which element asks
 * @typedef {{ status: number, headers: Record<string, string>, span: Span | null }} Answer span: of the body, if there is one
 */

import { mediaOf } from "./media.js";
import { spanOf } from "./ranges.js";

const SAFE = {
  "Content-Security-Policy": "sandbox; default-src 'none'",
  "X-Content-Type-Options": "nosniff",
  "Cross-Origin-Resource-Policy": "same-origin",
  "Referrer-Policy": "no-referrer",
  "Cache-Control": "no-store",
};

/** @param {Named} file @param {number} total its bytes @param {Asked} asked @returns {Answer} */
export function answerOf({ name, type }, total, { method, range, destination }) {
  const media = mediaOf(type);
  const isShown = media?.kind === destination || (media?.kind === "video" && destination === "audio");
  const common = {
    ...SAFE,
    "Accept-Ranges": "bytes",
    "Content-Type": media && isShown ? media.type : "application/octet-stream",
    "Content-Disposition": `${isShown ? "inline" : "attachment"}; filename*=UTF-8''${encodedName(name)}`,
  };
  const span = spanOf(range, total);
  if (span === "none") return { status: 416, headers: { ...common, "Content-Range": `bytes */${total}` }, span: null };
  const { start, stop } = span === "all" ? { start: 0, stop: total } : span;
  /** @type {Record<string, string>} */
  const headers = { ...common, "Content-Length": String(stop - start) };
  if (span !== "all") headers["Content-Range"] = `bytes ${start}-${stop - 1}/${total}`;
  const hasBody = method !== "HEAD" && stop > start;
  return { status: span === "all" ? 200 : 206, headers, span: hasBody ? { start, stop } : null };
}

/** The name alone, without folders and what would turn it round on the screen, as RFC 8187 writes it. @param {string} name */
function encodedName(name) {
  const last = name.split(/[/\\]/).at(-1) || "file";
  const plain = last.replace(/\p{Surrogate}/gu, "\ufffd").replace(/[\p{Cc}\u202a-\u202e\u2066-\u2069]/gu, "_");
  return encodeURIComponent(plain).replace(/['()*]/g, (sign) => `%${sign.charCodeAt(0).toString(16).toUpperCase()}`);
}

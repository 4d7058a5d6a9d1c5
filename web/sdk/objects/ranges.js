/**
 * Ranges of bytes, as HTTP asks for them (RFC 9110, 14).
 *
 * @typedef {{ start: number, stop: number }} Span the bytes with start <= offset < stop
 */

/**
 * The part of `total` bytes that a Range header asks for.
 *
 * @param {string | null} header
 * @param {number} total
 * @returns {Span | "all" | "none"} "all": it asks for nothing that is served in parts. "none": for what is not there
 */
export function spanOf(header, total) {
  const [, first = "", last = ""] = /^bytes=(\d{0,15})-(\d{0,15})$/.exec(header?.trim() ?? "") ?? [];
  if (!first && !last) return "all";
  if (!first) return Number(last) && total ? { start: Math.max(0, total - Number(last)), stop: total } : "none";
  if (last && Number(last) < Number(first)) return "all";
  if (Number(first) >= total) return "none";
  return { start: Number(first), stop: last ? Math.min(Number(last) + 1, total) : total };
}

/**
 * Ranges of bytes, as HTTP asks for them (RFC 9110, 14).
 *
 * @typedef {{ start: number, stop: number }} Span the bytes with start <= offset < stop
 */
export type Span = {
    start: number;
    stop: number;
};
/**
 * The part of `total` bytes that a Range header asks for.
 *
 * @param {string | null} header
 * @param {number} total
 * @returns {Span | "all" | "none"} "all": it asks for nothing that is served in parts. "none": for what is not there
 */
export declare function spanOf(header: string | null, total: number): Span | "all" | "none";

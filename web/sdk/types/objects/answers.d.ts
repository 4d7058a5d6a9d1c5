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
import type { Span } from "./ranges.js";
export type Named = {
    name: string;
    type: unknown;
};
export type Asked = {
    method: string;
    range: string | null;
    destination: string;
};
export type Answer = {
    status: number;
    headers: Record<string, string>;
    span: Span | null;
};
/** @param {Named} file @param {number} total its bytes @param {Asked} asked @returns {Answer} */
export declare function answerOf({ name, type }: Named, total: number, { method, range, destination }: Asked): Answer;

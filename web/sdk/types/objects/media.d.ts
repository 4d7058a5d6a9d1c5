/**
 * Which files a page may show: pictures, sound and films of well-known types, in which nothing can be run. All others are
 * given for saving alone, whatever their writer says of them.
 *
 * @typedef {"image" | "audio" | "video"} MediaKind
 */
export type MediaKind = "image" | "audio" | "video";
/** @param {unknown} type as an entry's value has it @returns {{ type: string, kind: MediaKind } | null} null: it is not shown */
export declare function mediaOf(type: unknown): {
    type: string;
    kind: MediaKind;
} | null;

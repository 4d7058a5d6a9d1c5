/**
 * Which files a page may show: pictures, sound and films of well-known types, in which nothing can be run. All others are
 * given for saving alone, whatever their writer says of them.
 *
 * @typedef {"image" | "audio" | "video"} MediaKind
 */

/** @type {Map<string, MediaKind>} */
const KINDS = new Map();
for (const name of ["avif", "bmp", "gif", "jpeg", "png", "webp"]) KINDS.set(`image/${name}`, "image");
for (const name of ["aac", "flac", "mp4", "mpeg", "ogg", "wav", "webm", "x-m4a", "x-wav"]) KINDS.set(`audio/${name}`, "audio");
for (const name of ["mp4", "mpeg", "ogg", "quicktime", "webm"]) KINDS.set(`video/${name}`, "video");

/** @param {unknown} type as an entry's value has it @returns {{ type: string, kind: MediaKind } | null} null: it is not shown */
export function mediaOf(type) {
  const name = String(type).split(";", 1)[0]?.trim().toLowerCase() ?? "";
  const kind = KINDS.get(name);
  return kind ? { type: name, kind } : null;
}

import { byId, keyOf, make, sizeText } from "./page.js";

/** @import { LogEntry } from "/sdk/chains/log_entry.js" */

const ELEMENTS = { image: "img", audio: "audio", video: "video" };

/**
 * Shows files large, one at a time.
 * @param {import("/sdk/objects/streaming.js").Streaming} streaming
 * @param {() => Map<string, LogEntry>} files as they stand on the page
 * @param {Record<"save" | "remove", (entry: LogEntry) => void>} actions
 */
export function viewer(streaming, files, actions) {
  /** @type {LogEntry} */
  let shown;

  /** @param {LogEntry} entry */
  function show(entry) {
    const { name, bytes } = entry.value;
    const kind = streaming.kindOf(entry);
    const media = kind && make(ELEMENTS[kind], { src: streaming.url(entry), alt: name, ariaLabel: name, controls: true });
    byId("stage").replaceChildren(media ?? make("p", {}, "Files of this kind are not shown here: save it to open it."));
    byId("shown").textContent = name;
    byId("size").textContent = sizeText(bytes);
    shown = entry;
    if (!byId("viewer").open) byId("viewer").showModal();
  }

  /** @param {number} by */
  function step(by) {
    const keys = [...files().keys()];
    const next = files().get(keys[keys.indexOf(keyOf(shown)) + by] ?? "");
    if (by && next) show(next);
  }

  byId("previous").onclick = () => step(-1);
  byId("next").onclick = () => step(1);
  byId("close").onclick = () => byId("viewer").close();
  byId("save").onclick = () => actions.save(shown);
  byId("remove").onclick = () => actions.remove(shown);
  byId("viewer").onclose = () => byId("stage").replaceChildren();
  byId("viewer").onkeydown = (/** @type {any} */ { key, target }) =>
    step(target.controls ? 0 : /** @type {any} */ ({ ArrowLeft: -1, ArrowRight: 1 })[key] ?? 0);
  return show;
}

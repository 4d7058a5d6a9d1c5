/**
 * A chain as Server-Sent Events: for where no WebSocket is let through. See docs/protocol.md, "Live".
 *
 * The browser resumes a broken stream by itself, by the id of the last event; `onLost` is told only when it gives up.
 *
 * @import { Bytes } from "../format/bytes.js"
 */

import { fromBase64 } from "../format/bytes.js";

/**
 * Follows one chain.
 *
 * @param {string} url
 * @param {{ onOpen: () => void, onEntry: (raw: Bytes) => void, onBroken: () => void, onLost: () => void }} events
 * @returns {{ close: () => void }}
 */
export function followEvents(url, events) {
  const source = new EventSource(url);
  source.addEventListener("open", () => events.onOpen());
  source.addEventListener("entry", (event) => events.onEntry(entryIn(event.data)));
  source.addEventListener("error", () => {
    if (source.readyState === EventSource.CLOSED) events.onLost();
    else events.onBroken();
  });
  return source;
}

/** @param {string} data of an event @returns {Bytes} empty if it does not parse: that is refused as an entry */
function entryIn(data) {
  try {
    return fromBase64(String(JSON.parse(data).entry));
  } catch {
    return new Uint8Array();
  }
}

/**
 * A chain as Server-Sent Events: for where no WebSocket is let through. See docs/protocol.md, "Live".
 *
 * The browser resumes a broken stream by itself, by the id of the last event; `onLost` is told only when it gives up.
 *
 * @import { Bytes } from "../format/bytes.js"
 */
import type { Bytes } from "../format/bytes.js";
/**
 * Follows one chain.
 *
 * @param {string} url
 * @param {{ onOpen: () => void, onEntry: (raw: Bytes) => void, onBroken: () => void, onLost: () => void }} events
 * @returns {{ close: () => void }}
 */
export declare function followEvents(url: string, events: {
    onOpen: () => void;
    onEntry: (raw: Bytes) => void;
    onBroken: () => void;
    onLost: () => void;
}): {
    close: () => void;
};

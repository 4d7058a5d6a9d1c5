/**
 * Follows a chain live: entries in, verified items out. See docs/protocol.md, "Live".
 *
 * They come on the socket that all chains of this server share, or, where none is let through, as an event stream. When
 * that is lost, or entries come faster than they can be verified, it is asked for again from the first entry that is not
 * yet accepted. Ephemeral messages, which only the socket carries, are opened by the state that is accepted.
 *
 * @import { Bytes } from "../format/bytes.js"
 * @import { ChainState } from "../format/chain.js"
 * @import { EphemeralReader } from "../format/ephemeral.js"
 * @import { Server } from "../remote/server.js"
 * @import { Keyring } from "./keyring.js"
 * @import { Item } from "./reader.js"
 *
 * @typedef {object} Extensible a `ChainReader`, or what stands before one
 * @property {ChainState | null} state
 * @property {Server} server
 * @property {Keyring} keyring
 * @property {(raws: Bytes[]) => Promise<Item[]>} extend
 * @typedef {"connecting" | "live" | "reconnecting" | "offline" | "ended"} LiveState
 * @typedef {object} LiveEvents
 * @property {(items: Item[]) => void} onItems
 * @property {(state: LiveState) => void} onState
 * @property {(error: unknown) => void} onFailure what the server sent is refused; nothing follows
 * @property {() => Promise<unknown>} [onBehind] entries came faster than they can be verified: what to do before more are asked for
 * @property {(data: Bytes) => void} [onMessage] an ephemeral message, verified and opened
 */
import type { Bytes } from "../format/bytes.js";
import type { ChainState } from "../format/chain.js";
import type { Server } from "../remote/server.js";
import type { Keyring } from "./keyring.js";
import type { Item } from "./reader.js";
export type Extensible = {
    state: ChainState | null;
    server: Server;
    keyring: Keyring;
    extend: (raws: Bytes[]) => Promise<Item[]>;
};
export type LiveState = "connecting" | "live" | "reconnecting" | "offline" | "ended";
export type LiveEvents = {
    onItems: (items: Item[]) => void;
    onState: (state: LiveState) => void;
    /**
     * what the server sent is refused; nothing follows
     */
    onFailure: (error: unknown) => void;
    /**
     * entries came faster than they can be verified: what to do before more are asked for
     */
    onBehind?: () => Promise<unknown>;
    /**
     * an ephemeral message, verified and opened
     */
    onMessage?: (data: Bytes) => void;
};
/** One chain's live stream. */
export declare class Live {
    #private;
    reader: Extensible;
    events: LiveEvents;
    /** @param {Extensible} reader which has caught up @param {LiveEvents} events */
    constructor(reader: Extensible, events: LiveEvents);
    /** Begins to follow. */
    start(): void;
    /** Ends for good. */
    stop(): void;
}

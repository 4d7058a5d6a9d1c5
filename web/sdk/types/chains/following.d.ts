/**
 * Following one log: those who watch it are told of every change, and its chain is followed live as long as there are any.
 *
 * @import { Bytes } from "../format/bytes.js"
 * @import { History } from "./history.js"
 * @import { LiveState } from "./live.js"
 *
 * @typedef {object} FollowingEvents
 * @property {() => Promise<unknown>} catchUp accepts all that is new on the server
 * @property {(data: Bytes) => void} onMessage an ephemeral message, opened
 * @property {(state: LiveState) => void} onState
 * @property {(error: unknown) => void} onFailure what the server sent is refused
 */
import type { Bytes } from "../format/bytes.js";
import type { History } from "./history.js";
import type { LiveState } from "./live.js";
export type FollowingEvents = {
    /**
     * accepts all that is new on the server
     */
    catchUp: () => Promise<unknown>;
    /**
     * an ephemeral message, opened
     */
    onMessage: (data: Bytes) => void;
    onState: (state: LiveState) => void;
    /**
     * what the server sent is refused
     */
    onFailure: (error: unknown) => void;
};
/** Who watches a log, and the live stream that serves them. */
export declare class Following {
    #private;
    history: History;
    events: FollowingEvents;
    /** @param {History} history @param {FollowingEvents} events */
    constructor(history: History, events: FollowingEvents);
    /**
     * @param {() => void} watcher to be told of changes
     * @param {boolean} isToldNow too
     * @returns {() => void} ends it
     */
    watch(watcher: () => void, isToldNow: boolean): () => void;
    /** Tells the watchers, once for all that changes in the same moment. */
    tellSoon(): void;
    /** Follows the chain, if somebody watches and it has begun. */
    goLive(): void;
    /** Ends it for good. */
    close(): void;
}

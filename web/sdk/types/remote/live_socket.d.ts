/**
 * One WebSocket to a server, for all chains that a page follows. See docs/protocol.md, "One socket, many chains".
 *
 * It is opened for the first who follows a chain, and closed with the last. When it is lost, all of them are told, and
 * who wants to go on follows again, from the entry that it lacks. Nothing that comes is believed here.
 *
 * @import { Bytes } from "../format/bytes.js"
 *
 * @typedef {object} FollowEvents
 * @property {() => void} onOpen the server has taken it
 * @property {(raw: Bytes) => void} onEntry
 * @property {(raw: Bytes) => void} onMessage an ephemeral message
 * @property {() => void} onLost nothing more comes; told once
 */
import type { Bytes } from "../format/bytes.js";
export type FollowEvents = {
    /**
     * the server has taken it
     */
    onOpen: () => void;
    onEntry: (raw: Bytes) => void;
    /**
     * an ephemeral message
     */
    onMessage: (raw: Bytes) => void;
    /**
     * nothing more comes; told once
     */
    onLost: () => void;
};
/** What one follows. `close` ends it without a word. */
declare class Follow {
    socket: LiveSocket;
    chain: string;
    from: number;
    events: FollowEvents;
    /** @param {LiveSocket} socket @param {string} chain @param {number} from @param {FollowEvents} events */
    constructor(socket: LiveSocket, chain: string, from: number, events: FollowEvents);
    close(): void;
}
/** The socket of one server. */
export declare class LiveSocket {
    #private;
    url: string;
    /** Whether one was ever opened: else it may be that none is let through. */
    wasOpen: boolean;
    /** @param {string} url */
    constructor(url: string);
    /**
     * Follows a chain from an entry on.
     *
     * @param {Bytes} chainId
     * @param {number} from
     * @param {FollowEvents} events
     * @returns {{ close: () => void }}
     */
    follow(chainId: Bytes, from: number, events: FollowEvents): {
        close: () => void;
    };
    /** @param {Follow} follow */
    leave(follow: Follow): void;
    /** Passes an ephemeral message on, if the socket is open: nobody waits for one. @param {Bytes} raw */
    pass(raw: Bytes): void;
}
export {};

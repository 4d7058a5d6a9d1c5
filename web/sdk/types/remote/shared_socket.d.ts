/**
 * One live socket for all tabs of this browser: the tab that has the lock leads and has the socket, the others ask it.
 *
 * Theory of operation. Every tab asks for the leader's lock (Web Locks), and who gets it keeps it as long as it lives.
 * The leader follows chains for the others, and passes on to each what comes (BroadcastChannel). When a leader is gone the
 * next one says so: who followed by the old one is told that it was lost, and follows again, from the entry that it lacks.
 * A follower that is gone is noticed by a lock of its own, which the leader then gets. Nothing that comes is believed here.
 *
 * @import { Bytes } from "../format/bytes.js"
 * @import { FollowEvents } from "./live_socket.js"
 *
 * @typedef {"onOpen" | "onEntry" | "onMessage" | "onLost"} EventName
 * @typedef {{ chainId: Bytes, from: number, events: FollowEvents, close: () => void }} Followed
 * @typedef {{ leader: true }
 *   | { follow: number, tab: string, chainId: Bytes, from: number } | { leave: number, tab: string }
 *   | { event: EventName, tab: string, id: number, raw: Bytes | undefined, wasOpen: boolean }
 *   | { pass: Bytes }} Word what tabs say to each other
 */
import type { Bytes } from "../format/bytes.js";
import type { FollowEvents } from "./live_socket.js";
export type EventName = "onOpen" | "onEntry" | "onMessage" | "onLost";
export type Followed = {
    chainId: Bytes;
    from: number;
    events: FollowEvents;
    close: () => void;
};
export type Word = {
    leader: true;
} | {
    follow: number;
    tab: string;
    chainId: Bytes;
    from: number;
} | {
    leave: number;
    tab: string;
} | {
    event: EventName;
    tab: string;
    id: number;
    raw: Bytes | undefined;
    wasOpen: boolean;
} | {
    pass: Bytes;
};
import { LiveSocket } from "./live_socket.js";
/** @param {string} url @returns {SharedSocket | LiveSocket} a socket of this page's own, where the browser can share none */
export declare function socketFor(url: string): SharedSocket | LiveSocket;
/** The socket of one server, as one tab has it. It has the methods of `LiveSocket`. */
export declare class SharedSocket {
    #private;
    socket: LiveSocket;
    /** Whether one was ever opened: else it may be that none is let through. */
    wasOpen: boolean;
    channel: BroadcastChannel;
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
    /** Passes an ephemeral message on: nobody waits for one. @param {Bytes} raw */
    pass(raw: Bytes): void;
}

/**
 * What all logs of a page share: the server, this browser's storage, the other tabs, and how things stand.
 *
 * @import { Place } from "./state/database.js"
 * @import { Delivered } from "./chains/posting.js"
 *
 * @typedef {"connecting" | "online" | "offline"} Status
 * @typedef {{ chain: string, added?: Place, delivered?: Delivered[], isSignedOut?: boolean }} News told to the other tabs
 */
import type { Place } from "./state/database.js";
import type { Delivered } from "./chains/posting.js";
export type Status = "connecting" | "online" | "offline";
export type News = {
    chain: string;
    added?: Place;
    delivered?: Delivered[];
    isSignedOut?: boolean;
};
import { Server } from "./remote/server.js";
import { Signal } from "./signal.js";
import { EntryCache } from "./state/cache.js";
import { openDatabase } from "./state/database.js";
import { Device } from "./state/device.js";
import { Pins } from "./state/pins.js";
/** One page's share of this browser, for one server. */
export declare class Browser {
    #private;
    server: Server;
    /** @type {Signal<Status>} */
    status: Signal<Status>;
    /** How many entries wait on this device. @type {Signal<number>} */
    pending: Signal<number>;
    pins: Pins;
    doorPins: Pins;
    /** @param {string} url @param {string} [grant] */
    constructor(url: string, grant?: string);
    /** What lasts; opened at first use. */
    storage(): Promise<{
        database: Awaited<ReturnType<typeof openDatabase>>;
        device: Device;
        cache: EntryCache;
    }>;
    /**
     * Asks to be told of a chain by other tabs.
     *
     * @param {string} chain
     * @param {(news: News) => void} listener
     * @returns {() => void} ends it
     */
    listen(chain: string, listener: (news: News) => void): () => void;
    /** Tells the other tabs. @param {News} news */
    tell(news: News): void;
    /** Counts what waits: those who ask while it is being counted are served by one more count. @returns {Promise<void>} */
    recount(): Promise<void>;
    /** Ends what goes on. */
    close(): void;
}

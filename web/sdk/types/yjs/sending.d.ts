/**
 * What is typed here on its way out: changes of a moment are merged into one entry. None is dropped: what is refused is
 * kept, and tried again with what came after it.
 *
 * @import { YjsModule, Problem } from "../yjs.js"
 * @import { Source } from "./source.js"
 *
 * @typedef {object} SendingEvents
 * @property {() => void} onStands something stands on the server
 * @property {(error: Problem) => void} onProblem it is refused, and will be tried again
 */
import type { YjsModule, Problem } from "../yjs.js";
import type { Source } from "./source.js";
export type SendingEvents = {
    /**
     * something stands on the server
     */
    onStands: () => void;
    /**
     * it is refused, and will be tried again
     */
    onProblem: (error: Problem) => void;
};
import { Signal } from "../signal.js";
import { Echoes } from "./echoes.js";
/** The changes of one document that are to be added. */
export declare class Sending {
    #private;
    Y: YjsModule;
    source: Source;
    mergeMs: number;
    events: SendingEvents;
    /** Whether something is neither on the server yet nor in the outbox. */
    unsent: Signal<boolean>;
    /** What was added here, until it comes back. */
    echoes: Echoes;
    /** @param {YjsModule} Y @param {Source} source @param {number} mergeMs @param {SendingEvents} events */
    constructor(Y: YjsModule, source: Source, mergeMs: number, events: SendingEvents);
    /** @param {Uint8Array} update */
    add(update: Uint8Array): void;
    /** Adds what there is. @returns {Promise<void>} all of it stands, or is in the outbox, or was refused */
    flush(): Promise<void>;
    /** The last of it. What is refused now is told, and lost with the page. */
    close(): Promise<void>;
}

/**
 * Who is there, and where: the states of an `Awareness` of y-protocols as messages that nobody keeps.
 *
 * Everyone says one's own state when it changes, at most a few times a second, and again every few seconds: who has come
 * meanwhile, or missed it, learns it so. `Awareness` itself forgets who was not heard for 30 seconds. In a space a state
 * belongs to the member who said it first, and its `user` bears the member's id and name, whatever it says.
 *
 * @import { Member, Source } from "./source.js"
 *
 * @typedef {object} AwarenessLike an `Awareness` of y-protocols
 * @property {number} clientID
 * @property {Map<number, any>} states
 * @property {Map<number, { clock: number }>} meta
 * @property {() => any} getLocalState
 * @property {(state: any) => void} setLocalState
 * @property {(event: any, listener: (...given: any[]) => void) => void} on
 * @property {(event: any, listener: (...given: any[]) => void) => void} off
 * @typedef {object} AwarenessProtocol what is needed of `y-protocols/awareness`
 * @property {(awareness: any, clients: number[], states?: Map<number, any>) => Uint8Array} encodeAwarenessUpdate
 * @property {(awareness: any, update: Uint8Array, origin: any) => void} applyAwarenessUpdate
 * @property {(awareness: any, clients: number[], origin: any) => void} removeAwarenessStates
 */
import type { Member, Source } from "./source.js";
export type AwarenessLike = {
    clientID: number;
    states: Map<number, any>;
    meta: Map<number, {
        clock: number;
    }>;
    getLocalState: () => any;
    setLocalState: (state: any) => void;
    on: (event: any, listener: (...given: any[]) => void) => void;
    off: (event: any, listener: (...given: any[]) => void) => void;
};
export type AwarenessProtocol = {
    encodeAwarenessUpdate: (awareness: any, clients: number[], states?: Map<number, any>) => Uint8Array;
    applyAwarenessUpdate: (awareness: any, update: Uint8Array, origin: any) => void;
    removeAwarenessStates: (awareness: any, clients: number[], origin: any) => void;
};
/** The presence of one document. */
export declare class Presence {
    #private;
    source: Source;
    awareness: AwarenessLike;
    protocol: AwarenessProtocol;
    /** @param {Source} source @param {AwarenessLike} awareness @param {AwarenessProtocol} protocol */
    constructor(source: Source, awareness: AwarenessLike, protocol: AwarenessProtocol);
    start(): void;
    /** Ends it: others no longer see this one, nor this one others. */
    stop(): Promise<void>;
    /** Says good-bye. @returns {Promise<void>} */
    leave(): Promise<void>;
    /** @param {Member[]} members who are none any more */
    forget(members: Member[]): void;
}

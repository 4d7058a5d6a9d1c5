/**
 * A value that changes, and those who want to know. Its `subscribe` is what Svelte calls a store.
 *
 * @template T
 */
export declare class Signal<T> {
    #private;
    /** @param {T} value */
    constructor(value: T);
    /** The value now. */
    get value(): T;
    set value(value: T);
    /**
     * Tells the value, now and at each change.
     *
     * @param {(value: T) => void} listener
     * @returns {() => void} ends it
     */
    subscribe(listener: (value: T) => void): () => void;
}

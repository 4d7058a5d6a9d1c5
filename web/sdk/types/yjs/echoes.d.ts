/** What this page added, and will see again in the list of entries. Pure. */
/** Values that are expected back, the oldest first. */
export declare class Echoes {
    #private;
    /** @param {Uint8Array[]} values */
    expect(values: Uint8Array[]): void;
    /**
     * Whether this value is one's own. It comes twice: while it waits in the outbox, and when it stands.
     *
     * @param {Uint8Array} value
     * @param {boolean} isPending
     */
    has(value: Uint8Array, isPending: boolean): boolean;
}

/**
 * Many small calls as few requests: what is asked for while requests are under way goes together in the next.
 *
 * @template I, R
 */
export declare class Batcher<I, R> {
    #private;
    send: (items: I[]) => Promise<R[]>;
    bounds: {
        itemsMax: number;
        bytesMax: number;
        requestsMax: number;
    };
    /**
     * @param {(items: I[]) => Promise<R[]>} send gives a result for each item
     * @param {{ itemsMax: number, bytesMax: number, requestsMax: number }} bounds
     */
    constructor(send: (items: I[]) => Promise<R[]>, bounds: {
        itemsMax: number;
        bytesMax: number;
        requestsMax: number;
    });
    /** @param {I} item @param {number} size bytes that it adds to a request @returns {Promise<R>} */
    call(item: I, size: number): Promise<R>;
}

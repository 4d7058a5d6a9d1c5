/** Turns: of all tabs of this browser, one at a time does the work that a name stands for (Web Locks). */
/**
 * Does work when nobody else is at work under the same name.
 *
 * @template T
 * @param {string} name
 * @param {() => Promise<T>} work
 * @returns {Promise<T>}
 */
export declare function alone<T>(name: string, work: () => Promise<T>): Promise<T>;
/**
 * The same within this page, which has no need of the browser.
 *
 * @template K, T
 * @param {Map<K, Promise<unknown>>} queue
 * @param {K} name
 * @param {() => Promise<T>} work
 * @returns {Promise<T>}
 */
export declare function inTurn<K, T>(queue: Map<K, Promise<unknown>>, name: K, work: () => Promise<T>): Promise<T>;

/** The service worker that streams files: started, and made acquainted with this page. */
/**
 * @param {string | URL} file of the application's worker
 * @returns {Promise<{ scope: string, worker: ServiceWorker }>}
 * @throws {NoWorker}
 */
export declare function workerAt(file: string | URL): Promise<{
    scope: string;
    worker: ServiceWorker;
}>;
/**
 * Has this page's requests go by way of the worker.
 *
 * @param {ServiceWorker} worker
 * @returns {Promise<string>} by which name the worker finds this page
 * @throws {NoWorker} the page lies outside of the worker's folder, or the worker is another one
 */
export declare function greeted(worker: ServiceWorker): Promise<string>;

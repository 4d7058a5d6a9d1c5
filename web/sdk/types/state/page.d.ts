/**
 * Keeps a page and every file that it loads, so that it opens without a connection. What is kept is given out by a service
 * worker of the page's folder, which takes page_worker.js in; while the server answers, its answers are what counts.
 */
/**
 * @param {string} worker the address of the service worker
 * @returns {Promise<boolean>} the page is kept, and what it loads from now on will be, too; false: this browser keeps none
 */
export declare function keepPage(worker: string): Promise<boolean>;

/* Keeps the page for when there is no connection. */
/** @type {any} */ (self).importScripts("/sdk/page_worker.js");

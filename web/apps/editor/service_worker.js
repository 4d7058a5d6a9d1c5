/** @type {any} */ (self).importScripts("/sdk/page_worker.js"); // keeps the page for when there is no connection

/**
 * Keeps a page and every file that it loads, so that it opens without a connection. What is kept is given out by a service
 * worker of the page's folder, which takes page_worker.js in; while the server answers, its answers are what counts.
 */

const NAME = "cairn.page";

/**
 * @param {string} worker the address of the service worker
 * @returns {Promise<boolean>} the page is kept, and what it loads from now on will be, too; false: this browser keeps none
 */
export async function keepPage(worker) {
  try {
    await navigator.serviceWorker.register(worker);
    const kept = await caches.open(NAME);
    const seen = new Set(); // what is fetched to be kept is loaded, too
    const keep = async (/** @type {string} */ url) => seen.has(url) || (seen.add(url) && (await kept.match(url))) || kept.add(url);
    await keep(location.origin + location.pathname);
    const keepAll = (/** @type {PerformanceObserverEntryList} */ loaded) => {
      for (const { name } of loaded.getEntries()) if (isFile(name)) keep(name).catch(() => {}); // it stays as it was
    };
    new PerformanceObserver(keepAll).observe({ type: "resource", buffered: true });
    return true;
  } catch {
    return false;
  }
}

/** It is a file of this site, and not an answer of the API. @param {string} url */
function isFile(url) {
  const { origin, pathname, protocol } = new URL(url);
  return origin === location.origin && protocol.startsWith("http") && !pathname.startsWith("/v1/");
}

/**
 * For a service worker: `importScripts("/sdk/page_worker.js")`. Where the server does not answer, the files that
 * state/page.js keeps are given out; where it does, they are made new. What the API says is never kept.
 */
(() => {
  const NAME = "cairn.page";
  const scope = /** @type {any} */ (self);

  scope.addEventListener("install", () => scope.skipWaiting());
  scope.addEventListener("activate", (/** @type {any} */ event) => event.waitUntil(scope.clients.claim()));
  scope.addEventListener("fetch", (/** @type {any} */ event) => {
    const { request } = event;
    const { origin, pathname } = new URL(request.url);
    if (request.method !== "GET" || origin !== location.origin || pathname.startsWith("/v1/")) return;
    event.respondWith(fresh(request, origin + pathname));
  });

  /** @param {Request} request @param {string} file its address without a query */
  async function fresh(request, file) {
    const kept = await caches.open(NAME);
    try {
      const answer = await fetch(request);
      if (answer.status === 200 && (await kept.match(file))) await kept.put(file, answer.clone());
      return answer;
    } catch {
      return (await kept.match(file)) ?? Response.error();
    }
  }
})();

/**
 * The service worker of applications that stream files: it answers at the addresses that `Streaming` gives out, and asks the
 * page that gave one what to answer. It knows no keys and keeps nothing, so browsers may stop and start it as they like.
 *
 * An application has a worker file of its own, in its folder, whose one line is `importScripts("/sdk/streaming_worker.js")`;
 * an `import` of a module worker does the same. So this file is neither classic script nor module, but both.
 */

{
  const worker = /** @type {any} */ (globalThis); // a ServiceWorkerGlobalScope
  const ADDRESS = /\/cairn-file\/([0-9a-f-]{36})\/([\w-]{22})$/;

  worker.addEventListener("message", (/** @type {any} */ event) => {
    if (event.data?.cairn === "hello") event.waitUntil(greet(event.source, event.ports[0]));
  });

  worker.addEventListener("fetch", (/** @type {any} */ event) => {
    const [, client, token] = ADDRESS.exec(new URL(event.request.url).pathname) ?? [];
    if (client && token) event.respondWith(answer(event.request, client, token));
  });

  /** Takes a page on, and tells it by which name this worker finds it. @param {any} page @param {MessagePort} port */
  async function greet(page, port) {
    await worker.clients.claim();
    port.postMessage({ client: page.id });
  }

  /** @param {Request} request @param {string} client @param {string} token @returns {Promise<Response>} */
  async function answer({ method, headers, destination }, client, token) {
    const page = await worker.clients.get(client);
    if (!page) return new Response(null, { status: 404 });
    const { port1: port, port2 } = new MessageChannel();
    const begun = next(port);
    page.postMessage({ cairn: "file", token, method, range: headers.get("range"), destination }, [port2]);
    const { status, headers: given, hasBody } = await begun;
    return new Response(hasBody ? bodyFrom(port) : null, { status, headers: given });
  }

  /** @param {MessagePort} port where parts come, one for each "more" @returns {ReadableStream} */
  function bodyFrom(port) {
    const stream = {
      async pull(/** @type {ReadableStreamDefaultController} */ controller) {
        const coming = next(port);
        port.postMessage("more");
        const { part, problem } = await coming;
        if (problem) controller.error(new TypeError(problem));
        else if (part) controller.enqueue(part);
        else controller.close();
      },
      cancel: () => port.postMessage("end"),
    };
    return new ReadableStream(stream, { highWaterMark: 0 });
  }

  /** @param {MessagePort} port @returns {Promise<any>} what comes next; a problem, if the page has gone */
  function next(port) {
    return new Promise((resolve) => {
      port.onmessage = ({ data }) => resolve(data);
      /** @type {any} */ (port).onclose = () => resolve({ status: 404, problem: "the page has gone" });
    });
  }
}

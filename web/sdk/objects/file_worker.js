/** The service worker that streams files: started, and made acquainted with this page. */

import { CairnError } from "../errors.js";

const ANSWER_MS = 10_000;

/** This browser has no service workers, or not for this page. */
class NoWorker extends CairnError {
  code = "unsupported";
  hint = "Load the page again, or use another browser.";
  constructor() {
    super("no service worker streams files here");
  }
}

/**
 * @param {string | URL} file of the application's worker
 * @returns {Promise<{ scope: string, worker: ServiceWorker }>}
 * @throws {NoWorker}
 */
export async function workerAt(file) {
  if (!navigator.serviceWorker) throw new NoWorker();
  const registration = await navigator.serviceWorker.register(file, { updateViaCache: "none" }).catch(() => {
    throw new NoWorker();
  });
  const worker = registration.active ?? registration.waiting ?? registration.installing;
  if (!worker) throw new NoWorker();
  await within((done) => {
    const look = () => worker.state === "activated" && done(null);
    worker.addEventListener("statechange", look);
    look();
  });
  return { scope: registration.scope, worker };
}

/**
 * Has this page's requests go by way of the worker.
 *
 * @param {ServiceWorker} worker
 * @returns {Promise<string>} by which name the worker finds this page
 * @throws {NoWorker} the page lies outside of the worker's folder, or the worker is another one
 */
export async function greeted(worker) {
  const { port1: port, port2 } = new MessageChannel();
  const client = await within((done) => {
    port.onmessage = ({ data }) => done(data.client);
    worker.postMessage({ cairn: "hello" }, [port2]);
  });
  await within((done) => {
    const look = () => navigator.serviceWorker.controller && done(null);
    navigator.serviceWorker.addEventListener("controllerchange", look);
    look();
  });
  return client;
}

/** @param {(done: (value: any) => void) => void} work @returns {Promise<any>} @throws {NoWorker} it is not done in time */
function within(work) {
  return new Promise((resolve, reject) => {
    setTimeout(() => reject(new NoWorker()), ANSWER_MS);
    work(resolve);
  });
}

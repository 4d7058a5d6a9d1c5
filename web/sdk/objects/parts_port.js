/** Parts over a port to the service worker: one for each "more", until they are at their end or nobody wants them. */

/** @import { Bytes } from "../format/bytes.js" */

const ALIVE_MS = 10_000;

/**
 * @param {MessagePort} port
 * @param {ServiceWorker} worker at the other end: some browsers stop one that hears nothing for half a minute
 * @param {(signal: AbortSignal) => AsyncGenerator<Bytes, void, void>} partsOf
 * @returns {Promise<void>} when all were sent, or the other end has gone
 * @throws {unknown} what `partsOf` throws; the other end is told
 */
export async function sendParts(port, worker, partsOf) {
  const aborting = new AbortController();
  const parts = partsOf(aborting.signal);
  const alive = setInterval(() => worker.postMessage({ cairn: "alive" }), ALIVE_MS);
  try {
    await new Promise((resolve, reject) => {
      const gone = () => resolve(aborting.abort());
      port.onmessage = ({ data }) => (data === "more" ? sendOne(port, parts).then((done) => done && resolve(null), reject) : gone());
      /** @type {any} */ (port).onclose = gone;
    });
  } catch (error) {
    port.postMessage({ problem: "the file could not be read to its end" });
    throw error;
  } finally {
    clearInterval(alive);
  }
}

/** @param {MessagePort} port @param {AsyncGenerator<Bytes, void, void>} parts @returns {Promise<boolean>} it was the last */
async function sendOne(port, parts) {
  const { done, value: part } = await parts.next();
  if (part) port.postMessage({ part }, [part.buffer]);
  else port.postMessage({});
  return done === true;
}

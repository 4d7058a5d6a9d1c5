/** Parts over a port to the service worker: one for each "more", until they are at their end or nobody wants them. */
import type { Bytes } from "../format/bytes.js";
/**
 * @param {MessagePort} port
 * @param {ServiceWorker} worker at the other end: some browsers stop one that hears nothing for half a minute
 * @param {(signal: AbortSignal) => AsyncGenerator<Bytes, void, void>} partsOf
 * @returns {Promise<void>} when all were sent, or the other end has gone
 * @throws {unknown} what `partsOf` throws; the other end is told
 */
export declare function sendParts(port: MessagePort, worker: ServiceWorker, partsOf: (signal: AbortSignal) => AsyncGenerator<Bytes, void, void>): Promise<void>;

/**
 * The stretching of passwords, in a worker of its own that ends with it.
 *
 * @import { Bytes } from "../format/bytes.js"
 */

import { Unavailable } from "../errors.js";

const WORKER = new URL("../account/stretch_worker.js", import.meta.url);

/** @param {Bytes} password @param {Bytes} salt @returns {Promise<Bytes>} 32 bytes @throws {Unavailable} */
export async function stretch(password, salt) {
  const worker = newWorker();
  if (!worker) return (await import("./argon2.js")).stretched(password, salt);
  try {
    return await new Promise((resolve, reject) => {
      worker.onmessage = ({ data }) => (data.stretched ? resolve(data.stretched) : reject(failed()));
      worker.onerror = () => reject(failed());
      worker.postMessage({ password, salt });
    });
  } finally {
    worker.terminate();
  }
}

/** @returns {Worker | null} null: there are no workers here, or none of another origin's code */
function newWorker() {
  try {
    return new Worker(WORKER, { type: "module" });
  } catch {
    return null;
  }
}

function failed() {
  return new Unavailable("the password could not be stretched here: it takes 64 MiB of memory, and WebAssembly");
}

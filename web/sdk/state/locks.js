/** Turns: of all tabs of this browser, one at a time does the work that a name stands for (Web Locks). */

/** @type {Map<string, Promise<unknown>>} */
const turns = new Map();

/**
 * Does work when nobody else is at work under the same name.
 *
 * @template T
 * @param {string} name
 * @param {() => Promise<T>} work
 * @returns {Promise<T>}
 */
export async function alone(name, work) {
  if (globalThis.navigator?.locks) return await navigator.locks.request(`cairn.${name}`, work);
  return inTurn(turns, name, work);
}

/**
 * The same within this page, which has no need of the browser.
 *
 * @template K, T
 * @param {Map<K, Promise<unknown>>} queue
 * @param {K} name
 * @param {() => Promise<T>} work
 * @returns {Promise<T>}
 */
export function inTurn(queue, name, work) {
  const turn = (queue.get(name) ?? Promise.resolve()).then(work);
  const settled = turn.catch(() => {});
  queue.set(name, settled);
  void settled.then(() => queue.get(name) === settled && queue.delete(name));
  return turn;
}

/**
 * Many small calls as few requests: what is asked for while requests are under way goes together in the next.
 *
 * @template I, R
 */
export class Batcher {
  /** @type {{ item: I, size: number, resolve: (result: R) => void, reject: (error: unknown) => void }[]} */
  #waiting = [];
  #running = 0;

  /**
   * @param {(items: I[]) => Promise<R[]>} send gives a result for each item
   * @param {{ itemsMax: number, bytesMax: number, requestsMax: number }} bounds
   */
  constructor(send, bounds) {
    this.send = send;
    this.bounds = bounds;
  }

  /** @param {I} item @param {number} size bytes that it adds to a request @returns {Promise<R>} */
  call(item, size) {
    return new Promise((resolve, reject) => {
      this.#waiting.push({ item, size, resolve, reject });
      if (this.#running < this.bounds.requestsMax) void this.#run();
    });
  }

  async #run() {
    this.#running++;
    await Promise.resolve(); // let those who call in the same moment come along
    for (let batch = this.#take(); batch.length > 0; batch = this.#take()) {
      try {
        const results = await this.send(batch.map(({ item }) => item));
        batch.forEach(({ resolve }, index) => resolve(/** @type {R} */ (results[index])));
      } catch (error) {
        for (const { reject } of batch) reject(error);
      }
    }
    this.#running--;
  }

  #take() {
    let bytes = 0;
    let count = 0;
    for (const { size } of this.#waiting) {
      if (count === this.bounds.itemsMax || (count > 0 && bytes + size > this.bounds.bytesMax)) break;
      bytes += size;
      count++;
    }
    return this.#waiting.splice(0, count);
  }
}

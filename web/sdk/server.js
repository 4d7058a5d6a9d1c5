/**
 * A Cairn server over HTTP: what it gives is bytes, bounded and not yet believed. See docs/protocol.md.
 *
 * @import { Bytes } from "./bytes.js"
 */

import { concat, toHex, viewOf } from "./bytes.js";
import { ENTRY_BYTES_MAX } from "./entry.js";
import { Invalid, NotFound, TooLarge, Unavailable } from "./errors.js";
import { LiveSocket } from "./live_socket.js";

export const PAGE_ENTRIES = 256;
const PAGE_BYTES_MAX = PAGE_ENTRIES * (ENTRY_BYTES_MAX + 4);
const REQUEST_SECONDS = 60;

/** One server. */
export class Server {
  /** @type {LiveSocket | undefined} */
  #liveSocket;

  /** @param {string} base its address, without a slash at the end; empty: the one that this page is from */
  constructor(base = "") {
    this.base = base;
  }

  /** The socket on which all chains of this server are followed. */
  get liveSocket() {
    this.#liveSocket ??= new LiveSocket(socketUrl(this.base));
    return this.#liveSocket;
  }

  /**
   * A page of a chain's entries.
   *
   * @param {Bytes} chainId
   * @param {number} from the first seq wanted
   * @param {{ isFresh?: boolean }} [options] isFresh: past the browser's cache
   * @returns {Promise<{ raws: Bytes[], headSeq: number }>}
   * @throws {NotFound | Unavailable | Invalid | TooLarge}
   */
  async entries(chainId, from, { isFresh = false } = {}) {
    const path = `/v1/chains/${toHex(chainId)}/entries?from=${from}&limit=${PAGE_ENTRIES}`;
    const response = await this.#get(path, isFresh);
    const headSeq = headSeqIn(response.headers.get("cairn-head") ?? "");
    return { raws: framesOf(await readBody(response, PAGE_BYTES_MAX)), headSeq };
  }

  /**
   * The bytes that the server has under a block's id.
   *
   * @param {Bytes} blockId
   * @param {number} bytesMax
   * @returns {Promise<Bytes>}
   * @throws {NotFound | Unavailable | TooLarge}
   */
  async block(blockId, bytesMax) {
    return readBody(await this.#get(`/v1/blocks/${toHex(blockId)}`, false), bytesMax);
  }

  /** @param {Bytes} chainId @param {number} from @returns {string} where its entries come as events */
  liveUrl(chainId, from) {
    return `${this.base}/v1/live?chain=${toHex(chainId)}@${from}`;
  }

  /** @param {string} path @param {boolean} isFresh */
  async #get(path, isFresh) {
    /** @type {Response} */
    let response;
    try {
      response = await fetch(this.base + path, {
        credentials: "omit",
        redirect: "error",
        cache: isFresh ? "reload" : "default",
        signal: AbortSignal.timeout(REQUEST_SECONDS * 1000),
      });
    } catch {
      throw new Unavailable("the server can't be reached");
    }
    if (response.status === 404) throw new NotFound("the server does not have it");
    if (!response.ok) throw new Unavailable(`the server answered ${response.status}`);
    return response;
  }
}

/** @param {string} base @returns {string} */
function socketUrl(base) {
  const url = new URL(`${base}/v1/live`, globalThis.location?.href);
  url.protocol = url.protocol.replace("http", "ws");
  return url.href;
}

/** @param {string} header `seq hash` @throws {Invalid} */
function headSeqIn(header) {
  const seq = Number(/^(\d{1,16})(?: [0-9a-f]{64})?$/.exec(header)?.[1] ?? NaN);
  if (!Number.isSafeInteger(seq)) throw new Invalid("the server does not say where the chain's head is");
  return seq;
}

/** @param {Response} response @param {number} bytesMax @returns {Promise<Bytes>} */
async function readBody(response, bytesMax) {
  if (!response.body) return new Uint8Array();
  const reader = response.body.getReader();
  const pieces = [];
  let size = 0;
  for (;;) {
    const { done, value } = await reader.read().catch(() => {
      throw new Unavailable("the connection broke off");
    });
    if (done) return concat(...pieces);
    size += value.length;
    if (size > bytesMax) {
      await reader.cancel();
      throw new TooLarge("the server sends more than was asked for");
    }
    pieces.push(value);
  }
}

/** @param {Bytes} bytes n × (u32 length ‖ entry) @returns {Bytes[]} @throws {Invalid} */
function framesOf(bytes) {
  const frames = [];
  let offset = 0;
  while (offset < bytes.length) {
    const start = offset + 4;
    const stop = start > bytes.length ? Infinity : start + viewOf(bytes).getUint32(offset);
    if (stop > bytes.length) throw new Invalid("the server's answer is cut off");
    frames.push(bytes.slice(start, stop));
    offset = stop;
  }
  return frames;
}

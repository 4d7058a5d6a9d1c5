/**
 * A Cairn server: what it gives is bytes, bounded and not yet believed. See docs/protocol.md.
 *
 * @import { Bytes } from "../format/bytes.js"
 * @import { LiveSocket } from "./live_socket.js"
 * @import { SharedSocket } from "./shared_socket.js"
 */

import { Tampered } from "../errors.js";
import { toHex, viewOf } from "../format/bytes.js";
import { ENTRY_BYTES_MAX } from "../format/entry.js";
import { Http, jsonIn } from "./http.js";

export const PAGE_ENTRIES = 256;
const PAGE_BYTES_MAX = PAGE_ENTRIES * (ENTRY_BYTES_MAX + 4);

/** One server. */
export class Server {
  /** @type {Promise<SharedSocket | LiveSocket> | undefined} */
  #liveSocket;

  /**
   * @param {string} [base] its address, without a slash at the end; empty: the one that this page is from
   * @param {{ grant?: string, isDoors?: boolean }} [options] isDoors: its chains are doors, which have routes of their own
   */
  constructor(base = "", { grant, isDoors = false } = {}) {
    this.base = base;
    this.http = new Http(base, grant);
    this.chains = `/v1/${isDoors ? "doors" : "chains"}`;
  }

  /** The socket on which all chains of this server are followed, loaded at first use. */
  liveSocket() {
    this.#liveSocket ??= import("./shared_socket.js").then(({ socketFor }) => socketFor(socketUrl(this.base)));
    this.#liveSocket.catch(() => (this.#liveSocket = undefined)); // no connection: another time
    return this.#liveSocket;
  }

  /** @returns {Server} the same one, for door chains */
  doors() {
    return new Server(this.base, { grant: this.http.grant, isDoors: true });
  }

  /**
   * A page of a chain's entries.
   *
   * @param {Bytes} chainId
   * @param {number} from the first seq wanted
   * @param {{ isFresh?: boolean }} [options] isFresh: past the browser's cache
   * @returns {Promise<{ raws: Bytes[], headSeq: number }>}
   * @throws {NotFound | Unavailable | Tampered | TooLarge}
   */
  async entries(chainId, from, { isFresh = false } = {}) {
    const path = `${this.chains}/${toHex(chainId)}/entries?from=${from}&limit=${PAGE_ENTRIES}`;
    const { headers, body } = await this.http.ask("GET", path, { isFresh, bytesMax: PAGE_BYTES_MAX });
    return { raws: framesOf(body), headSeq: headSeqIn(headers.get("cairn-head") ?? "") };
  }

  /**
   * The seq below which a chain's writer gave entries up.
   *
   * @param {Bytes} chainId
   * @returns {Promise<number>}
   * @throws {NotFound | Unavailable | Tampered}
   */
  async floor(chainId) {
    const { floor } = jsonIn((await this.http.ask("GET", `${this.chains}/${toHex(chainId)}`)).body) ?? {};
    return Number.isSafeInteger(floor) ? floor : 0;
  }

  /**
   * The bytes that the server has under a block's id.
   *
   * @param {Bytes} blockId
   * @param {number} bytesMax
   * @param {AbortSignal} [signal]
   * @returns {Promise<Bytes>}
   * @throws {NotFound | Unavailable | TooLarge}
   */
  async block(blockId, bytesMax, signal) {
    return (await this.http.ask("GET", `/v1/blocks/${toHex(blockId)}`, { bytesMax, signal })).body;
  }

  /** @param {Bytes} chainId @param {number} from @returns {string} where its entries come as events */
  liveUrl(chainId, from) {
    return `${this.base}/v1/live?chain=${toHex(chainId)}@${from}`;
  }
}

/** @param {string} base @returns {string} */
function socketUrl(base) {
  const url = new URL(`${base}/v1/live`, globalThis.location?.href);
  url.protocol = url.protocol.replace("http", "ws");
  return url.href;
}

/** @param {string} header `seq hash` @throws {Tampered} */
function headSeqIn(header) {
  const seq = Number(/^(\d{1,16})(?: [0-9a-f]{64})?$/.exec(header)?.[1] ?? NaN);
  if (!Number.isSafeInteger(seq)) throw new Tampered("the server does not say where the chain's head is");
  return seq;
}

/** @param {Bytes} bytes n × (u32 length ‖ entry) @returns {Bytes[]} @throws {Tampered} */
function framesOf(bytes) {
  const frames = [];
  let offset = 0;
  while (offset < bytes.length) {
    const start = offset + 4;
    const stop = start > bytes.length ? Infinity : start + viewOf(bytes).getUint32(offset);
    if (stop > bytes.length) throw new Tampered("the server's answer is cut off");
    frames.push(bytes.slice(start, stop));
    offset = stop;
  }
  return frames;
}

/**
 * Appending to a chain on a server, for who writes. See docs/protocol.md, "Chains".
 *
 * @import { Bytes } from "../format/bytes.js"
 * @import { Server } from "./server.js"
 *
 * @typedef {{ seq: number, hash: string, isClosed: boolean }} Head what the server says the newest entry is
 */

import { Tampered } from "../errors.js";
import { concat, toHex, u32 } from "../format/bytes.js";
import { jsonIn } from "./http.js";

/**
 * Appends entries, all or none. When it returns they stand, durably.
 *
 * @param {Server} server
 * @param {Bytes} chainId
 * @param {Bytes[]} raws
 * @returns {Promise<Head>}
 * @throws {CairnError} Conflict, Closed; Unknown: they may stand
 */
export async function append(server, chainId, raws) {
  const body = concat(...raws.flatMap((raw) => [u32(raw.length), raw]));
  const answer = await server.http.ask("POST", `${server.chains}/${toHex(chainId)}/entries`, { body });
  const { chain, seq, hash, closed } = jsonIn(answer.body) ?? {};
  if (chain !== toHex(chainId) || !Number.isSafeInteger(seq) || typeof hash !== "string") {
    throw new Tampered("the server answers with the head of another chain");
  }
  return { seq, hash, isClosed: closed === true };
}

/** Everything in vectors/refused-v1.json is refused by the SDK, and by no other error than its own. */

import { openBlock } from "../../web/sdk/format/block.js";
import { decodeManifest } from "../../web/sdk/format/manifest.js";
import { concat, fromHex } from "../../web/sdk/format/bytes.js";
import { parseCapability } from "../../web/sdk/format/capability.js";
import { begin, decodeEntries, follow, verifySignatures } from "../../web/sdk/format/chain.js";
import { PublicKey } from "../../web/sdk/format/crypto.js";
import { Entry } from "../../web/sdk/format/entry.js";
import { CairnError, Invalid } from "../../web/sdk/errors.js";
import { decodePayload } from "../../web/sdk/format/payload.js";
import { Reference } from "../../web/sdk/format/reference.js";
import { openSeal, unpad } from "../../web/sdk/format/seal.js";

/** @typedef {Record<string, string>} Case a name, and fields in hex */

/** @param {Case} one @param {string} field */
function bytesOf(one, field = "bytes") {
  return concat(fromHex(one[field] ?? ""), new Uint8Array(Number(one.zeros ?? 0)));
}

/** @type {Record<string, (one: Case, vectors: Case) => unknown>} */
const CHECKS = {
  async signatures(one) {
    const key = await PublicKey.of(bytesOf(one, "public_key"));
    const message = bytesOf(one, "message");
    if (!(await key.verifies(message, bytesOf(one, "signature")))) throw new Invalid("the signature does not verify");
  },
  entries: (one) => Entry.decode(bytesOf(one)),
  async after_e1(one, vectors) {
    const [genesis, first] = await decodeEntries([bytesOf(vectors, "genesis"), bytesOf(vectors, "e1")]);
    if (!genesis || !first) throw new Error("the vectors hold a chain");
    const state = follow(await begin(genesis.chainId, genesis), first);
    const next = await Entry.decode(bytesOf(one));
    follow(state, next);
    await verifySignatures(state.publicKey, [next]);
  },
  capabilities: (one) => parseCapability(one.text ?? ""),
  boxes: (one) => openSeal(bytesOf(one, "key"), bytesOf(one, "head"), bytesOf(one, "box")),
  padded: (one) => unpad(bytesOf(one)),
  payloads: (one) => decodePayload(bytesOf(one)),
  references: (one) => Reference.decode(bytesOf(one)),
  manifests: (one) => decodeManifest(bytesOf(one), 2 ** 40),
  async blocks(one) {
    const { isManifest, data } = await openBlock(bytesOf(one, "block"), Reference.decode(bytesOf(one, "reference")));
    if (isManifest) decodeManifest(data, 2 ** 40);
  },
};

/**
 * @param {{ vectors: Case, refused: Record<string, Case[]> }} known
 * @returns {Promise<Record<string, string>>} "ok", or what was wrong, by section and case
 */
export async function runRefused({ vectors, refused }) {
  /** @type {Record<string, string>} */
  const results = {};
  for (const [section, cases] of Object.entries(refused)) {
    for (const one of cases) results[`${section}: ${one.name}`] = await outcome(section, one, vectors);
  }
  return results;
}

/** @param {string} section @param {Case} one @param {Case} vectors */
async function outcome(section, one, vectors) {
  const check = CHECKS[section];
  if (!check) return "there is no check of this section";
  try {
    await check(one, vectors);
    return "accepted";
  } catch (error) {
    return error instanceof CairnError ? "ok" : String(error);
  }
}

/**
 * The browser SDK's verdict on any bytes: what it makes of them, or that it refuses. tests/browser/mutations.py has the
 * same in Python, and both must agree.
 */

import { openBlock } from "../../web/sdk/format/block.js";
import { fromHex, toHex } from "../../web/sdk/format/bytes.js";
import { parseCapability } from "../../web/sdk/format/capability.js";
import { begin, decodeEntries, follow, verifySignatures } from "../../web/sdk/format/chain.js";
import { PublicKey, sha256 } from "../../web/sdk/format/crypto.js";
import { doorSalt, normalPassword, normalUsername } from "../../web/sdk/format/door.js";
import { Entry } from "../../web/sdk/format/entry.js";
import { decodeManifest } from "../../web/sdk/format/manifest.js";
import { decodePayload } from "../../web/sdk/format/payload.js";
import { Reference } from "../../web/sdk/format/reference.js";
import { openSeal, unpad } from "../../web/sdk/format/seal.js";
import { CairnError } from "../../web/sdk/errors.js";

/** @typedef {Record<string, string>} Case `section`, and fields in hex or as text */

const MANIFEST_BYTES_MAX = 2 ** 50;

/** @param {Case} one @param {string} [name] */
const bytesOf = (one, name = "bytes") => fromHex(one[name] ?? "");
/** @param {...unknown} parts */
const joined = (...parts) => parts.join(" ");

/** @type {Record<string, (one: Case, vectors: Case) => Promise<string>>} */
const JUDGES = {
  async entry(one) {
    const { kind, flags, keyEpoch, seq, floor, hash } = await Entry.decode(bytesOf(one));
    return joined(kind, flags, keyEpoch, seq, floor, toHex(hash));
  },
  async follows(one, vectors) {
    const [genesis, first] = await decodeEntries([bytesOf(vectors, "genesis"), bytesOf(vectors, "e1")]);
    if (!genesis || !first) throw new Error("the vectors hold a chain");
    const state = follow(await begin(genesis.chainId, genesis), first);
    const next = await Entry.decode(bytesOf(one));
    const { seq, floor, keyEpoch, isClosed } = follow(state, next);
    await verifySignatures(state.publicKey, [next]);
    return joined(seq, floor, keyEpoch, isClosed);
  },
  async capability(one) {
    return (await parseCapability(one.text ?? "")).type;
  },
  async box(one) {
    return toHex(await openSeal(bytesOf(one, "key"), bytesOf(one, "head"), bytesOf(one)));
  },
  async padded(one) {
    return toHex(unpad(bytesOf(one)));
  },
  async payload(one) {
    const { content, references } = decodePayload(bytesOf(one));
    return joined(content?.type, references.length);
  },
  async reference(one) {
    return String(Reference.decode(bytesOf(one)).storedBytes);
  },
  async manifest(one) {
    const { total, chunkBytes, references, isUpper } = decodeManifest(bytesOf(one), MANIFEST_BYTES_MAX);
    return joined(total, chunkBytes, references.length, isUpper);
  },
  async block(one) {
    const { isManifest, data } = await openBlock(bytesOf(one), Reference.decode(bytesOf(one, "reference")));
    return joined(isManifest, toHex(data));
  },
  async signature(one) {
    const key = await PublicKey.of(bytesOf(one, "key"));
    return String(await key.verifies(bytesOf(one, "message"), bytesOf(one)));
  },
  async door(one) {
    const salt = await doorSalt(one.realm ?? "", one.name ?? "");
    const password = await sha256(normalPassword(one.password ?? ""));
    return joined(normalUsername(one.name ?? ""), toHex(salt), toHex(password));
  },
};

/** @param {Case} one @param {Case} vectors @returns {Promise<string>} */
export async function judged(one, vectors) {
  const judge = JUDGES[one.section ?? ""];
  if (!judge) throw new Error("there is no judge for this");
  try {
    return await judge(one, vectors);
  } catch (error) {
    if (error instanceof CairnError) return "refused";
    throw error;
  }
}

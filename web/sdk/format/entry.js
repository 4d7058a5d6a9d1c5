/**
 * Entries: their layout, and all of it that can be checked without a head. See docs/format.md, 6.
 *
 * @import { Bytes } from "./bytes.js"
 * @import { PublicKey } from "./crypto.js"
 */

import { concat, equal, isZero, readU64, viewOf } from "./bytes.js";
import { chainIdOf } from "./capability.js";
import { domain, sha256 } from "./crypto.js";
import { Invalid } from "../errors.js";

export const KIND = Object.freeze({ GENESIS: 0, LINK: 1, ROTATE: 2, CHECKPOINT: 3, CLOSE: 4 });
export const HEADER_BYTES = 96;
export const SIGNATURE_BYTES = 64;
export const ENTRY_BYTES_MAX = HEADER_BYTES + 65_536 + SIGNATURE_BYTES;

const MAGIC = concat("CRE1");
const GENESIS_BODY_BYTES = 68;
const SEALED_BODY_BYTES_MIN = 208;
const SUITE = 1;

/** One entry, parsed. Made only by `decode`, so its layout is right; its signature is not yet verified. */
export class Entry {
  /** @param {Bytes} raw @param {Bytes} hash not for use outside of this class */
  constructor(raw, hash) {
    const view = viewOf(raw);
    this.raw = raw;
    this.hash = hash;
    this.kind = view.getUint8(4);
    this.flags = view.getUint8(5);
    this.keyEpoch = view.getUint32(8);
    this.seq = readU64(raw, 16);
    this.floor = readU64(raw, 24);
    this.chainId = raw.subarray(32, 64);
    this.prev = raw.subarray(64, 96);
  }

  /**
   * Parses an entry.
   *
   * @param {Bytes} raw
   * @returns {Promise<Entry>}
   * @throws {Invalid}
   */
  static async decode(raw) {
    if (raw.length < HEADER_BYTES + GENESIS_BODY_BYTES + SIGNATURE_BYTES || raw.length > ENTRY_BYTES_MAX) {
      throw new Invalid("an entry has 228 to 65,696 bytes");
    }
    const entry = new Entry(raw, await sha256(raw));
    checkHeader(entry);
    if (entry.kind === KIND.GENESIS) await checkGenesis(entry);
    else if (entry.body.length < SEALED_BODY_BYTES_MIN || entry.seq === 0) {
      throw new Invalid("only a genesis has seq 0 or a body under 208 bytes");
    }
    return entry;
  }

  /** What the seal commits to. */
  get header() {
    return this.raw.subarray(0, HEADER_BYTES);
  }

  /** The genesis body in clear, else the sealed payload. */
  get body() {
    return this.raw.subarray(HEADER_BYTES, -SIGNATURE_BYTES);
  }

  /** @param {PublicKey} publicKey @returns {Promise<boolean>} */
  isSignedBy(publicKey) {
    const signed = concat(domain("entry"), this.raw.subarray(0, -SIGNATURE_BYTES));
    return publicKey.verifies(signed, this.raw.subarray(-SIGNATURE_BYTES));
  }
}

/** @param {Entry} entry */
function checkHeader(entry) {
  const view = viewOf(entry.raw);
  if (!equal(entry.raw.subarray(0, 4), MAGIC) || entry.kind > KIND.CLOSE || entry.flags > 1 || view.getUint16(6)) {
    throw new Invalid("the entry's magic, kind or flags are not of format 1");
  }
  if (view.getUint32(12) !== entry.body.length) throw new Invalid("the entry's body has another length than it says");
  if (entry.floor > entry.seq) throw new Invalid("the entry's floor is above its seq");
}

/** @param {Entry} entry */
async function checkGenesis(entry) {
  const { body } = entry;
  if (body.length !== GENESIS_BODY_BYTES) throw new Invalid("a genesis body has 68 bytes");
  if (entry.seq || entry.keyEpoch || entry.floor || !isZero(entry.prev)) {
    throw new Invalid("a genesis has seq, epoch, floor and prev zero");
  }
  if (body[64] !== SUITE || body[65] !== entry.flags || body[66] || body[67]) {
    throw new Invalid("the genesis names a suite or flags that are refused");
  }
  if (!equal(await chainIdOf(body), entry.chainId)) throw new Invalid("the chain id is not that of its genesis");
}

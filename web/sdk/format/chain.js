/**
 * The rule by which a reader accepts entries: values in, values out. See docs/format.md, 6, "A reader accepts".
 *
 * @import { Bytes } from "./bytes.js"
 *
 * @typedef {object} ChainState what must be known of a chain to judge its next entry
 * @property {Bytes} chainId
 * @property {PublicKey} publicKey
 * @property {Bytes} readCommitment
 * @property {number} flags
 * @property {number} seq
 * @property {Bytes} hash
 * @property {number} floor
 * @property {number} keyEpoch
 * @property {boolean} isClosed
 */

import { equal } from "./bytes.js";
import { PublicKey } from "./crypto.js";
import { Entry, KIND } from "./entry.js";
import { CairnError, Tampered } from "../errors.js";

/**
 * Parses entries that a server gave.
 *
 * @param {Bytes[]} raws
 * @returns {Promise<Entry[]>}
 * @throws {Tampered} no writer's program makes such an entry
 */
export async function decodeEntries(raws) {
  try {
    return await Promise.all(raws.map((raw) => Entry.decode(raw)));
  } catch (error) {
    throw error instanceof CairnError ? new Tampered(`an entry is malformed: ${error.message}`) : error;
  }
}

/**
 * The state of a chain that has only its genesis.
 *
 * @param {Bytes} chainId which the genesis must prove
 * @param {Entry} genesis
 * @returns {Promise<ChainState>}
 * @throws {Tampered}
 */
export async function begin(chainId, genesis) {
  if (genesis.kind !== KIND.GENESIS || !equal(genesis.chainId, chainId)) {
    throw new Tampered("the first entry is not the genesis of this chain");
  }
  const publicKey = await keyIn(genesis);
  if (!(await genesis.isSignedBy(publicKey))) throw new Tampered("the genesis is not signed by the chain's key");
  return {
    chainId,
    publicKey,
    readCommitment: genesis.body.slice(32, 64),
    flags: genesis.flags,
    seq: 0,
    hash: genesis.hash,
    floor: 0,
    keyEpoch: 0,
    isClosed: false,
  };
}

/** @param {Entry} genesis */
async function keyIn(genesis) {
  try {
    return await PublicKey.of(genesis.body.slice(0, 32));
  } catch {
    throw new Tampered("the genesis holds a key that is refused");
  }
}

/**
 * The state after `entry`, if it may follow `state`. Its signature is for `verifySignatures`, which is dear.
 *
 * @param {ChainState} state
 * @param {Entry} entry
 * @returns {ChainState}
 * @throws {Tampered}
 */
export function follow(state, entry) {
  checkChain(state, entry);
  if (state.isClosed) throw new Tampered("an entry follows the end of the chain");
  if (entry.seq !== state.seq + 1) throw new Tampered("entries are missing, repeated or out of order");
  if (!equal(entry.prev, state.hash)) throw new Tampered("an entry does not name the one before it");
  const floorMayRise = entry.kind === KIND.CHECKPOINT || entry.kind === KIND.CLOSE;
  if (entry.floor < state.floor || (entry.floor > state.floor && !floorMayRise)) {
    throw new Tampered("the floor moves as no writer may move it");
  }
  if (entry.keyEpoch !== state.keyEpoch + (entry.kind === KIND.ROTATE ? 1 : 0)) {
    throw new Tampered("the key epoch moves as no writer may move it");
  }
  return after(state, entry);
}

/** @param {Entry} entry @returns {boolean} a reader may begin with it */
export function isStart(entry) {
  return entry.kind === KIND.CHECKPOINT || entry.kind === KIND.CLOSE;
}

/**
 * The state at a start, without the entries before it: these must lie below the floor that it sets, or it be the end.
 *
 * @param {ChainState} state
 * @param {Entry} entry
 * @returns {ChainState}
 * @throws {Tampered}
 */
export function jump(state, entry) {
  checkChain(state, entry);
  if (state.isClosed) throw new Tampered("an entry follows the end of the chain");
  if (!isStart(entry)) throw new Tampered("entries are missing, and no checkpoint stands for them");
  if (entry.kind !== KIND.CLOSE && entry.floor <= state.seq) {
    throw new Tampered("entries are missing that the writer did not give up");
  }
  if (entry.floor < state.floor || entry.keyEpoch < state.keyEpoch || entry.seq <= state.seq) {
    throw new Tampered("a checkpoint goes back");
  }
  return after(state, entry);
}

/**
 * Checks the signatures of entries that otherwise fit.
 *
 * @param {PublicKey} publicKey
 * @param {Entry[]} entries
 * @throws {Tampered} one is not the writer's
 */
export async function verifySignatures(publicKey, entries) {
  const results = await Promise.all(entries.map((entry) => entry.isSignedBy(publicKey)));
  if (!results.every(Boolean)) throw new Tampered("an entry is not signed by the chain's key");
}

/** @param {ChainState} state @param {Entry} entry */
function checkChain(state, entry) {
  if (!equal(entry.chainId, state.chainId) || entry.flags !== state.flags || entry.kind === KIND.GENESIS) {
    throw new Tampered("an entry of another chain is among these");
  }
}

/** @param {ChainState} state @param {Entry} entry @returns {ChainState} */
function after(state, entry) {
  const { seq, hash, floor, keyEpoch } = entry;
  return { ...state, seq, hash, floor, keyEpoch, isClosed: entry.kind === KIND.CLOSE };
}

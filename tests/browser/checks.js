/**
 * The SDK against known answers, and against every one-byte change of them. Runs in Node and in a browser alike.
 *
 * @import { Bytes } from "../../web/sdk/format/bytes.js"
 * @import { ReadCapability, WriteCapability, VerifyCapability, BlockCapability } from "../../web/sdk/format/capability.js"
 */

import { stretched } from "../../web/sdk/account/argon2.js";
import { MANIFEST_MAGIC, openBlock, sealBlock } from "../../web/sdk/format/block.js";
import { concat, fromBase64url, fromHex, readU64, textOf, toBase64url, toHex, utf8 } from "../../web/sdk/format/bytes.js";
import {
  formatBlock,
  formatRead,
  formatVerify,
  parseCapability,
  readCommitment,
  readFromWrite,
  readKeyOf,
} from "../../web/sdk/format/capability.js";
import { formatWrite } from "../../web/sdk/format/write_capability.js";
import { decodeManifest, encodeManifest } from "../../web/sdk/format/manifest.js";
import { begin, decodeEntries, follow, verifySignatures } from "../../web/sdk/format/chain.js";
import { PublicKey, checkSupport, domain, hkdf, publicKeyOf } from "../../web/sdk/format/crypto.js";
import { accountOf, doorOf, doorSalt, normalPassword } from "../../web/sdk/format/door.js";
import { encodePayload } from "../../web/sdk/format/encoding.js";
import { Entry, KIND } from "../../web/sdk/format/entry.js";
import { EphemeralReader } from "../../web/sdk/format/ephemeral.js";
import { sealMessage } from "../../web/sdk/format/inbox.js";
import { ChainKeys } from "../../web/sdk/format/keys.js";
import { Reference } from "../../web/sdk/format/reference.js";
import { sealEphemeral } from "../../web/sdk/format/saying.js";
import { CairnError, CannotOpen, Invalid, Tampered, TooLarge, WrongCapability } from "../../web/sdk/errors.js";
import { Keyring } from "../../web/sdk/chains/keyring.js";
import { decodePayload, openPayload } from "../../web/sdk/format/payload.js";
import { openSeal, padme, unpad } from "../../web/sdk/format/seal.js";

/** @typedef {{ vectors: Record<string, string>, padme: [number, number][] }} Known */

/** @param {unknown} actual @param {unknown} expected @param {string} what */
function same(actual, expected, what) {
  if (actual !== expected) throw new Error(`${what}: ${String(actual)} is not ${String(expected)}`);
}

/** @param {() => unknown} attempt @param {...(new (...words: any[]) => Error)} kinds */
async function refused(attempt, ...kinds) {
  try {
    await attempt();
  } catch (error) {
    if (kinds.some((kind) => error instanceof kind)) return;
    throw new Error(`refused in another way: ${String(error)}`);
  }
  throw new Error("accepted");
}

/** @param {Bytes} bytes @param {number} index @param {number} bit @returns {Bytes} */
function flipped(bytes, index, bit = 1) {
  const changed = bytes.slice();
  changed[index] = /** @type {number} */ (changed[index]) ^ bit;
  return changed;
}

/** @param {Record<string, string>} vectors @param {string} name */
const bytesOf = (vectors, name) => fromHex(/** @type {string} */ (vectors[name]));

/** @param {Record<string, string>} vectors @param {string[]} names */
const entriesOf = (vectors, ...names) => decodeEntries(names.map((name) => bytesOf(vectors, name)));

/** Verifies the whole chain of the vectors. @param {Record<string, string>} v @param {Bytes[]} raws */
async function verified(v, raws) {
  const [genesis, ...others] = await decodeEntries(raws);
  let state = await begin(bytesOf(v, "chain_id"), /** @type {Entry} */ (genesis));
  for (const entry of others) state = follow(state, entry);
  await verifySignatures(state.publicKey, others);
  return state;
}

/** @type {Record<string, (known: Known) => Promise<void>>} */
const CHECKS = {
  async "what is needed is here"() {
    await checkSupport();
  },

  async "texts of bytes"() {
    same(toHex(fromHex("00ff10")), "00ff10", "hex");
    for (const hex of ["0", "0g", "AB", " 00"]) await refused(() => fromHex(hex), Invalid);
    for (let n = 0; n < 50; n++) {
      const bytes = crypto.getRandomValues(new Uint8Array(n));
      same(toHex(fromBase64url(toBase64url(bytes))), toHex(bytes), "base64url");
    }
    for (const text of ["A", "AB==", "AB", "A+8", "=", "\u00e9"]) await refused(() => fromBase64url(text), Invalid);
    await refused(() => textOf(Uint8Array.of(0xc0, 0x80)), Invalid);
    same(textOf(Uint8Array.of(0xef, 0xbb, 0xbf)), "\ufeff", "a byte order mark is text");
    await refused(() => readU64(fromHex("0020000000000000"), 0), Invalid);
    same(readU64(fromHex("001fffffffffffff"), 0), 2 ** 53 - 1, "the largest seq");
  },

  async "keys derive"({ vectors: v }) {
    const ws = bytesOf(v, "ws");
    same(toHex(await hkdf(ws, domain("sign"))), v.sign_seed, "sign seed");
    same(toHex(await publicKeyOf(bytesOf(v, "sign_seed"))), v.pk, "public key");
    same(toHex(await readKeyOf(ws, 0)), v.rk0, "rk[0]");
    same(toHex(await readKeyOf(ws, 1)), v.rk1, "rk[1]");
    same(toHex(await readCommitment(bytesOf(v, "rk0"))), toHex(bytesOf(v, "genesis").slice(128, 160)), "rkc");
  },

  async "capabilities parse, weaken and format"({ vectors: v }) {
    const write = /** @type {WriteCapability} */ (await parseCapability(v.cap_w ?? ""));
    same(toHex(write.writeSecret), v.ws, "write secret");
    const read = await readFromWrite(write);
    same(await formatRead(read), v.cap_r, "read capability");
    same(await formatVerify({ type: "verify", chainId: read.chainId }), v.cap_v, "verify capability");
    const parsed = /** @type {ReadCapability} */ (await parseCapability(v.cap_r ?? ""));
    same(toHex(parsed.readKey), v.rk0, "read key");
    same(parsed.keyEpoch, 0, "key epoch");
    same(toHex(/** @type {VerifyCapability} */ (await parseCapability(v.cap_v ?? "")).chainId), v.chain_id, "chain id");
    for (const name of ["cap_b", "cap_b_manifest"]) {
      const block = /** @type {BlockCapability} */ (await parseCapability(v[name] ?? ""));
      same(await formatBlock(block), v[name], name);
    }
  },

  async "no altered capability parses"({ vectors: v }) {
    for (const name of ["cap_w", "cap_r", "cap_v", "cap_b"]) {
      const text = v[name] ?? "";
      for (let i = 0; i < text.length; i++) {
        const other = text[i] === "A" ? "B" : "A";
        await refused(() => parseCapability(text.slice(0, i) + other + text.slice(i + 1)), WrongCapability);
        await refused(() => parseCapability(text.slice(0, i)), WrongCapability);
      }
      for (const more of ["A", "AAAA", "=", " "]) await refused(() => parseCapability(text + more), WrongCapability);
    }
    for (const text of ["", "crn1r_", "crn1x_AAAA", "crn2r_AAAA"]) {
      await refused(() => parseCapability(text), WrongCapability);
    }
  },

  async "an ephemeral message opens once"({ vectors: v }) {
    const chain = await verified(v, ["genesis", "e1", "e2"].map((name) => bytesOf(v, name)));
    const raw = bytesOf(v, "ephemeral");
    const now = readU64(raw, 40);
    const keyring = await Keyring.of(/** @type {WriteCapability} */ (await parseCapability(v.cap_w ?? "")));
    const reader = new EphemeralReader(keyring, () => now);
    for (let i = 0; i < raw.length; i++) await refused(() => reader.open(chain, flipped(raw, i)), Invalid, CannotOpen);
    for (const size of [0, 50, 321, raw.length - 1]) await refused(() => reader.open(chain, raw.slice(0, size)), Invalid);
    await refused(() => new EphemeralReader(keyring, () => now + 60_001).open(chain, raw), Invalid);
    await refused(() => reader.open({ ...chain, keyEpoch: 0 }, raw), Invalid);
    same(textOf(await reader.open(chain, raw)), "cursor", "data");
    await refused(() => reader.open(chain, raw), Invalid);
  },

  async "the chain verifies and opens"({ vectors: v }) {
    const state = await verified(v, ["genesis", "e1", "e2", "e3"].map((name) => bytesOf(v, name)));
    same(toHex(state.hash), v.tip, "tip");
    same(`${state.seq} ${state.floor} ${state.keyEpoch} ${state.isClosed}`, "3 3 1 true", "state");
    const [first, rotation, end] = /** @type {[Entry, Entry, Entry]} */ (await entriesOf(v, "e1", "e2", "e3"));
    const box = await openSeal(bytesOf(v, "rk0"), first.header, first.body);
    same(textOf(unpad(box)), "hello chain", "what the first entry holds");
    same(toHex(unpad(await openSeal(bytesOf(v, "rk1"), rotation.header, rotation.body))), v.rk0, "the key handed on");
    same((await openPayload(end, bytesOf(v, "rk1"))).content, null, "the close is empty");
    await refused(() => openSeal(bytesOf(v, "rk1"), first.header, first.body), CannotOpen);
  },

  async "the entry with a payload opens"({ vectors: v }) {
    const [entry] = /** @type {[Entry]} */ (await entriesOf(v, "e1_payload"));
    const { references, content } = await openPayload(entry, bytesOf(v, "rk0"));
    same(JSON.stringify(content), '{"type":"json","value":{"a":1}}', "content");
    same(toHex(/** @type {any} */ (references[0]).blockId), v.block_id, "reference");
    same(references.length, 1, "references");
  },

  async "every byte of an entry is covered"({ vectors: v }) {
    const raws = ["genesis", "e1", "e2", "e3"].map((name) => bytesOf(v, name));
    for (const [place, raw] of raws.entries()) {
      for (let i = 0; i < raw.length; i++) {
        await refused(() => verified(v, [...raws.slice(0, place), flipped(raw, i), ...raws.slice(place + 1)]), Tampered);
      }
    }
  },

  async "no cut or longer entry is read"({ vectors: v }) {
    for (const name of ["genesis", "e1", "e2", "e3"]) {
      const raw = bytesOf(v, name);
      for (let n = 0; n < raw.length; n += 7) await refused(() => Entry.decode(raw.slice(0, n)), Invalid);
      await refused(() => Entry.decode(concat(raw, Uint8Array.of(0))), Invalid);
    }
  },

  async "entries in another order, or left out, are refused"({ vectors: v }) {
    const [g, a, b, c] = /** @type {[Bytes, Bytes, Bytes, Bytes]} */ (
      ["genesis", "e1", "e2", "e3"].map((name) => bytesOf(v, name))
    );
    for (const raws of [[g, b, a, c], [g, b, c], [g, a, c], [a, b, c], [g, a, a], [g, g], [g, a, b, c, c]]) {
      await refused(() => verified(v, raws), Tampered);
    }
  },

  async "a sealed box opens only whole"({ vectors: v }) {
    const [entry] = /** @type {[Entry]} */ (await entriesOf(v, "e1_payload"));
    const key = bytesOf(v, "rk0");
    for (let i = 0; i < entry.body.length; i++) {
      await refused(() => openSeal(key, entry.header, flipped(entry.body.slice(), i)), CannotOpen);
    }
    for (let i = 0; i < entry.header.length; i++) {
      await refused(() => openSeal(key, flipped(entry.header.slice(), i), entry.body), CannotOpen);
    }
    for (const n of [0, 79, 80, entry.body.length - 1]) {
      await refused(() => openSeal(key, entry.header, entry.body.slice(0, n)), CannotOpen);
    }
  },

  async "padding has one form"({ padme: table }) {
    for (const [size, padded] of table) same(padme(size), padded, `padme(${size})`);
    const padded = new Uint8Array(128);
    padded[3] = 5;
    same(unpad(padded).length, 5, "unpadded");
    await refused(() => unpad(flipped(padded, 100)), Invalid);
    await refused(() => unpad(flipped(padded, 3, 128)), Invalid);
    await refused(() => unpad(flipped(padded, 0, 255)), Invalid);
    for (const n of [0, 3, 127]) await refused(() => unpad(padded.slice(0, n)), Invalid);
    await refused(() => unpad(concat(padded, Uint8Array.of(0))), Invalid);
  },

  async "payloads have bounds"({ vectors: v }) {
    const bytes = bytesOf(v, "payload");
    for (let n = 0; n < bytes.length; n++) await refused(() => decodePayload(bytes.slice(0, n)), Invalid);
    for (const code of [4, 15]) await refused(() => decodePayload(Uint8Array.of(1, code, 0, 0)), Invalid);
    for (const version of [0, 2]) await refused(() => decodePayload(Uint8Array.of(version, 0, 0, 0)), Invalid);
    await refused(() => decodePayload(Uint8Array.of(1, 1, 0, 0, 0xff)), Invalid);
    await refused(() => decodePayload(Uint8Array.of(1, 2, 0, 0, 0x7b)), Invalid);
    same(decodePayload(Uint8Array.of(1, 16, 0, 0)).content?.type, "application", "type");
  },

  async "signatures obey the rule"({ vectors: v }) {
    const key = await PublicKey.of(bytesOf(v, "pk"));
    const genesis = bytesOf(v, "genesis");
    const message = concat(domain("entry"), genesis.slice(0, -64));
    const signature = genesis.slice(-64);
    same(await key.verifies(message, signature), true, "as signed");
    same(await key.verifies(message, plusGroupOrder(signature)), false, "the scalar is not reduced");
    same(await key.verifies(message, signature.slice(0, 63)), false, "it is cut");
    for (const point of SMALL_ORDER) {
      await refused(() => PublicKey.of(fromHex(point)), Invalid);
      same(await key.verifies(message, concat(fromHex(point), new Uint8Array(32))), false, "a small-order R");
    }
  },

  async "blocks open only whole"({ vectors: v }) {
    const { reference } = /** @type {BlockCapability} */ (await parseCapability(v.cap_b ?? ""));
    const stored = bytesOf(v, "block");
    same((await openBlock(stored, reference)).isManifest, false, "kind");
    for (let i = 0; i < stored.length; i++) await refused(() => openBlock(flipped(stored, i), reference), Tampered);
    await refused(() => openBlock(stored.slice(0, -1), reference), Tampered);
    const otherKey = { ...reference, key: flipped(reference.key, 0) };
    await refused(() => openBlock(stored, /** @type {any} */ (otherKey)), CannotOpen);
  },

  async "manifests are exact"({ vectors: v }) {
    const { reference } = /** @type {BlockCapability} */ (await parseCapability(v.cap_b_manifest ?? ""));
    const { isManifest, data } = await openBlock(bytesOf(v, "manifest_block"), reference);
    same(isManifest, true, "kind");
    same(toHex(data), v.manifest, "data");
    const { total, chunkBytes, references } = decodeManifest(data, 2 ** 25);
    same(`${total} ${chunkBytes} ${references.length}`, "5000 4096 2", "manifest");
    await refused(() => decodeManifest(data, 4999), TooLarge);
    for (let i = 0; i < 20; i++) {
      if (i === 11 || i === 15) continue; // another size within the last chunk, and another chunk size: both consistent
      await refused(() => decodeManifest(flipped(data, i, 128), 2 ** 25), Invalid, TooLarge);
    }
    for (let n = 0; n < data.length; n++) await refused(() => decodeManifest(data.slice(0, n), 2 ** 25), Invalid);
    await refused(() => decodeManifest(concat(data, new Uint8Array(68)), 2 ** 25), Invalid);
  },

  async "a keyring walks back, and only with the right key"({ vectors: v }) {
    const chainId = bytesOf(v, "chain_id");
    const rotations = await entriesOf(v, "e2");
    const commitment = bytesOf(v, "genesis").slice(128, 160);
    const ring = await Keyring.of({ type: "read", chainId, keyEpoch: 1, readKey: bytesOf(v, "rk1") });
    await ring.walkBack(rotations, commitment);
    same(await ring.keyOf(0), undefined, "this rotation's payload is raw bytes: it hands on nothing");
    const write = await Keyring.of(await parsedWrite(v));
    same(toHex((await write.keyOf(1)) ?? new Uint8Array()), v.rk1, "a writer derives every key");
    const other = await Keyring.of({ type: "read", chainId, keyEpoch: 0, readKey: bytesOf(v, "rk1") });
    await refused(() => other.checkFirstKey(commitment), WrongCapability);
    const right = await Keyring.of({ type: "read", chainId, keyEpoch: 0, readKey: bytesOf(v, "rk0") });
    await right.checkFirstKey(commitment);
  },
};

/** What is made, byte for byte, as the vectors have it: the write side. @type {Record<string, (known: Known) => Promise<void>>} */
const MAKING = {
  async "entries are made as known"({ vectors: v }) {
    const keys = await ChainKeys.of(await parsedWrite(v));
    same(toHex(keys.chainId), v.chain_id, "chain id");
    same(toHex(await keys.pin(bytesOf(v, "block_id"))), v.pin, "pin");
    const genesis = await keys.genesis();
    same(toHex(genesis.raw), v.genesis, "genesis");
    let state = await begin(keys.chainId, genesis);
    const payloads = [utf8("hello chain"), bytesOf(v, "rk0"), new Uint8Array()];
    for (const [index, kind] of [KIND.LINK, KIND.ROTATE, KIND.CLOSE].entries()) {
      const floor = kind === KIND.CLOSE ? 3 : 0;
      const salt = new Uint8Array(32).fill(0x33 + 0x11 * index);
      const entry = await keys.follow(state, kind, /** @type {Bytes} */ (payloads[index]), { floor, salt });
      same(toHex(entry.raw), v[`e${index + 1}`], `entry ${index + 1}`);
      state = follow(state, entry);
    }
    const [first] = await entriesOf(v, "e1_payload");
    const reference = new Reference(bytesOf(v, "block_id"), bytesOf(v, "block_key"), 212);
    const payload = encodePayload({ a: 1 }, [reference]);
    same(toHex(payload), v.payload, "payload");
    const begun = await begin(keys.chainId, genesis);
    const made = await keys.follow(begun, KIND.LINK, payload, { salt: new Uint8Array(32).fill(0x35) });
    same(toHex(made.raw), toHex(/** @type {Entry} */ (first).raw), "an entry with a payload");
  },

  async "blocks and manifests are made as known"({ vectors: v }) {
    const made = await sealBlock(utf8("hello block"), { key: bytesOf(v, "block_key"), salt: new Uint8Array(32).fill(0x22) });
    same(`${toHex(made.stored)} ${toHex(made.reference.blockId)}`, `${v.block} ${v.block_id}`, "block");
    same(await formatBlock({ type: "block", reference: made.reference }), v.cap_b, "capability");
    const manifest = decodeManifest(bytesOf(v, "manifest"), 2 ** 25);
    same(toHex(encodeManifest(manifest)), v.manifest, "manifest");
    const fill = (/** @type {number} */ byte) => new Uint8Array(32).fill(byte);
    const sealed = await sealBlock(bytesOf(v, "manifest"), { head: MANIFEST_MAGIC, key: fill(0x7b), salt: fill(0x7c) });
    same(toHex(sealed.stored), v.manifest_block, "the manifest's block");
  },

  async "capabilities are made as known"({ vectors: v }) {
    same(await formatWrite(await parsedWrite(v)), v.cap_w, "write");
    const keys = await ChainKeys.of(await parsedWrite(v));
    same(await formatRead(await keys.toRead(0)), v.cap_r, "read");
  },

  async "a door and its account are made as known"({ vectors: v }) {
    const salt = await doorSalt("example.org", " Alice");
    const password = normalPassword("correct horse battery staple");
    const door = await doorOf(await stretched(password, salt));
    same(toHex(door.writeSecret), v.door_ws, "write secret");
    same(toHex((await ChainKeys.of(door)).chainId), v.door_chain, "door");
    const account = await accountOf(bytesOf(v, "root"));
    same(toHex(account.writeSecret), v.account_ws, "account");
    same(toHex((await ChainKeys.of(account)).chainId), v.account_chain, "account chain");
  },

  async "messages are made as known"({ vectors: v }) {
    const keys = await ChainKeys.of(await parsedWrite(v));
    const salt = new Uint8Array(32).fill(0x41);
    same(toHex(await sealEphemeral(keys, 1, utf8("cursor"), 1_700_000_000_000, salt)), v.ephemeral, "ephemeral");
    same(toHex(await keys.inboxKey()), v.inbox_pk, "inbox key");
    const seed = new Uint8Array(32).fill(0x42);
    const options = { seed, salt: new Uint8Array(32).fill(0x43) };
    const message = await sealMessage(bytesOf(v, "inbox_pk"), utf8("hello inbox"), options);
    same(toHex(message), v.inbox_message, "inbox message");
    same(textOf(await keys.openMessage(message)), "hello inbox", "opened");
    for (let i = 0; i < message.length; i++) await refused(() => keys.openMessage(flipped(message, i)), CannotOpen);
    await refused(() => keys.openMessage(message.slice(0, 111)), Invalid);
    await refused(() => sealMessage(new Uint8Array(32), utf8("x")), CannotOpen);
  },
};

/** @param {Record<string, string>} v */
async function parsedWrite(v) {
  return /** @type {WriteCapability} */ (await parseCapability(v.cap_w ?? ""));
}

const SMALL_ORDER = [
  "0000000000000000000000000000000000000000000000000000000000000000",
  "0000000000000000000000000000000000000000000000000000000000000080",
  "0100000000000000000000000000000000000000000000000000000000000000",
  "0100000000000000000000000000000000000000000000000000000000000080",
  "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
  "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff",
  "edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
  "eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
  "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05",
  "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc85",
  "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a",
  "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac03fa",
];

/** The same signature with S + L in place of S: the same to a careless verifier. @param {Bytes} signature */
function plusGroupOrder(signature) {
  const order = 2n ** 252n + 27742317777372353535851937790883648493n;
  const scalar = BigInt(`0x${toHex(signature.slice(32).reverse())}`) + order;
  return concat(signature.slice(0, 32), fromHex(scalar.toString(16).padStart(64, "0")).reverse());
}

/** @param {Known} known @returns {Promise<Record<string, string>>} "ok", or what was wrong, by check */
export async function runChecks(known) {
  /** @type {Record<string, string>} */
  const results = {};
  for (const [name, check] of Object.entries({ ...CHECKS, ...MAKING })) {
    try {
      await check(known);
      results[name] = "ok";
    } catch (error) {
      results[name] = error instanceof CairnError ? `${error.code}: ${error.message}` : String(error);
    }
  }
  return results;
}

/**
 * Files in a log: an entry names a file, and refers to its object. The command line keeps files in the same way.
 *
 * An entry's value is `{"name": "photos/a.jpg", "bytes": 123, "type": "image/jpeg", "modified_ms": 1700000000000}`, and
 * whatever the application adds.
 *
 * @import { Browser } from "../browser.js"
 * @import { LogEntry } from "../chains/log_entry.js"
 * @import { ChainKeys } from "../format/keys.js"
 * @import { Reference } from "../format/reference.js"
 *
 * @typedef {object} PutOptions
 * @property {string} [name] the file's own, if not given
 * @property {Record<string, unknown>} [about] more to be written into the entry
 * @property {(done: number, total: number) => void} [onProgress] in bytes
 * @property {AbortSignal} [signal]
 * @typedef {object} GetOptions
 * @property {number} [bytesMax] 4 GiB, if not given
 * @property {(done: number, total: number) => void} [onProgress] in bytes
 * @property {AbortSignal} [signal]
 */

import { NotFound } from "../errors.js";
import { equal, toHex, utf8 } from "../format/bytes.js";
import { sha256 } from "../format/crypto.js";
import { CHUNK_BYTES, decodeManifest } from "../format/manifest.js";
import { Blocks } from "../remote/blocks.js";
import { Journal } from "../state/journal.js";
import { openObject, readBlock } from "./download.js";
import { putObject } from "./upload.js";

const GET_BYTES_MAX = 2 ** 32;

/** @type {WeakMap<Browser, Blocks>} */
const blocksOf = new WeakMap();

/** @param {Browser} browser @returns {Blocks} one for all, so that small files of the same moment go together */
function blocksFor(browser) {
  const blocks = blocksOf.get(browser) ?? new Blocks(browser.server);
  blocksOf.set(browser, blocks);
  return blocks;
}

/**
 * Puts a file's bytes, and gives what an entry says of it. An earlier try that was broken off is gone on with.
 *
 * @param {Browser} browser
 * @param {ChainKeys} keys of the log that it is for
 * @param {Blob} blob
 * @param {PutOptions} options
 * @returns {Promise<{ value: Record<string, unknown>, reference: Reference }>}
 */
export async function putFile(browser, keys, blob, { name, about = {}, onProgress, signal }) {
  const { name: ownName = "", lastModified = Date.now() } = /** @type {Partial<File>} */ (blob);
  const named = name ?? (ownName || "file");
  const { database, device } = await browser.storage();
  const identity = [browser.server.base, toHex(keys.chainId), ownName, blob.size, lastModified, CHUNK_BYTES];
  const journal = new Journal(database, device, toHex(await sha256(utf8(JSON.stringify(identity)))));
  const pinOf = keys.pin.bind(keys);
  const reference = await putObject(blocksFor(browser), blob, { pinOf, journal, onProgress, signal });
  const type = blob.type || "application/octet-stream";
  return { value: { ...about, name: named, bytes: blob.size, type, modified_ms: lastModified }, reference };
}

/**
 * A whole file. The browser may keep its bytes on disk.
 *
 * @param {Browser} browser
 * @param {LogEntry} entry
 * @param {GetOptions} options
 * @returns {Promise<File>}
 */
export async function getFile(browser, entry, { bytesMax = GET_BYTES_MAX, onProgress = () => {}, signal }) {
  const object = await openObject(browser.server, referenceIn(entry), { bytesMax, signal });
  const parts = [];
  let done = 0;
  for await (const part of object.parts()) {
    parts.push(new Blob([part]));
    done += part.length;
    onProgress(done, object.total);
  }
  const { name = "file", type = "", modified_ms: lastModified } = entry.value ?? {};
  return new File(parts, String(name), { type: String(type), lastModified: Number(lastModified) || undefined });
}

/**
 * A file's bytes, or some of them, as they come.
 *
 * @param {Browser} browser
 * @param {LogEntry} entry
 * @param {{ start?: number, stop?: number, signal?: AbortSignal }} options the bytes with start <= offset < stop
 * @returns {Promise<ReadableStream<Uint8Array<ArrayBuffer>>>}
 */
export async function streamFile(browser, entry, { start, stop, signal }) {
  const object = await openObject(browser.server, referenceIn(entry), { signal });
  const parts = object.parts(start, stop);
  return new ReadableStream({
    async pull(controller) {
      const { done, value } = await parts.next();
      if (done) controller.close();
      else controller.enqueue(value);
    },
    async cancel() {
      await parts.return();
    },
  });
}

/**
 * Lets go of the blocks of a file, unless another entry refers to the same. What else pins a block keeps it.
 *
 * @param {Browser} browser
 * @param {ChainKeys} keys
 * @param {LogEntry} entry
 * @param {LogEntry[]} others
 */
export async function removeFile(browser, keys, entry, others) {
  const { blockId } = referenceIn(entry);
  if (others.some(({ references }) => references.some((other) => equal(other.blockId, blockId)))) return;
  const blocks = blocksFor(browser);
  for await (const one of blocksIn(browser, referenceIn(entry))) await blocks.remove(one, await keys.pin(one));
}

/**
 * Every block of an object, chunks before the manifests that name them, so that a removal can be begun again.
 *
 * @param {Browser} browser
 * @param {Reference} reference
 * @returns {AsyncGenerator<Uint8Array<ArrayBuffer>, void, void>}
 */
async function* blocksIn(browser, reference) {
  const block = await readBlock(browser.server, reference).catch((error) => {
    if (error instanceof NotFound) return null; // gone already
    throw error;
  });
  if (block?.isManifest) {
    const { references, isUpper } = decodeManifest(block.data, Number.MAX_SAFE_INTEGER);
    for (const lower of references) {
      if (isUpper) yield* blocksIn(browser, lower);
      else yield lower.blockId;
    }
  }
  yield reference.blockId;
}

/** @param {LogEntry} entry @returns {Reference} */
function referenceIn({ references: [reference] }) {
  if (!reference) throw new NotFound("this entry has no file");
  return reference;
}

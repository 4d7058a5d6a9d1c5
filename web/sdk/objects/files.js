/**
 * Files in a log: an entry names a file, and refers to its object. The command line keeps files in the same way.
 *
 * An entry's value is `{"name": "photos/a.jpg", "bytes": 123, "type": "image/jpeg", "modified_ms": 1700000000000}`, and
 * whatever the application adds. With a preview, which is an object of its own that the entry refers to next, its media type
 * is there, too, as `"preview"`.
 *
 * @import { Browser } from "../browser.js"
 * @import { LogEntry } from "../chains/log_entry.js"
 * @import { ChainKeys } from "../format/keys.js"
 * @import { Reference } from "../format/reference.js"
 *
 * @typedef {object} PutOptions
 * @property {string} [name] the file's own, if not given
 * @property {Record<string, unknown>} [about] more to be written into the entry
 * @property {Blob} [preview] such as a small picture of it, which goes and comes with it
 * @property {(done: number, total: number) => void} [onProgress] in bytes
 * @property {AbortSignal} [signal]
 * @typedef {object} GetOptions
 * @property {boolean} [preview] that in place of the file
 * @property {number} [bytesMax] 4 GiB, if not given
 * @property {(done: number, total: number) => void} [onProgress] in bytes
 * @property {AbortSignal} [signal]
 * @typedef {{ reference: Reference, name: string, type: string }} FileInEntry
 */

import { NotFound } from "../errors.js";
import { toHex, utf8 } from "../format/bytes.js";
import { sha256 } from "../format/crypto.js";
import { CHUNK_BYTES, decodeManifest } from "../format/manifest.js";
import { Blocks } from "../remote/blocks.js";
import { Journal } from "../state/journal.js";
import { openObject, readBlock } from "./download.js";
import { eachAtOnce, putObject } from "./upload.js";

const GET_BYTES_MAX = 2 ** 32;
const REMOVALS = 4;

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
 * @returns {Promise<{ value: Record<string, unknown>, references: Reference[] }>}
 */
export async function putFile(browser, keys, blob, { name, about = {}, preview, onProgress, signal }) {
  const { name: ownName = "", lastModified = Date.now() } = /** @type {Partial<File>} */ (blob);
  const blocks = blocksFor(browser);
  const pinOf = keys.pin.bind(keys);
  const journal = await journalOf(browser, keys, blob);
  const reference = await journal.alone(() => putObject(blocks, blob, { pinOf, journal, onProgress, signal }));
  const references = preview ? [reference, await putObject(blocks, preview, { pinOf, signal })] : [reference];
  const type = blob.type || "application/octet-stream";
  const value = { ...about, name: name ?? (ownName || "file"), bytes: blob.size, type, modified_ms: lastModified };
  return { value: preview ? { ...value, preview: preview.type } : value, references };
}

/**
 * Lets go of what an upload that was broken off has put.
 *
 * @param {Browser} browser
 * @param {ChainKeys} keys
 * @param {Blob} blob
 */
async function removeUpload(browser, keys, blob) {
  const journal = await journalOf(browser, keys, blob);
  const blocks = blocksFor(browser);
  await journal.alone(async () => {
    const known = [...(await journal.known()).values()];
    await eachAtOnce(known.length, REMOVALS, async (index) => {
      const { blockId } = /** @type {Reference} */ (known[index]);
      await blocks.remove(blockId, await keys.pin(blockId));
    });
    await journal.remove();
  });
}

/** The upload of one file to one log, in whichever tab. @param {Browser} browser @param {ChainKeys} keys @param {Blob} blob */
async function journalOf(browser, keys, blob) {
  const { database, device } = await browser.storage();
  const { name = "", lastModified = 0 } = /** @type {Partial<File>} */ (blob);
  const identity = [browser.server.base, toHex(keys.chainId), name, blob.size, lastModified, CHUNK_BYTES];
  return new Journal(database, device, toHex(await sha256(utf8(JSON.stringify(identity)))));
}

/**
 * A whole file. The browser may keep its bytes on disk.
 *
 * @param {Browser} browser
 * @param {LogEntry} entry
 * @param {GetOptions} options
 * @returns {Promise<File>}
 */
export async function getFile(browser, entry, { preview, bytesMax = GET_BYTES_MAX, onProgress = () => {}, signal }) {
  const { reference, name, type } = fileIn(entry, { preview });
  const object = await openObject(browser.server, reference, { bytesMax, signal });
  const parts = [];
  let done = 0;
  for await (const part of object.parts(0, object.total, signal)) {
    parts.push(new Blob([part]));
    done += part.length;
    onProgress(done, object.total);
  }
  return new File(parts, name, { type, lastModified: Number(entry.value?.modified_ms) || undefined });
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
  const object = await openObject(browser.server, fileIn(entry).reference, { signal });
  const parts = object.parts(start, stop, signal);
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
 * @param {LogEntry | Blob} entry a blob: of an upload that was broken off
 * @param {LogEntry[]} list all of the log
 */
export async function removeFile(browser, keys, entry, list) {
  if (entry instanceof Blob) return removeUpload(browser, keys, entry);
  fileIn(entry);
  const others = list.filter((other) => other !== entry && other.seq !== entry.seq);
  const kept = new Set(others.flatMap(({ references }) => references.map(({ blockId }) => toHex(blockId))));
  const blocks = blocksFor(browser);
  for (const reference of entry.references.filter(({ blockId }) => !kept.has(toHex(blockId)))) {
    for await (const one of blocksIn(browser, reference)) await blocks.remove(one, await keys.pin(one));
  }
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

/**
 * @param {LogEntry} entry
 * @param {{ preview?: boolean }} [options]
 * @returns {FileInEntry}
 * @throws {NotFound}
 */
export function fileIn({ value, references }, { preview = false } = {}) {
  const reference = references[preview ? 1 : 0];
  if (!reference) throw new NotFound(preview ? "this entry has no preview" : "this entry has no file");
  return { reference, name: String(value?.name ?? "file"), type: String((preview ? value?.preview : value?.type) ?? "") };
}

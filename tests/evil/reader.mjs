// The browser SDK in Node: cases as JSON lines on standard input, what it showed on standard output.
// The first argument is the folder of the SDK. What pages have and Node lacks is as on a page that is alone and online.
import { File } from "node:buffer";
import { webcrypto } from "node:crypto";
import { createInterface } from "node:readline";
import { pathToFileURL } from "node:url";

import { EventSource, WebSocket } from "undici";

import { run } from "./steps.js";

const AT_ONCE = 128;
const PAUSE_MS_MAX = 5_000; // what is longer is a deadline, and stays one
const QUICKER = 20;
const nothing = () => {};

globalThis.crypto ??= webcrypto; // Node 18 has it here only
globalThis.File ??= File; // likewise
delete globalThis.BroadcastChannel; // each case is a browser of its own
Object.assign(globalThis, { addEventListener: nothing, removeEventListener: nothing });
if (!globalThis.navigator) globalThis.navigator = { onLine: true };

globalThis.EventSource = EventSource;

/** A socket that is refused closes, as in browsers; this one tells only of an error. */
globalThis.WebSocket = class extends WebSocket {
  /** @param {string} url */
  constructor(url) {
    super(url);
    this.addEventListener("error", () => queueMicrotask(() => this.dispatchEvent(new Event("close"))), { once: true });
  }
};

const { setTimeout } = globalThis;
globalThis.setTimeout = (then, ms = 0, ...rest) => setTimeout(then, ms > PAUSE_MS_MAX ? ms : ms / QUICKER, ...rest);

const folder = `${pathToFileURL(process.argv[2]).href}/`;
const names = { cairn: "cairn", door: "account/door", bytes: "format/bytes", capability: "format/capability",
  crypto: "format/crypto", keys: "format/keys", doorFormat: "format/door" }; // prettier-ignore
const sdk = {};
for (const [name, path] of Object.entries(names)) sdk[name] = await import(`${folder}${path}.js`);

process.on("unhandledRejection", (error) => console.log(JSON.stringify({ number: -1, unhandled: String(error?.stack) })));

const lines = createInterface({ input: process.stdin })[Symbol.asyncIterator]();
async function work() {
  for (let next = await lines.next(); !next.done; next = await lines.next()) {
    console.log(JSON.stringify(await run(sdk, JSON.parse(next.value))));
  }
}
await Promise.all(Array.from({ length: AT_ONCE }, work));
process.exit(0);

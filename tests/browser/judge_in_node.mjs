// Judges cases: the vectors come as the first line of standard input, then a case a line; a verdict a line goes out.
import { webcrypto } from "node:crypto";
import { createInterface } from "node:readline";
import { judged } from "./judge.js";

globalThis.crypto ??= webcrypto; // Node 18 has it here only

const lines = createInterface({ input: process.stdin })[Symbol.asyncIterator]();
const vectors = JSON.parse((await lines.next()).value);
for await (const line of lines) console.log(await judged(JSON.parse(line), vectors));

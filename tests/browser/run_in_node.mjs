// Runs checks.js and refused.js: what is known comes as JSON on standard input, the results go out as JSON.
import { webcrypto } from "node:crypto";
import { text } from "node:stream/consumers";
import { runChecks } from "./checks.js";
import { runRefused } from "./refused.js";

globalThis.crypto ??= webcrypto; // Node 18 has it here only

const known = JSON.parse(await text(process.stdin));
console.log(JSON.stringify({ ...(await runChecks(known)), ...(await runRefused(known)) }));

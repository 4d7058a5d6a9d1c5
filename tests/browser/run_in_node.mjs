// Runs checks.js: what is known comes as JSON on standard input, the results go out as JSON.
import { text } from "node:stream/consumers";
import { runChecks } from "./checks.js";

console.log(JSON.stringify(await runChecks(JSON.parse(await text(process.stdin)))));

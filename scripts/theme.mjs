// Writes what the console shares with the applications into its styles (web/console/console.css): the part of
// web/apps/base.css between two marks, where it is changed. So each of the two stands alone, and an application that is
// copied takes one file with it. With --check it writes nothing, and says whether they are the same.
import { readFileSync, writeFileSync } from "node:fs";

const [SOURCE, TARGET] = ["web/apps/base.css", "web/console/console.css"];
const SHARED = /^\/\* Shared by the applications and the console[^]*?^\/\* End of what is shared \*\/$/m;

const [source, target] = [SOURCE, TARGET].map((path) => readFileSync(path, "utf-8"));
if (!SHARED.test(source) || !SHARED.test(target)) throw new Error(`${SOURCE} or ${TARGET} has lost its marks`);
const wanted = target.replace(SHARED, () => SHARED.exec(source)[0]);
if (!process.argv.includes("--check")) writeFileSync(TARGET, wanted);
else if (wanted !== target) {
  console.error(`${TARGET} is not current: run make theme`);
  process.exitCode = 1;
}

// Writes what the applications in web/apps take from others: one small module each, made of the packages that
// package-lock.json names, with their licences. With --check it writes nothing, and says what is not as it would write it.
import { existsSync, mkdirSync, readFileSync, readdirSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { gzipSync } from "node:zlib";
import { build } from "esbuild";

const MODULES = {
  "web/apps/editor/vendor/collab.js": `
    export * as Y from "yjs";
    export * as awarenessProtocol from "y-protocols/awareness";
    export { yCollab, yUndoManagerKeymap } from "y-codemirror.next";
    export { Annotation, Compartment, EditorState } from "@codemirror/state";
    export { Decoration, EditorView, ViewPlugin, WidgetType, drawSelection, keymap, placeholder } from "@codemirror/view";
    export { defaultKeymap } from "@codemirror/commands";
    export { HighlightStyle, Language, defineLanguageFacet, syntaxHighlighting } from "@codemirror/language";
    export { tags } from "@lezer/highlight";
    export { parser as markdownParser } from "@lezer/markdown";`,
};

/** @param {string} contents @returns {Promise<{ module: Uint8Array, packages: string[] }>} */
async function bundled(contents) {
  const { outputFiles, metafile } = await build({
    stdin: { contents, resolveDir: process.cwd() },
    bundle: true,
    minify: true,
    format: "esm",
    target: "es2022",
    legalComments: "none",
    metafile: true,
    write: false,
  });
  const names = Object.keys(metafile.inputs).map((path) => /(?:^|\/)node_modules\/((?:@[^/]+\/)?[^/]+)\//.exec(path)?.[1]);
  return { module: outputFiles[0].contents, packages: [...new Set(names.filter(Boolean))].sort() };
}

/** @param {string[]} packages @returns {string} every licence, under the names of those who have it */
function licences(packages) {
  const names = new Map();
  for (const name of packages) {
    const folder = join("node_modules", name);
    const { version, license } = JSON.parse(readFileSync(join(folder, "package.json"), "utf-8"));
    const file = readdirSync(folder).find((other) => /^licen[cs]e/i.test(other));
    const text = file ? readFileSync(join(folder, file), "utf-8").trim() : `${license} License`;
    names.set(text, [...(names.get(text) ?? []), `${name} ${version}`]);
  }
  return [...names].map(([text, owners]) => `${owners.join(", ")}\n\n${text}\n`).join(`\n${"-".repeat(80)}\n\n`);
}

let stale = 0;
for (const [path, contents] of Object.entries(MODULES)) {
  const { module, packages } = await bundled(contents);
  const wanted = { [path]: module, [join(dirname(path), "LICENSE")]: Buffer.from(licences(packages)) };
  for (const [name, bytes] of Object.entries(wanted)) {
    if (existsSync(name) && Buffer.compare(readFileSync(name), bytes) === 0) continue;
    stale++;
    mkdirSync(dirname(name), { recursive: true });
    if (process.argv.includes("--check")) console.error(`${name} is not current: run make vendor`);
    else writeFileSync(name, bytes);
  }
  console.log(`${path}: ${module.length} bytes, ${gzipSync(module, { level: 9 }).length} gzipped, of ${packages.join(", ")}`);
}
if (process.argv.includes("--check") && stale > 0) process.exitCode = 1;

// Writes what the browser SDK is shipped as, from its modules in web/sdk: one small file with what else is loaded on demand
// (web/sdk/cairn.min.js and web/sdk/min), and its types (web/sdk/types). With --check it writes nothing, and says what is
// not as it would write it. Both say how large a page's first load is, and refuse more than `FIRST_BYTES_MAX`.
import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join, relative } from "node:path";
import { gzipSync } from "node:zlib";
import { build } from "esbuild";

const SDK = "web/sdk";
const ENTRY = "cairn.min.js";
const FIRST_BYTES_MAX = 15 * 1024; // gzipped: what is loaded before a link can be opened and read
const LIVE = ["remote/event_stream.js", "remote/shared_socket.js"];
const LATER = [
  "account/accounts.js",
  "chains/verification.js",
  "chains/writing.js",
  "format/ephemeral.js",
  "format/write_capability.js",
  "objects/download.js",
  "objects/files.js",
  "objects/streaming.js",
  "state/page.js",
  "space/space.js",
  "state/memory.js",
  "state/own_logs.js",
];

/**
 * What follows chains live is one file, and all else that is loaded on demand another: smaller than many, and soon there. Both
 * name the first load as a whole, so that it is not cut into parts that one of them could do without.
 */
const later = {
  name: "later",
  setup({ onResolve, onLoad }) {
    onResolve({ filter: /./ }, ({ kind, path }) => {
      if (kind !== "dynamic-import" || path.endsWith("argon2.js")) return undefined;
      const isLive = LIVE.some((name) => name.endsWith(path.replace(/^.*\//, "/")));
      return { path: isLive ? "live" : "later", namespace: "later" };
    });
    onLoad({ filter: /./, namespace: "later" }, ({ path: group }) => ({
      contents: (group === "live" ? LIVE : LATER).map((path) => `export * from "./${path}";`).concat('export { connect } from "./cairn.js";').join("\n"),
      resolveDir: join(process.cwd(), SDK),
    }));
  },
};

/** @returns {Promise<{ files: Map<string, Uint8Array>, firstBytes: number }>} by path in web/sdk */
async function bundled() {
  const { outputFiles, metafile } = await build({
    entryPoints: [join(SDK, "cairn.js")],
    outdir: SDK,
    entryNames: "cairn.min",
    chunkNames: "min/[name]-[hash]",
    bundle: true,
    splitting: true,
    minify: true,
    format: "esm",
    target: "es2022",
    legalComments: "none",
    external: ["*/argon2.umd.min.js"],
    plugins: [later],
    metafile: true,
    write: false,
  });
  const files = new Map(outputFiles.map(({ path, contents }) => [relative(join(process.cwd(), SDK), path), contents]));
  const first = [...statics(metafile, join(SDK, ENTRY))].map((path) => files.get(relative(SDK, path)));
  return { files, firstBytes: first.reduce((sum, bytes) => sum + gzipSync(bytes, { level: 9 }).length, 0) };
}

/** An output, and all that it imports statically. */
function statics({ outputs }, path, found = new Set()) {
  if (found.has(path)) return found;
  found.add(path);
  for (const { kind, path: next } of outputs[path].imports) {
    if (kind === "import-statement" && outputs[next]) statics({ outputs }, next, found);
  }
  return found;
}

/** @returns {Map<string, Uint8Array>} the declarations that the JSDoc types make, by path in web/sdk */
function typed() {
  const folder = mkdtempSync(join(tmpdir(), "cairn-types-"));
  try {
    execFileSync("node_modules/.bin/tsc", ["--project", join(SDK, "tsconfig.json"), "--outDir", folder], { stdio: "inherit" });
    const names = readdirSync(folder, { recursive: true }).filter((name) => name.endsWith(".d.ts"));
    return new Map(names.map((name) => [join("types", name), readFileSync(join(folder, name))]));
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/** @returns {string[]} what is shipped now, by path in web/sdk */
function shipped() {
  const inside = (folder) => {
    try {
      return readdirSync(join(SDK, folder), { recursive: true }).map((name) => join(folder, name));
    } catch {
      return [];
    }
  };
  return [ENTRY, ...inside("min"), ...inside("types")].filter((name) => name.endsWith(".d.ts") || name.endsWith(".js"));
}

function isCurrent(path, contents) {
  try {
    return Buffer.compare(readFileSync(join(SDK, path)), contents) === 0;
  } catch {
    return false;
  }
}

const { files, firstBytes } = await bundled();
const wanted = new Map([...files, ...typed()]);
const stale = [...wanted].filter(([path, contents]) => !isCurrent(path, contents)).map(([path]) => path);
const left = shipped().filter((path) => !wanted.has(path));
if (process.argv.includes("--check")) {
  for (const path of [...stale, ...left]) console.error(`${join(SDK, path)} is not current: run make sdk`);
  process.exitCode = stale.length + left.length > 0 ? 1 : 0;
} else {
  for (const path of left) rmSync(join(SDK, path));
  for (const path of stale) {
    mkdirSync(dirname(join(SDK, path)), { recursive: true });
    writeFileSync(join(SDK, path), wanted.get(path));
  }
}
const sizes = [...files].map(([path, bytes]) => `${path} ${gzipSync(bytes, { level: 9 }).length}`);
console.log(`browser SDK: first load ${firstBytes} bytes gzipped, of at most ${FIRST_BYTES_MAX} (${sizes.join(", ")})`);
if (firstBytes > FIRST_BYTES_MAX) {
  console.error("the first load of the browser SDK is too large");
  process.exitCode = 1;
}

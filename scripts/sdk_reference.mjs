// Writes docs/sdk-reference.md from the types that the browser SDK is shipped with (web/sdk/types) and the words in them.
// With --check it writes nothing, and says whether the page is as it would write it. It reads the form in which tsc writes
// declarations, and nothing else: a line that it does not know, or a public member without a word on it, is an error.
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { pathToFileURL } from "node:url";

const TYPES = "web/sdk/types";
const TARGET = "docs/sdk-reference.md";

/** What is public: heading, module, and its declarations; how an instance is called; members that are not for applications. */
const PARTS = [
  { title: "Connecting", path: "connect", names: ["connect", "Cairn"], as: "cairn", inner: ["browser", "realm"] },
  { title: "Accounts", path: "account/account", names: ["Account"], as: "me", inner: ["accounts", "log"] },
  { path: "account/accounts", names: ["DoorOptions"] },
  { title: "Logs", path: "chains/log", names: ["Log"], as: "log", inner: ["browser", "capability", "keyring", "keys"] },
  { path: "chains/log_entry", names: ["LogEntry", "EntryKind"] },
  { path: "chains/queue", names: ["Added"] },
  { path: "chains/verification", names: ["Report"] },
  { path: "objects/files", names: ["PutOptions", "GetOptions"] },
  { title: "Streaming", path: "objects/streaming", names: ["Streaming"], as: "streaming", inner: ["answer"] },
  { title: "Spaces", path: "space/space", names: ["Space"], as: "space", inner: ["browser"] },
  { path: "space/order", names: ["SpaceEntry"] },
  { path: "space/roster", names: ["Member"] },
  { title: "Signals", path: "signal", names: ["Signal"], as: "signal" },
  {
    title: "Yjs",
    path: "yjs",
    names: ["bindYjs", "BindingOptions", "YjsBinding", "Problem", "Refused"],
    as: "binding",
    inner: ["Y", "doc", "source", "limits", "sending", "presence"],
  },
];

const ERRORS = ["errors", "account/account"];

const ABOUT_ERRORS = `Every error is a \`CairnError\` with a \`message\`, a stable \`code\` and a \`hint\` that says what to try.
All three may be shown to people.`;
const INTRODUCTION = `# Browser SDK: reference

Made from the types that the SDK is shipped with, by \`scripts/sdk_reference.mjs\`. How the parts go together is told in
[Browser SDK](sdk.md). A \`?\` marks what may be left out. What is not named here may change from one version to the next.
`;

/** @param {string} path @returns {Map<string, { words: Words, kind: string, text: string, members: Member[] }>} by name */
function declarationsIn(path) {
  const found = new Map();
  let comment = "";
  for (const piece of pieces(readFileSync(join(TYPES, `${path}.d.ts`), "utf8").split("\n"))) {
    if (piece.startsWith("/**")) comment = piece;
    else {
      const [, kind, name] = /^export (?:declare )?(class|function|type) (\w+)/.exec(piece) ?? [];
      const members = kind === "function" ? [] : membersIn(piece);
      if (kind) found.set(name, { words: wordsOf(comment), kind, text: piece, members });
      else if (!/^(import|export) /.test(piece)) throw new Error(`${path}.d.ts has what is not known: ${piece}`);
      comment = "";
    }
  }
  return found;
}

/** Comments and declarations, each with all of its lines. @param {string[]} lines @returns {string[]} */
function pieces(lines) {
  const found = [];
  for (let piece = "", n = 0; n < lines.length; n++) {
    piece = piece ? `${piece}\n${lines[n]}` : lines[n];
    const isEnd = piece.startsWith("/**") ? /\*\/\s*$/ : /[;}]\s*$/;
    const isWhole = isEnd.test(piece) && (piece.startsWith("/**") || depthOf(piece) === 0);
    if (piece.trim() === "" || isWhole) {
      if (piece.trim()) found.push(piece.trim());
      piece = "";
    }
  }
  return found;
}

/** @param {string} text @returns {number} how many brackets are open at its end */
function depthOf(text) {
  const bare = text.replaceAll("=>", "").replace(/"[^"]*"/g, "");
  return (bare.match(/[({[<]/g) ?? []).length - (bare.match(/[)}\]>]/g) ?? []).length;
}

/**
 * @typedef {{ name: string, text: string, words: Words }} Member
 * @param {string} text of a class, or of a type with fields
 * @returns {Member[]}
 */
function membersIn(text) {
  const start = text.indexOf("{\n");
  if (start < 0) return [];
  const members = [];
  let comment = "";
  for (const piece of pieces(text.slice(start + 2, text.lastIndexOf("}")).replaceAll(/^ {4}/gm, "").split("\n"))) {
    if (piece.startsWith("/**")) comment = piece;
    else {
      const [, name] = /^(?:static |get |set |readonly )*([#\w]+)/.exec(piece) ?? [];
      if (!name) throw new Error(`a member is not known: ${piece}`);
      const isOwn = !name.startsWith("#") && name !== "constructor" && !/^(static|set) /.test(piece);
      if (isOwn) members.push({ name, text: piece, words: wordsOf(comment) });
      comment = "";
    }
  }
  return members;
}

/**
 * @typedef {{ said: string, params: { name: string, said: string }[], returns: string, throws: string[] }} Words
 * @param {string} comment
 * @returns {Words}
 */
function wordsOf(comment) {
  const text = comment.replace(/^\/\*\*/, "").replace(/\*\/$/, "").replaceAll(/^\s*\* ?/gm, "").trim();
  const [said = "", ...tags] = text.split(/(?:^|\s)@(?=(?:param|returns|throws|type|template|import|typedef|property)\b)/);
  const words = { said: flat(said), params: [], returns: "", throws: [] };
  for (const tag of tags) {
    const [kind, rest] = [/^\w+/.exec(tag)[0], tag.replace(/^\w+\s*/, "")];
    const { type, after } = bracesOf(rest);
    const [, name, told] = /^\[?([\w.]+)[^\]\s]*\]?\s*([^]*)$/.exec(after) ?? [];
    if (kind === "param" && told) words.params.push({ name, said: flat(told) });
    if (kind === "returns") words.returns = flat(after);
    if (kind === "throws") words.throws.push(`\`${type}\`${after ? ` – ${flat(after)}` : ""}`);
    if (kind === "type" && !words.said) words.said = sentence(flat(after));
  }
  return words;
}

/** What stands in the braces at the beginning of a tag, and behind them. @param {string} text */
function bracesOf(text) {
  if (!text.startsWith("{")) return { type: "", after: text };
  let depth = 0;
  for (const [at, letter] of [...text].entries()) {
    depth += letter === "{" ? 1 : letter === "}" ? -1 : 0;
    if (depth === 0) return { type: text.slice(1, at), after: text.slice(at + 1).trim() };
  }
  throw new Error(`a tag is not closed: ${text}`);
}

/** @param {string} text */
const flat = (text) => text.replaceAll(/\s+/g, " ").trim();

/** @param {string} text @returns {string} that begins and ends as one */
function sentence(text) {
  const begun = /^[a-z]+\b(?!\()/.test(text) ? text[0].toUpperCase() + text.slice(1) : text;
  return /[.:!?]$/.test(begun) ? begun : `${begun}.`;
}

/** A declaration as it is shown. @param {string} text @param {string} [as] how an instance is called */
function signature(text, as) {
  const bare = flat(text).replace(/;$/, "").replace(/^export declare function /, "").replaceAll(/import\("[^"]*"\)\./g, "");
  const shown = bare.replaceAll("; }", " }").replace(/^get (\w+)\(\)/, "$1").replaceAll(/\{ [^{}]* \}\?: \{/g, "options?: {");
  return as ? `${as}.${shown}` : shown;
}

/** @param {Words} words @returns {string[]} */
function told({ said, params, returns, throws }) {
  const lines = [sentence(said)];
  for (const { name, said: param } of params) lines.push(`- \`${name}\`: ${param}`);
  if (returns) lines.push(`- Returns: ${returns}`);
  for (const error of throws) lines.push(`- Throws: ${error}`);
  return lines.length > 1 ? [lines[0], "", ...lines.slice(1)] : lines;
}

/** @param {typeof PARTS[number]} part @returns {string[]} */
function page({ title, path, names, as, inner = [] }) {
  const declarations = declarationsIn(path);
  const lines = title ? ["", `## ${title}`] : [];
  for (const name of names) {
    const found = declarations.get(name);
    if (!found) throw new Error(`${path}.d.ts has no ${name}`);
    if (found.kind !== "type" && !found.words.said) throw new Error(`${name} has no word on it`);
    if (found.kind === "function") lines.push("", `**\`${signature(found.text)}\`**`, "", ...told(found.words));
    else if (found.kind === "class") lines.push(...classLines(name, found, as, inner));
    else lines.push(...typeLines(name, found));
  }
  return lines;
}

function classLines(name, { words, members }, as, inner) {
  const unknown = inner.filter((one) => !members.some((member) => member.name === one));
  if (unknown.length > 0) throw new Error(`${name} has no member ${unknown.join(", ")}: scripts/sdk_reference.mjs names it`);
  const lines = ["", `### ${name}`, "", ...told(words)];
  for (const member of members.filter((one) => !inner.includes(one.name))) {
    if (!member.words.said) throw new Error(`${name}.${member.name} has no word on it`);
    lines.push("", `**\`${signature(member.text, as)}\`**`, "", ...told(member.words));
  }
  return lines;
}

function typeLines(name, { text, members }) {
  if (members.length === 0) return ["", `### ${name}`, "", `\`${signature(text.replace(/^export type \w+ = /, ""))}\``];
  const rows = members.map((member) => {
    const [, key, type] = /^(\w+\??): (.*)$/.exec(signature(member.text));
    return `| \`${key}\` | \`${type.replaceAll("|", "\\|")}\` | ${member.words.said} |`;
  });
  return ["", `### ${name}`, "", "| | | |", "|---|---|---|", ...rows];
}

/** @returns {Promise<string[]>} of the errors' own codes and hints */
async function errorLines() {
  const words = new Map(ERRORS.flatMap((path) => [...declarationsIn(path)]));
  const modules = await Promise.all(ERRORS.map((path) => import(pathToFileURL(`web/sdk/${path}.js`).href)));
  const classes = modules.flatMap((module) => Object.entries(module));
  const rows = classes.filter(([, one]) => one.prototype instanceof Error && one.name !== "CairnError").map(([name, One]) => {
    const error = new One(name === "Unsupported" ? "context" : "");
    return `| \`${error.code}\` | \`${name}\` | ${sentence(words.get(name).words.said)} | ${error.hint} |`;
  });
  return ["", "## Errors", "", ABOUT_ERRORS, "", "| code | class | what it means | hint |", "|---|---|---|---|", ...rows.sort()];
}

const text = [INTRODUCTION.trimEnd(), ...PARTS.flatMap(page), ...(await errorLines()), ""].join("\n");
if (!process.argv.includes("--check")) writeFileSync(TARGET, text);
else if (readFileSync(TARGET, "utf8") !== text) {
  console.error(`${TARGET} is not current: run make sdk`);
  process.exitCode = 1;
}

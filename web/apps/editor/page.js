/** A document on the page: CodeMirror shows it, Yjs merges it, and the space keeps it. */

import { bindYjs } from "/sdk/yjs.js";
import { cursors } from "./cursors.js";
import * as lib from "./vendor/collab.js";

const { EditorState, EditorView, Y, awarenessProtocol, tags } = lib;
const theme = EditorView.theme({
  "&": { color: "var(--ink)", fontSize: "1.0625rem", outline: "none !important" },
  ".cm-scroller": { font: "inherit", lineHeight: "1.65" },
  ".cm-content": { padding: "0.6rem 0.1rem", minHeight: "min(60vh, 36rem)", caretColor: "var(--ink)" },
  ".cm-placeholder": { color: "var(--soft)" },
});
const marks = lib.HighlightStyle.define([
  { tag: tags.heading1, fontSize: "1.45em", fontWeight: "700" },
  { tag: [tags.heading, tags.strong], fontWeight: "700" },
  { tag: tags.emphasis, fontStyle: "italic" },
  { tag: tags.monospace, fontFamily: "var(--mono)", fontSize: "0.9em" },
  { tag: [tags.processingInstruction, tags.url], color: "var(--soft)" },
]);

const TEXT = [Y.ContentString, Y.ContentDeleted, Y.ContentFormat]; // on anything else in a text CodeMirror would fail

/** @param {HTMLElement} host @param {any} space @param {(id: string) => string} colorOf a member */
export function openPage(host, space, colorOf) {
  const doc = new Y.Doc();
  const text = doc.getText("text");
  const awareness = new awarenessProtocol.Awareness(doc);
  const isText = (/** @type {any} */ { content }) => !content || TEXT.some((kind) => content instanceof kind);
  const accepts = (/** @type {any} */ { structs }) => structs.every(isText);
  const binding = bindYjs({ Y, doc, space, awareness, awarenessProtocol, accepts });
  const locking = new lib.Compartment();
  const locked = (/** @type {boolean} */ isLocked) => [EditorState.readOnly.of(isLocked), EditorView.editable.of(!isLocked)];
  const extensions = [
    [theme, EditorView.lineWrapping, lib.placeholder("Write here…"), locking.of(locked(true))],
    EditorView.contentAttributes.of({ "aria-label": "Text of the document", spellcheck: "true" }),
    [new lib.Language(lib.defineLanguageFacet(), lib.markdownParser), lib.syntaxHighlighting(marks)],
    lib.keymap.of([...lib.yUndoManagerKeymap, ...lib.defaultKeymap]),
    [lib.yCollab(text, null), cursors(text, awareness, colorOf)],
  ];
  const root = host.attachShadow({ mode: "open" }); // there CodeMirror needs no inline styles, which the sites' policy forbids
  const view = new EditorView({ root, parent: root, state: EditorState.create({ extensions }) });
  return { binding, awareness, lock: (isLocked = true) => view.dispatch({ effects: locking.reconfigure(locked(isLocked)) }) };
}

/** What `collab.js` exports, and of which package it is; scripts/vendor.mjs writes it. */
export * as Y from "yjs";
export * as awarenessProtocol from "y-protocols/awareness";
export { yCollab, yUndoManagerKeymap } from "y-codemirror.next";
export { Annotation, Compartment, EditorState } from "@codemirror/state";
export { Decoration, EditorView, ViewPlugin, WidgetType, drawSelection, keymap, placeholder } from "@codemirror/view";
export { defaultKeymap } from "@codemirror/commands";
export { HighlightStyle, Language, defineLanguageFacet, syntaxHighlighting } from "@codemirror/language";
export { tags } from "@lezer/highlight";
export { parser as markdownParser } from "@lezer/markdown";

/** Where the others are: a caret with a name, and what is selected. (y-codemirror.next's own carets need inline styles.) */

import { Decoration, EditorView, ViewPlugin, WidgetType, Y } from "./vendor/collab.js";

const theme = EditorView.baseTheme({
  ".selected": { background: "color-mix(in srgb, var(--who) 25%, transparent)" },
  ".caret": { position: "relative", borderLeft: "2px solid var(--who)", margin: "0 -1px", whiteSpace: "nowrap" },
  ".caret::after": { content: "attr(title)", background: "var(--who)", color: "var(--card)", font: "600 0.7rem/1.4 system-ui" },
  ".caret:after": { position: "absolute", bottom: "100%", left: "-2px", padding: "0 0.35em", borderRadius: "4px 4px 4px 0" },
});

class Caret extends WidgetType {
  title = "";
  style = "";

  /** @param {Caret} other */
  eq({ title, style }) {
    return title === this.title && style === this.style;
  }

  toDOM() {
    return Object.assign(document.createElement("span"), { className: "caret", title: this.title, style: this.style });
  }
}

/** @param {any} text of Yjs @param {any} awareness @param {(id: string) => string} colorOf a member */
export function cursors(text, awareness, colorOf) {
  const place = (/** @type {any} */ json) => {
    try {
      const found = Y.createAbsolutePositionFromRelativePosition(Y.createRelativePositionFromJSON(json), text.doc);
      return found && found.type === text ? found.index : -1;
    } catch {
      return -1; // nonsense of its sender
    }
  };
  const drawn = (/** @type {EditorView} */ { state }) => {
    const ranges = [...awareness.getStates()].flatMap(([client, { cursor, user }]) => {
      const [anchor = -1, head = -1] = [cursor?.anchor, cursor?.head].map((json) => Math.min(place(json), state.doc.length));
      if (client === text.doc.clientID || !user?.id || anchor < 0 || head < 0) return [];
      const style = `--who: ${colorOf(user.id)}`;
      const caret = Decoration.widget({ widget: Object.assign(new Caret(), { title: user.name, style }), side: 1 });
      const selected = Decoration.mark({ class: "selected", attributes: { style }, inclusive: true });
      return [caret.range(head), ...(anchor === head ? [] : [selected.range(Math.min(anchor, head), Math.max(anchor, head))])];
    });
    return Decoration.set(ranges, true);
  };
  const tell = (/** @type {EditorView} */ { state, hasFocus }) => {
    const { anchor, head } = state.selection.main;
    const [from, to] = [anchor, head].map((at) => Y.createRelativePositionFromTypeIndex(text, at));
    const cursor = JSON.stringify(hasFocus ? { anchor: from, head: to } : null);
    if (cursor !== JSON.stringify(awareness.getLocalState()?.cursor)) awareness.setLocalStateField("cursor", JSON.parse(cursor));
  };
  const create = (/** @type {EditorView} */ view) => {
    awareness.on("change", (/** @type {any} */ _, /** @type {any} */ origin) => origin !== "local" && view.dispatch({}));
    const plugin = { decorations: drawn(view), update: () => (tell(view), void (plugin.decorations = drawn(view))) };
    return plugin;
  };
  return [theme, ViewPlugin.define(create, { decorations: ({ decorations }) => decorations })];
}

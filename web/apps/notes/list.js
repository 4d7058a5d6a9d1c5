/**
 * The list of notes. An item is made anew only when its note changes, and the focus stays where it was.
 *
 * @import { Note } from "./notebook.js"
 */

/** @type {Map<string, { key: string, item: HTMLElement }>} by the note's id */
const made = new Map();

/** @param {HTMLElement} list @param {Note[]} notes @param {HTMLTemplateElement} template of an item */
export function showNotes(list, notes, template) {
  const focused = /** @type {HTMLElement} */ (document.activeElement);
  const place = `[data-id="${focused.closest("li")?.dataset.id}"] [data-act="${focused.dataset.act}"]`;
  for (const [index, note] of notes.entries()) {
    const item = itemOf(note, template);
    if (list.children[index] !== item) list.insertBefore(item, list.children[index] ?? null);
  }
  while (list.children.length > notes.length) list.lastChild?.remove();
  if (document.activeElement !== focused) list.querySelector(/** @type {"button"} */ (place))?.focus();
}

/** @param {Note} note @param {HTMLTemplateElement} template @returns {HTMLElement} */
function itemOf(note, template) {
  const [key, known] = [JSON.stringify(note), made.get(note.id)];
  if (known?.key === key) return known.item;
  const item = /** @type {any} */ (template.content.cloneNode(true)).firstElementChild;
  [item.dataset.id, item.querySelector(".text").textContent] = [note.id, note.text];
  item.querySelector("time").textContent = new Date(note.at).toLocaleString([], { dateStyle: "medium", timeStyle: "short" });
  item.querySelector(".badge").hidden = !note.isPending;
  item.querySelector("button").textContent = note.isPinned ? "Unpin" : "Pin";
  for (const button of item.querySelectorAll("button")) button.ariaLabel = `${button.textContent}: ${note.text.slice(0, 40)}`;
  made.set(note.id, { key, item });
  return item;
}

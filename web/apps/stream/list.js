/**
 * The posts as a list. What is shown stays as it is; new ones come in where they belong.
 *
 * @import { Post } from "./posts.js"
 */

/** @type {Map<string, HTMLElement>} by the post's key */
const made = new Map();

/** @param {HTMLElement} list @param {Post[]} posts @param {HTMLTemplateElement} template of an item */
export function showPosts(list, posts, template) {
  for (const [index, post] of posts.entries()) {
    const item = made.get(post.key) ?? itemOf(post, template);
    if (list.children[index] !== item) list.insertBefore(item, list.children[index] ?? null);
  }
  while (list.children.length > posts.length) list.lastChild?.remove();
}

/** @param {Post} post @param {HTMLTemplateElement} template @returns {HTMLElement} */
function itemOf({ key, text, at, isPending, isLost }, template) {
  const item = /** @type {any} */ (template.content.cloneNode(true)).firstElementChild;
  item.querySelector(".text").textContent = text;
  item.querySelector(".text").classList.toggle("problem", isLost);
  item.querySelector("time").textContent =
    at === null ? "" : new Date(at).toLocaleString([], { dateStyle: "long", timeStyle: "short" });
  item.querySelector(".badge").hidden = !isPending;
  made.set(key, item);
  return item;
}

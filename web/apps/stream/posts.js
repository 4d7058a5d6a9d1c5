/**
 * What a stream's log says: posts, and the stream's name, of which the last one counts.
 *
 * @import { LogEntry } from "/sdk/chains/log_entry.js"
 * @typedef {object} Post
 * @property {string} key
 * @property {string} text
 * @property {number | null} at in ms, as its writer says
 * @property {boolean} isPending it waits on this device
 * @property {boolean} isLost it can't be read; the text says why
 */

/** @param {LogEntry[]} entries @returns {{ name: string, posts: Post[] }} newest first */
export function streamOf(entries) {
  let name = "";
  /** @type {Post[]} */
  const posts = [];
  for (const [index, { value, seq, isPending, problem }] of entries.entries()) {
    if (typeof value?.title === "string") name = value.title;
    const text = problem ? `${problem.message}. ${problem.hint}` : typeof value === "string" ? value : value?.text;
    const at = Number.isFinite(value?.at) ? value.at : null;
    if (typeof text === "string") posts.unshift({ key: String(seq ?? `waits ${index}`), text, at, isPending, isLost: !!problem });
  }
  return { name, posts };
}

/**
 * A feed for readers of feeds, as https://www.jsonfeed.org/version/1.1/ has it. It holds no key.
 *
 * @param {string} title @param {string} chain @param {Post[]} posts
 */
export function feedOf(title, chain, posts) {
  const items = posts.filter(({ isPending, isLost }) => !isPending && !isLost).map(({ key, text, at }) => ({
    id: `${chain}/${key}`, content_text: text, ...(at === null ? {} : { date_published: new Date(at).toISOString() }),
  })); // prettier-ignore
  return new Blob([JSON.stringify({ version: "https://jsonfeed.org/version/1.1", title, items }, null, 2)]);
}

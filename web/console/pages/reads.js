/** Where the blocks came from that were read: the first tier that had them, else storage. */

/** @typedef {import("../past.js").Past} Past */
/** @typedef {import("../past.js").Column} Column */

const TIERS = ["memory", "disk"];

/** @param {Past} past @returns {string[]} the cache's tiers that are on, the nearest first */
export function tiersOf(past) {
  return TIERS.filter((tier) => past.value("cairn_cache_capacity_bytes", { tier }) > 0);
}

/** @param {Past} past @returns {Column[]} the share of reads that the cache answered, by blocks and by bytes */
export function readShares(past) {
  return [shareOf(past, "hits", "misses"), shareOf(past, "hit_bytes", "miss_bytes")];
}

/** @param {Past} past @param {string} hit @param {string} missed @returns {Column} */
function shareOf(past, hit, missed) {
  const [first] = tiersOf(past);
  if (first === undefined) return past.times.map(() => null);
  const hits = past.column(`cairn_cache_${hit}_total`);
  const misses = past.column(`cairn_cache_${missed}_total`, { tier: first });
  const nearest = past.column(`cairn_cache_${hit}_total`, { tier: first });
  return past.share(hits, nearest.map((value, row) => value + (misses[row] ?? 0)));
}

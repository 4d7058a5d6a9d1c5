/**
 * What was found when the whole stream was verified, in words.
 *
 * @import { Log } from "/sdk/cairn.js"
 * @import { Report } from "/sdk/chains/verification.js"
 */

/** Nothing is wrong: there was nothing to verify yet, or no connection. @param {Log} log @param {Report} report */
export function isOpen(log, { problem }) {
  return problem?.code === "unavailable" || (problem?.code === "not_found" && log.can === "write");
}

/** @param {Record<string, any>} page @param {Log} log @param {Report} report */
export function showReport(page, log, report) {
  const { isGood, entries, missing, unreadable, seq, problem } = report;
  const count = entries + Math.max(log.seq - seq, 0); // what came since was verified as it came
  const [kind, words] = isGood ? ["good", `${count} ${count === 1 ? "entry" : "entries"} verified`]
    : isOpen(log, report) ? ["warn", problem?.code === "not_found" ? "Not begun" : "Not verified: no connection"]
    : ["bad", "Does not verify"]; // prettier-ignore
  page.badge.className = `badge ${kind}`;
  page.badge.textContent = words;
  page.verdict.className = isGood ? "" : "problem";
  page.verdict.textContent = problem ? `${problem.message}. ${problem.hint}` : "Everything is as its writer signed it.";
  page.figures.hidden = !isGood;
  page.checked.textContent = String(isGood ? count : 0);
  page.missing.textContent = String(missing);
  page.unreadable.textContent = String(unreadable);
  page.chain.textContent = log.id;
}

/**
 * `cairn demo` prints this page's address with a capability behind the #, that reads a stream. It is taken out of the address,
 * and handed on to the applications that show it.
 */

const sample = location.hash.slice(1) || history.state?.sample;
if (/^crn1r_[\w-]+$/.test(sample ?? "")) {
  history.replaceState({ sample }, "", location.pathname);
  for (const link of document.querySelectorAll("a[data-sample]")) /** @type {HTMLAnchorElement} */ (link).hash = sample;
  /** @type {HTMLElement} */ (document.getElementById("sample")).hidden = false;
}

/** Argon2id in a worker, so that the page stays responsive: half a second of work, and 64 MiB. */

import { stretched } from "./argon2.js";

addEventListener("message", async ({ data: { password, salt } }) => {
  try {
    postMessage({ stretched: await stretched(password, salt) });
  } catch (error) {
    postMessage({ problem: String(error) });
  }
});

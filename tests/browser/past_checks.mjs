// Reads answers of the server from standard input, and tells what past.js makes of them.
import { text } from "node:stream/consumers";
import { Past, quantileOf } from "../../web/console/past.js";

const { answers, step, span, histogram, quantiles } = JSON.parse(await text(process.stdin));
const past = new Past(step, span);
for (const answer of answers) past.take(answer);
console.log(
  JSON.stringify({
    times: past.times,
    columns: Object.fromEntries(past.columns),
    medians: past.quantile(0.5, histogram),
    ever: past.quantileEver(0.5, histogram),
    quantiles: quantiles.map(([q, buckets]) => quantileOf(q, buckets.map(([bound, count]) => [bound ?? Infinity, count]))),
  }),
);

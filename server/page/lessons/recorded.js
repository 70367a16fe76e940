// Verdicts that were recorded on another machine, for a room where the network fails. They are shown as
// what they are: recorded, when, and on what. Nothing of them is ever mixed with a run of one's own.

import { law } from '../model.js';

let kept = null;

/** What of a judged run can be kept; curves are thinned to 200 quantiles. */
export function recordable({ rows, n, of, text, floor, curves, answer, by, parameters }) {
  return {
    rows, n, of, text, floor, answer: answer ?? null, by, parameters,
    curves: curves?.map(({ lane, values, law: shape }) => ({
      lane, values: thinned(values), law: shape ? [shape.from, shape.width, shape.atOnce] : null,
    })),
  };
}

function thinned(values) {
  const sorted = Float64Array.from(values).sort();
  const most = Math.min(200, sorted.length);
  return Array.from({ length: most }, (_, at) => Number(sorted[Math.floor(at * (sorted.length - 1) / Math.max(1, most - 1))].toFixed(3)));
}

/** → {recorded: 'on what, when', …what was judged}, or null where there is none. */
export async function recorded(id) {
  kept ??= fetch('/page/lessons/recorded.json').then(answer => (answer.ok ? answer.json() : {})).catch(() => ({}));
  const all = await kept;
  const found = all.lessons && Object.hasOwn(all.lessons, id) ? all.lessons[id] : null;
  if (!found) return null;
  return {
    ...found, recorded: all.machine,
    curves: found.curves?.map(curve => ({ ...curve, law: curve.law ? law(...curve.law) : undefined })),
  };
}

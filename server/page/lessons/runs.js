// Runs of loadgen under the reports folder, as the lab lists them, and their results. A list is data from
// a disk: names are only ever used as text and, encoded, as parts of an address.

import { whyNot } from './run.js';

/** {runs: [{name, stamp, title, generated_at, valid, …}] newest first, more, skipped: [{name, stamp, why}]}. */
export async function list() {
  const answer = await fetch('/lab/reports', { cache: 'no-store' });
  if (!answer.ok) throw new Error(await whyNot(answer));
  const { runs = [], more = 0, skipped = [] } = await answer.json();
  return { runs, more, skipped };
}

const part = text => encodeURIComponent(text);
export const address = (run, file) => `/lab/reports/${part(run.name)}/${part(run.stamp)}/${part(file)}`;

export async function results(run) {
  const answer = await fetch(address(run, 'results.json'));
  if (!answer.ok) throw new Error(await whyNot(answer));
  return answer.json();
}

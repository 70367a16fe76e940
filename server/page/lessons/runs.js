// Runs of loadgen under the reports folder, as the lab lists them, and their results. A list is data from
// a disk: names are only ever used as text and, encoded, as parts of an address.

import { whyNot } from './run.js';

/** [{name, stamp, title, …}], newest first. */
export async function list() {
  const answer = await fetch('/lab/reports', { cache: 'no-store' });
  if (!answer.ok) throw new Error(await whyNot(answer));
  const found = await answer.json();
  return Array.isArray(found) ? found : found.runs ?? [];
}

const part = text => encodeURIComponent(text);
export const address = (run, file) => `/lab/reports/${part(run.name)}/${part(run.stamp)}/${part(file)}`;

export async function results(run) {
  const answer = await fetch(address(run, 'results.json'));
  if (!answer.ok) throw new Error(await whyNot(answer));
  return answer.json();
}

// Who one is: the server's signed cookie says it, which no script can read; so the server is asked.

import { refusal } from '../refusal.js';

const ADDRESS = '/session';

/** {id, name}, or null for nobody. Throws where the server cannot say. */
export async function whoAmI({ signal } = {}) {
  const answer = await fetch(ADDRESS, { cache: 'no-store', signal });
  // 204: without a cookie; 401: with one that does not count any more.
  if (answer.status === 204 || answer.status === 401) return null;
  if (!answer.ok) throw await refusal(answer);
  return answer.json();
}

/** Always a new identity, whatever the name. */
export async function enter(name) {
  const answer = await fetch(ADDRESS, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ name }),
  });
  if (!answer.ok) throw await refusal(answer);
  return answer.json();
}

export async function leave() {
  const answer = await fetch(ADDRESS, { method: 'DELETE' });
  if (!answer.ok) throw await refusal(answer);
}

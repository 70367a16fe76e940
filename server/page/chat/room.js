// The chat's questions to the server beside the connection itself: publish a line, who is here, would there
// be more, and what a break was about, where the transport does not tell.

import { query } from '../cursor.js';
import { Refusal, refusal } from '../refusal.js';
import { whoAmI } from './identity.js';
import { body } from './outbox.js';

/** A question that has no answer by then has none. */
const ANSWER_MS = 8000;

const at = (room, what) => `/rooms/${encodeURIComponent(room)}/${what}`;

export async function post(line) {
  const answer = await answered(at(line.room, 'events'), {
    method: 'POST',
    headers: { 'content-type': 'application/json', 'idempotency-key': line.key },
    body: JSON.stringify(body(line)),
    signal: AbortSignal.timeout(ANSWER_MS),
  });
  if (!answer.ok) throw await refusal(answer);
}

/** What a browser says of a request that failed is meant for programs. */
async function answered(address, options) {
  try {
    return await fetch(address, options);
  } catch (error) {
    const title = error.name === 'TimeoutError' ? `There was no answer for ${ANSWER_MS / 1000} s.` : 'The server cannot be reached.';
    throw new Refusal({ title });
  }
}

export async function members(room) {
  const answer = await fetch(at(room, 'members'), { cache: 'no-store', signal: AbortSignal.timeout(ANSWER_MS) });
  if (!answer.ok) throw await refusal(answer);
  return answer.json();
}

/** Whether the room has events after `cursor`, and did not tell. */
export async function isBehind(room, cursor) {
  const answer = await fetch(`${at(room, 'poll')}?${query(cursor)}`, { cache: 'no-store', signal: AbortSignal.timeout(ANSWER_MS) });
  if (answer.status === 204) return false;
  if (!answer.ok) return true;
  const { events, missed } = await answer.json();
  return missed !== 0 || events.length > 0;
}

/** EventSource tells no status, and a WebSocket only a code; two plain requests do. null: just a break. */
export async function look(room, error) {
  if (error instanceof Refusal && error.status) return error;
  if (error.code === 4001) return Object.assign(error, { status: 401 });
  try {
    const signal = AbortSignal.timeout(ANSWER_MS);
    if (await whoAmI({ signal }) === null) return new Refusal({ status: 401, title: 'The server does not know you any more.' });
    const answer = await fetch(at(room, 'poll'), { cache: 'no-store', signal });
    return answer.ok ? (error.code ? error : null) : refusal(answer);
  } catch (unreached) {
    if (unreached instanceof Refusal) return unreached;
    return new Refusal({ title: 'The server cannot be reached.' });
  }
}

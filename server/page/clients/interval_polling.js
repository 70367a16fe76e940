// Interval polling: ask every `interval` ms, whether there is something or not.

import { query } from '../cursor.js';
import { backOff, sleep } from '../patience.js';
import { refusal } from '../refusal.js';

export async function subscribe({ url, room, cursor, signal, onEvent, onState, rest = backOff, interval = 1000, phase = 0 }) {
  let next = performance.now() + phase;
  let failures = 0;
  while (!signal.aborted) {
    try {
      onState('asking');
      const answer = await fetch(`${url}/rooms/${room}/poll?${query(cursor)}`, { signal, credentials: 'include' });
      if (!answer.ok) throw await refusal(answer);
      // 204 is the empty answer: nothing has happened since this cursor.
      const batch = answer.status === 204 ? { cursor, missed: 0, events: [] } : await answer.json();
      onState('answered', { missed: batch.missed, cursor: batch.cursor });
      cursor = batch.cursor;
      for (const event of batch.events) onEvent(event);
      failures = 0;
      // An answer that was cut short: the rest is there already.
      if (batch.more) continue;
    } catch (error) {
      if (signal.aborted) return;
      onState('lost');
      await rest(failures += 1, signal, error);
    }
    while (next <= performance.now()) next += interval;
    await sleep(next - performance.now(), signal);
  }
}

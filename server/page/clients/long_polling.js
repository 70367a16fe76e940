// Long polling: ask, and the server holds the request until there is something. Then ask again at once.

import { query } from '../cursor.js';
import { backOff } from '../patience.js';
import { refusal } from '../refusal.js';

export async function subscribe({ url, room, cursor, signal, onEvent, onState, rest = backOff, hold = 25, resume = true }) {
  let failures = 0;
  while (!signal.aborted) {
    try {
      onState('asking');
      const address = `${url}/rooms/${room}/long-poll?hold=${hold}s&${query(cursor)}`;
      const answer = await fetch(address, { signal, credentials: 'include' });
      if (!answer.ok) throw await refusal(answer);
      // 204: the hold has ended with nothing to say.
      const batch = answer.status === 204 ? { cursor, missed: 0, events: [] } : await answer.json();
      onState('answered', { missed: batch.missed, cursor: batch.cursor });
      cursor = batch.cursor;
      for (const event of batch.events) onEvent(event);
      failures = 0;
    } catch (error) {
      if (signal.aborted) return;
      onState('lost');
      if (!resume) cursor = null;
      await rest(failures += 1, signal, error);
    }
  }
}

// Long polling: ask, and the server holds the request until there is something. Then ask again at once.
// A question that is held looks like one that never arrived: with `greets` the first one, and the first after
// a break, asks to be answered at once, so that one knows that there is somebody.

import { query } from '../cursor.js';
import { backOff } from '../patience.js';
import { refusal } from '../refusal.js';

export async function subscribe({ url, room, cursor, signal, onEvent, onState, rest = backOff, hold = 25, resume = true, greets = false }) {
  let failures = 0;
  let greeting = greets;
  while (!signal.aborted) {
    try {
      onState('asking');
      const address = `${url}/rooms/${room}/long-poll?hold=${greeting ? 0 : hold}s&${query(cursor)}`;
      const answer = await fetch(address, { signal, credentials: 'include' });
      if (!answer.ok) throw await refusal(answer);
      // 204: the hold has ended with nothing to say.
      const batch = answer.status === 204 ? { cursor, missed: 0, events: [] } : await answer.json();
      onState('answered', { missed: batch.missed, cursor: batch.cursor });
      cursor = batch.cursor;
      for (const event of batch.events) onEvent(event);
      failures = 0;
      greeting = false;
    } catch (error) {
      if (signal.aborted) return;
      onState('lost');
      greeting = greets;
      if (!resume) cursor = null;
      await rest(failures += 1, signal, error);
    }
  }
}

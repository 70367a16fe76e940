// Server-sent events: the browser's own EventSource reads the stream, comes back after a break by itself
// and says where it was (`Last-Event-ID`). There is nothing left to program but what it gives up on.
// A program that wants to say how long that takes does it itself: `rest` then follows every break.

import { query } from '../cursor.js';
import { backOff } from '../patience.js';

export async function subscribe({ url, room, cursor, signal, onEvent, onState, onNote = () => {}, rest = null }) {
  for (let failures = 0; !signal.aborted;) {
    onState('asking');
    const source = new EventSource(`${url}/rooms/${room}/sse?${query(cursor)}`, { withCredentials: true });
    await new Promise((givenUp) => {
      signal.addEventListener('abort', givenUp, { once: true });
      source.onmessage = ({ data, lastEventId }) => {
        const message = JSON.parse(data);
        cursor = lastEventId || cursor;
        if (message.id) onEvent(message);
        else if (message.cursor) onState('open', { missed: message.missed, cursor });
        else onNote(message);
        failures = 0;
      };
      source.onerror = () => {
        onState('lost');
        // It tries again on its own unless the answer was no event stream at all.
        if (rest || source.readyState === EventSource.CLOSED) givenUp();
      };
    });
    source.close();
    // Why it broke, EventSource tells nobody.
    if (!signal.aborted) await (rest ?? backOff)(failures += 1, signal, new Error('the event stream broke'));
  }
}

// Server-sent events: the browser's own EventSource reads the stream, comes back after a break by itself
// and says where it was (`Last-Event-ID`). There is nothing left to program but what it gives up on.

import { query } from '../cursor.js';
import { backOff } from '../patience.js';

export async function subscribe({ url, room, cursor, signal, onEvent, onState }) {
  for (let failures = 0; !signal.aborted;) {
    onState('asking');
    const source = new EventSource(`${url}/rooms/${room}/sse?${query(cursor)}`, { withCredentials: true });
    await new Promise((givenUp) => {
      signal.addEventListener('abort', givenUp, { once: true });
      source.onmessage = ({ data, lastEventId }) => {
        const message = JSON.parse(data);
        cursor = lastEventId;
        if (message.id) onEvent(message);
        else onState('open', { missed: message.missed });
        failures = 0;
      };
      source.onerror = () => {
        onState('lost');
        // It tries again on its own unless the answer was no event stream at all.
        if (source.readyState === EventSource.CLOSED) givenUp();
      };
    });
    source.close();
    if (!signal.aborted) await backOff(failures += 1, signal);
  }
}

// HTTP streaming (Comet): one answer that never ends. Each line is a JSON message; an empty line says
// that the stream is alive.

import { after, query } from '../cursor.js';
import { backOff } from '../patience.js';
import { refusal } from '../refusal.js';

export async function subscribe({ url, room, cursor, signal, onEvent, onState, onNote = () => {}, rest = backOff, resume = true }) {
  let failures = 0;
  while (!signal.aborted) {
    try {
      onState('asking');
      const answer = await fetch(`${url}/rooms/${room}/stream?${query(cursor)}`, { signal, credentials: 'include' });
      if (!answer.ok) throw await refusal(answer);
      const reader = answer.body.pipeThrough(new TextDecoderStream()).getReader();
      for (let partial = ''; ;) {
        const { done, value } = await reader.read();
        if (done) throw new Error('the stream ended');
        const lines = (partial + value).split('\n');
        partial = lines.pop();
        for (const line of lines.filter(Boolean)) {
          const message = JSON.parse(line);
          cursor = after(cursor, message);
          if (message.id) onEvent(message);
          else if (message.cursor) onState('open', { missed: message.missed, cursor });
          else onNote(message);
          failures = 0;
        }
      }
    } catch (error) {
      if (signal.aborted) return;
      onState('lost');
      if (!resume) cursor = null;
      await rest(failures += 1, signal, error);
    }
  }
}

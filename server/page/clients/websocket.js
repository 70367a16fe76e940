// WebSocket: one HTTP request turns its connection into a pipe of frames both ways. Coming back after a
// break, and saying where one was, is for the program to do.

import { after, query } from '../cursor.js';
import { backOff } from '../patience.js';
import { Refusal } from '../refusal.js';

export async function subscribe({ url, room, cursor, signal, onEvent, onState, onNote = () => {}, rest = backOff, resume = true }) {
  for (let failures = 0; !signal.aborted;) {
    onState('asking');
    const socket = new WebSocket(`${url.replace(/^http/, 'ws')}/rooms/${room}/ws?${query(cursor)}`);
    const stop = () => socket.close();
    signal.addEventListener('abort', stop, { once: true });
    const { code, reason } = await new Promise((closed) => {
      socket.onclose = closed;
      socket.onmessage = ({ data }) => {
        // What was on its way when we hung up belongs to nobody.
        if (signal.aborted) return;
        const message = JSON.parse(data);
        cursor = after(cursor, message);
        if (message.id) onEvent(message);
        else if (message.cursor) onState('open', { missed: message.missed, cursor, send: (text) => socket.send(text) });
        else onNote(message);
        failures = 0;
      };
    });
    signal.removeEventListener('abort', stop);
    if (signal.aborted) return;
    onState('lost');
    if (!resume) cursor = null;
    await rest(failures += 1, signal, new Refusal({ code, title: reason || null }));
  }
}

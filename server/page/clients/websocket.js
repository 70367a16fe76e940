// WebSocket: one HTTP request turns its connection into a pipe of frames both ways. Coming back after a
// break, and saying where one was, is for the program to do.

import { after, query } from '../cursor.js';
import { backOff } from '../patience.js';

export async function subscribe({ url, room, cursor, signal, onEvent, onState, resume = true }) {
  for (let failures = 0; !signal.aborted;) {
    onState('asking');
    const socket = new WebSocket(`${url.replace(/^http/, 'ws')}/rooms/${room}/ws?${query(cursor)}`);
    const stop = () => socket.close();
    signal.addEventListener('abort', stop, { once: true });
    await new Promise((closed) => {
      socket.onclose = closed;
      socket.onmessage = ({ data }) => {
        const message = JSON.parse(data);
        cursor = after(cursor, message);
        if (message.id) onEvent(message);
        else onState('open', { missed: message.missed });
        failures = 0;
      };
    });
    signal.removeEventListener('abort', stop);
    if (signal.aborted) return;
    onState('lost');
    if (!resume) cursor = null;
    await backOff(failures += 1, signal);
  }
}

// The state of the connection in words, with a count of the seconds until the next attempt that is not read
// out each second. It claims nothing that it does not know.

import { TITLES } from '../../transports.js';
import { write } from '../../views/element.js';

/** A state of a Connection → {words, count}; `count` is the part that changes with the seconds. */
export function stateWords({ name, transport, tries, why, untilMs }, isOnline, now = Date.now()) {
  const over = TITLES[transport];
  if (name === 'live') return { words: `live over ${over}${transport === 'interval-polling' ? ', asked every second' : ''}`, count: '' };
  if (!isOnline && name !== 'idle') return { words: 'this browser is offline; lines wait until it is back', count: '' };
  if (name === 'connecting') return { words: `connecting over ${over}`, count: tries > 1 ? ` (try ${tries})` : '' };
  if (name === 'lost') return { words: 'the connection broke', count: '' };
  if (name === 'broken') return { words: `this page failed (${why.message}); reload it`, count: '' };
  if (name === 'waiting') {
    const seconds = Math.ceil((untilMs - now) / 1000);
    return { words: `${because(why)}; reconnecting`, count: seconds > 0 ? ` in ${seconds} s (try ${tries})` : ` now (try ${tries})` };
  }
  return { words: 'not connected', count: '' };
}

function because(why) {
  if (!why) return 'the connection broke';
  if (why.status === 429 || why.status === 503) {
    const asked = why.retryAfterMs ? `, and asks to wait ${Math.ceil(why.retryAfterMs / 1000)} s` : '';
    return `the server says ${why.status} (${bare(why.message)})${asked}`;
  }
  if (why.status) return `the server says ${why.status} (${bare(why.message)})`;
  if (why.code) return why.code === 1001 ? 'the server goes down' : `the connection broke (${why.code})`;
  return bare(why.message).toLowerCase();
}

const bare = (words) => words.replace(/\.$/, '');

export class StateView {
  #timer = null;

  constructor({ place, words, count, said, now }) {
    Object.assign(this, { place, words, count, said, now });
  }

  show(state) {
    clearInterval(this.#timer);
    this.#draw(state);
    if (state.name === 'waiting') this.#timer = setInterval(() => this.#draw(state), 250);
  }

  #draw(state) {
    const { words, count } = stateWords(state, navigator.onLine);
    this.place.dataset.state = !navigator.onLine && state.name !== 'live' ? 'offline' : state.name;
    write(this.words, words);
    write(this.count, count);
    // Only a change of state is worth a voice.
    write(this.said, `${words}.`);
    this.now.hidden = state.name !== 'waiting';
  }
}

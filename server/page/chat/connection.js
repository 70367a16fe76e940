// One room over one transport at a time, for as long as somebody is there: it keeps the cursor, so that
// another attempt, and another transport, go on where the last one was. It says what became of the
// connection and decides when to try again; it knows nothing of what the events mean.
//
// Events: `event` {event, cursor}, `note` (a message that is no event), `state`, and `gone` {missed,
// restarted}: so many events are lost for good (null: nobody knows how many).

import { epochOf } from '../cursor.js';
import { delay, sleep } from '../patience.js';

/** Milliseconds before the second attempt and the longest before a later one, both with chance taken off. */
const PATIENCE = { shortest: 500, longest: 15_000 };
/** After so long without a word, the room is asked whether there would have been one. */
const SILENCE_MS = 40_000;

export class Connection extends EventTarget {
  /** `clients`: transport → subscribe; `look(error)` → a Refusal or null: what a break was about;
   *  `isBehind(cursor)`: whether the room has more than this. */
  constructor({ url, room, cursor, clients, look, isBehind, settings = {}, patience = PATIENCE, silenceMs = SILENCE_MS }) {
    super();
    Object.assign(this, { url, room, cursor, clients, look, isBehind, settings, patience, silenceMs });
    this.state = { name: 'idle' };
    this.transport = null;
    /** Sends a text to the room, where the transport can and is open. */
    this.send = null;
    /** Offset of the last event, 0 before the first of an epoch. */
    this.seen = 0;
    this.tries = 0;
  }

  /** Begins, or goes on over another transport: what has come stays, what is to come comes there. */
  use(transport) {
    this.stop();
    this.transport = transport;
    this.tries = 0;
    this.#run();
  }

  /** Hangs up and tries again at once. */
  restart() {
    this.use(this.transport);
  }

  /** Ends the wait before the next attempt; answers whether there was one. */
  hurry() {
    if (!this.wake) return false;
    this.wake();
    return true;
  }

  stop() {
    this.end?.abort();
    this.end = null;
    this.send = null;
    clearTimeout(this.silence);
    this.#become('idle');
  }

  #become(name, detail = {}) {
    this.state = { name, transport: this.transport, tries: this.tries, ...detail };
    this.dispatchEvent(new CustomEvent('state', { detail: this.state }));
  }

  #run() {
    const end = new AbortController();
    this.end = end;
    const { signal } = end;
    // What an attempt that was given up still has to say is not heard.
    const heard = (take) => (...words) => { if (!signal.aborted) take(...words); };
    this.tries = 1;
    this.#become('connecting');
    this.clients[this.transport]({
      ...this.settings,
      url: this.url,
      room: encodeURIComponent(this.room),
      cursor: this.cursor,
      signal,
      onEvent: heard((event) => this.#event(event)),
      onState: heard((state, detail) => this.#told(state, detail)),
      onNote: heard((message) => { this.#alive(); this.#tell('note', message); }),
      rest: (failures, _, error) => this.#rest(failures, signal, error),
    }).catch((error) => { if (!signal.aborted) this.#become('broken', { why: error }); });
  }

  #tell(name, detail) {
    this.dispatchEvent(new CustomEvent(name, { detail }));
  }

  #told(state, { missed = 0, cursor, send = null } = {}) {
    if (state === 'asking') {
      if (this.state.name === 'waiting') this.#become('connecting');
      return;
    }
    if (state === 'lost') {
      this.send = null;
      return;
    }
    const before = epochOf(this.cursor);
    const restarted = before !== null && epochOf(cursor) !== before;
    if (cursor) this.cursor = cursor;
    if (restarted) this.seen = 0;
    if (send) this.send = send;
    this.#alive();
    if (restarted || missed !== 0) this.#tell('gone', { missed, restarted });
    if (this.state.name !== 'live') {
      this.tries = 0;
      this.#become('live');
    }
  }

  #event(event) {
    this.#alive();
    // The cursor makes this impossible; a line that stood there twice would be worse than a guard.
    if (event.id <= this.seen) return;
    this.seen = event.id;
    const epoch = epochOf(this.cursor);
    this.cursor = `${epoch}-${event.id}`;
    this.#tell('event', { event, cursor: this.cursor });
  }

  /** Waits between two attempts, and says how long and why. */
  async #rest(failures, signal, error) {
    clearTimeout(this.silence);
    this.tries = failures + 1;
    this.#become('lost');
    const why = await this.look(error);
    if (signal.aborted) return;
    if (why?.status === 401) {
      this.#become('nobody', { why });
      // Who has no name does not come back by itself.
      if (!signal.aborted) await new Promise((stopped) => { signal.addEventListener('abort', stopped); });
      return;
    }
    // Whom the server asks to wait comes later than that, and not all at once.
    const asked = (why?.retryAfterMs ?? 0) * (1 + Math.random() / 5);
    const wait = Math.max(delay(failures, this.patience), asked);
    this.#become('waiting', { why, untilMs: Date.now() + wait });
    const hurry = new AbortController();
    this.wake = () => hurry.abort();
    await sleep(wait, AbortSignal.any([signal, hurry.signal]));
    this.wake = null;
  }

  #alive() {
    clearTimeout(this.silence);
    const { end } = this;
    this.silence = setTimeout(async () => {
      const behind = await this.isBehind(this.cursor).catch(() => true);
      if (this.end !== end || !end) return;
      if (behind) this.restart();
      else this.#alive();
    }, this.silenceMs);
  }
}

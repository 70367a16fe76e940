// Sitting in one room: what its connection tells becomes lines, members and marks. It ends when somebody
// goes to another room. The transport may change underneath; the cursor goes along, so nothing is lost.

import { epochOf } from '../cursor.js';
import { told } from '../refusal.js';
import { POLLS, clients } from '../transports.js';
import { Connection } from './connection.js';
import { Members } from './members.js';
import { isBehind, look, members as askMembers } from './room.js';
import { Talk } from './talk.js';
import { Unread } from './unread.js';

/** What stands there when one comes in is not read out; what comes later is. */
const HISTORY_MS = 1200;

export class Sitting extends EventTarget {
  members = new Members();
  #talk = new Talk();
  #comings = 0;
  #spoken = null;

  /** Events: `state`, `members`, `read` (the cursor up to which the room was seen), `unread`,
   *  `own` (a nonce and its user came back), `refused` (of a frame), `restarted`. */
  constructor({ room, log, left, isLooking, isMine, isCrowded }) {
    super();
    Object.assign(this, { room, log, isLooking, isMine });
    this.unread = new Unread(left);
    this.connection = new Connection({
      url: location.origin,
      room,
      cursor: '0',
      settings: { greets: true },
      clients,
      look: (error) => look(room, error),
      // A question that waits behind six connections says nothing of this one.
      isBehind: (cursor) => isBehind(room, cursor).catch((error) => { if (!isCrowded()) throw error; return false; }),
    });
    const on = (name, take) => this.connection.addEventListener(name, ({ detail }) => take(detail));
    on('event', ({ event, cursor }) => this.#event(event, cursor));
    on('note', (message) => this.#note(message));
    on('gone', (gone) => this.#gone(gone));
    on('state', (state) => this.#state(state));
  }

  use(transport) {
    this.connection.use(transport);
  }

  end() {
    clearTimeout(this.#spoken);
    this.connection.stop();
  }

  #tell(name, detail) {
    this.dispatchEvent(new CustomEvent(name, { detail }));
  }

  #state(state) {
    if (state.name === 'live') {
      this.#spoken ??= setTimeout(() => this.log.speak(), HISTORY_MS);
      // Polls are told no list: they ask for it.
      if (POLLS.has(state.transport)) this.#ask();
    }
    this.#tell('state', state);
  }

  #event(event, cursor) {
    const line = this.#talk.take(event);
    if (line?.user) this.members.meet(line.user);
    const nonce = event.data?.nonce;
    if (typeof nonce === 'string') this.#tell('own', { nonce, user: event.user });
    if (line?.kind === 'line') this.#line(line, cursor);
    else if (line) this.#other(line);
    if (this.isLooking()) this.#tell('read', cursor);
  }

  #line(line, cursor) {
    if (!this.isMine(line.user) && this.unread.take(line, epochOf(cursor), this.isLooking())) this.log.mark();
    this.log.line(line);
    if (this.unread.count > 0) this.#tell('unread');
  }

  #other(line) {
    if (line.kind === 'join' || line.kind === 'left') {
      this.members.take(line);
      this.#comings += 1;
      this.#tell('members');
      const { name, tag } = this.members.label(line.user);
      const who = `\u2068${name}\u2069${tag ? ` ${tag}` : ''}${this.isMine(line.user) ? ' (you)' : ''}`;
      this.log.said(`${who} ${line.kind === 'join' ? 'came in' : 'left'}`);
      return;
    }
    const text = line.text.length > 300 ? `${line.text.slice(0, 300).toWellFormed()}…` : line.text;
    this.log.said(`An event of the type \u2068${line.type}\u2069: \u2068${text}\u2069`);
  }

  #note(message) {
    if (message.type === 'list') {
      this.members.list(message.data);
      this.#tell('members');
    } else if (message.type === 'error') {
      this.#tell('refused', told(message));
    }
  }

  #gone({ missed, restarted }) {
    if (restarted) {
      this.log.said('The server was restarted: earlier history is gone. What stands above is on this page alone.', true);
      this.#tell('restarted');
    } else if (missed === null) {
      this.log.said('Earlier messages are gone; how many, the server cannot say.', true);
    } else {
      this.log.said(missed === 1 ? '1 earlier message is gone.' : `${missed.toLocaleString('en')} earlier messages are gone.`, true);
    }
    // Somebody's coming or going may be among what is gone. Who connects to a stream is told a list anyway.
    if (POLLS.has(this.connection.transport) || this.connection.state.name === 'live') this.#ask();
  }

  /** Until nobody came or went while the answer was on its way. */
  async #ask() {
    for (let tries = 0; tries < 3; tries += 1) {
      const before = this.#comings;
      const users = await askMembers(this.room).catch(() => null);
      if (users === null) return;
      if (before !== this.#comings && tries < 2) continue;
      this.members.list(users);
      this.#tell('members');
      return;
    }
  }
}

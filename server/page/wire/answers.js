// Bodies of answers and the kinds of their bytes. A whole answer waits for its end, since what it
// brought decides what it and its request cost; a streamed one is settled message by message.

import { eventsOf, messageOf } from './message.js';
import { Lines } from './ndjson.js';
import { payloadOf } from './packets.js';
import { Pieces } from './pieces.js';
import { Blocks } from './sse.js';

const NOTHING = new Uint8Array(0);

export function join(first, second) {
  if (first.length === 0) return second;
  const whole = new Uint8Array(first.length + second.length);
  whole.set(first);
  whole.set(second, first.length);
  return whole;
}

export class WholeAnswer {
  #asked;
  #runs;
  #head;
  #body = new Pieces();
  #content = [];

  /** `asked` is `{exchange, route, run}` of the request; `head` is `{from, to, at}`. */
  constructor(asked, runs, head) {
    this.#asked = asked;
    this.#runs = runs;
    this.#head = head;
  }

  take(what, bytes, from, at) {
    this.#body.add(what === 'data' ? 'content' : what, from, from + bytes.length, at);
    if (what === 'data') this.#content.push(bytes.slice());
    this.#asked.exchange.answerEnd = at;
  }

  end() {
    const { exchange, route, run, kinds } = this.#asked;
    const content = joined(this.#content);
    if (route === 'sio-poll' && exchange.status === 200) return this.#packets(content);
    if (kinds) {
      exchange.events = [];
      return this.#write(kinds.head, kinds.rest, [{ length: content.length, part: 'eio-ok', kind: kinds.rest }]);
    }
    const found = route === 'poll' && exchange.status === 200 ? eventsOf(content) : null;
    const events = found ?? [];
    exchange.events = events.map(({ offset }) => offset);
    if (route !== 'poll') return this.#write(OTHER_HEADS.has(route) ? 'http_headers' : 'framing', 'framing', enveloped(content, [], 'framing'));
    exchange.empty = [204, 304].includes(exchange.status) || found?.length === 0;
    if (exchange.empty) return this.#write('empty_polls', 'empty_polls', enveloped(content, [], 'empty_polls'));
    // An answer that is none of ours, as an error is, leaves its request what it was written as.
    if (events.length > 0) this.#runs.relabel(run, 'http_headers');
    this.#write(events.length > 0 ? 'http_headers' : 'framing', 'framing', enveloped(content, events, 'framing'));
  }

  /** A poll of Engine.IO is for the weightiest of the packets that it brought. */
  #packets(content) {
    const { exchange, run } = this.#asked;
    const { kind, events, parts } = payloadOf(content, 'down');
    exchange.events = events;
    exchange.empty = events.length === 0 && kind !== 'handshake';
    const brings = kind === 'packets';
    const head = brings ? 'http_headers' : kind;
    this.#runs.relabel(run, head);
    const own = parts.map((one) => ({ ...one, kind: brings ? aroundEvent(one.kind) : kind }));
    this.#write(head, brings ? 'framing' : kind, own);
  }

  breakOff() {
    const { from, to, at } = this.#head;
    this.#runs.write('down', from, to, at, 'framing', 'answer-head');
    this.#body.rest('framing', (...run) => this.#runs.write('down', ...run));
  }

  #write(headKind, restKind, parts) {
    const { from, to, at } = this.#head;
    const write = (...run) => this.#runs.write('down', ...run);
    write(from, to, at, headKind, 'answer-head');
    this.#body.take(parts, restKind, write);
    this.#body.framing(restKind, write);
  }
}

/** The events of an answer, and the JSON around them. */
function enveloped(content, events, kind) {
  const parts = [];
  let reached = 0;
  for (const event of events) {
    parts.push({ length: event.from - reached, part: 'envelope', kind });
    parts.push({ length: event.to - event.from, part: 'payload', kind: 'payload' });
    reached = event.to;
  }
  parts.push({ length: content.length - reached, part: 'envelope', kind });
  return parts;
}

/** Heartbeats stay what they are; all else beside an event is what packets cost. */
const aroundEvent = (kind) => (kind === 'payload' || kind === 'keep_alive' ? kind : 'packets');

/** Exchanges whose heads are neither a poll's nor a stream's beginning. */
const OTHER_HEADS = new Set(['publish', 'other']);

function joined(runs) {
  if (runs.length === 1) return runs[0];
  const whole = new Uint8Array(runs.reduce((sum, run) => sum + run.length, 0));
  let at = 0;
  for (const run of runs) {
    whole.set(run, at);
    at += run.length;
  }
  return whole;
}

export class StreamedAnswer {
  #runs;
  #messages;
  #cutter;
  #pieces = new Pieces();
  #text = NOTHING;
  #greeted = false;
  /** Whose the framing of the current chunk is: that of the first message which ends in it. */
  #owner = null;

  constructor(route, runs, head, messages) {
    this.#runs = runs;
    this.#messages = messages;
    this.#cutter = route === 'sse' ? new Blocks() : new Lines();
    runs.write('down', head.from, head.to, head.at, 'handshake', 'answer-head');
  }

  take(what, bytes, from, at) {
    const to = from + bytes.length;
    if (what === 'data') {
      this.#pieces.add('content', from, to, at);
      this.#text = join(this.#text, bytes);
      this.#cut(at);
      return;
    }
    if (what === 'chunk-size') this.#owner = null;
    this.#pieces.add(what, from, to, at, this.#owner?.kind);
    if (!this.#owner) return;
    this.#owner.message.bytes += bytes.length;
    this.#pieces.framing(this.#owner.kind, this.#write);
  }

  /** A stream has no end but the connection's. */
  end() {
    this.breakOff();
  }

  breakOff() {
    this.#pieces.rest('framing', this.#write);
  }

  #write = (...run) => this.#runs.write('down', ...run);

  #cut(at) {
    let used = 0;
    let text = this.#text;
    for (let found = this.#cutter.next(text); found; found = this.#cutter.next(text)) {
      used += found.length;
      text = this.#text.subarray(used);
      this.#settle(found, at);
    }
    if (used > 0) this.#text = text.slice();
  }

  #settle({ parts, data, isComment }, at) {
    const known = data && messageOf(data);
    const what = known?.what ?? (isComment ? 'heartbeat' : 'notice');
    const kind = this.#kindOf(what, data);
    const message = { at, direction: 'down', what, offset: known?.offset ?? null, bytes: 0 };
    const own = parts.map(({ length, part }) => ({ length, part, kind: partKind(what, kind, part) }));
    message.bytes = this.#pieces.take(own, kind, this.#write);
    this.#messages.push(message);
    this.#owner ??= { kind, message };
  }

  /** The kind of a message apart from the payload in it. */
  #kindOf(what, data) {
    if (what === 'hello') {
      this.#greeted = true;
      return 'handshake';
    }
    if (what === 'heartbeat') return 'keep_alive';
    // A retry time or an id that comes before the greeting is part of it.
    return data === null && !this.#greeted ? 'handshake' : 'framing';
  }
}

function partKind(what, kind, part) {
  if (what !== 'event') return kind;
  if (part === 'payload') return 'payload';
  return part === 'sse-comment' ? 'keep_alive' : kind;
}

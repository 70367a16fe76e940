// All that one connection carried, byte by byte: fed with what the server's meter read and wrote, it
// follows requests and answers, streams and frames, and gives each byte one kind by the rules that
// loadgen counts by. It draws nothing and has no clock of its own.

import { join, StreamedAnswer, WholeAnswer } from './answers.js';
import { Body } from './chunked.js';
import { Frames } from './frames.js';
import { answerBody, answerHead, hasToken, headEnd, MOST_HEAD_BYTES, requestBody, requestHead } from './http1.js';
import { payloadOf } from './packets.js';
import { Runs } from './runs.js';

export { KINDS } from './runs.js';

const NOTHING = new Uint8Array(0);

/** What a request costs until its answer says more. */
const REQUEST_KINDS = {
  poll: 'empty_polls',
  stream: 'handshake',
  sse: 'handshake',
  ws: 'handshake',
  publish: 'http_headers',
  other: 'http_headers',
  'sio-poll': 'empty_polls',
  'sio-post': 'http_headers',
  'sio-ws': 'handshake',
  // A session that polls tries a WebSocket out.
  'sio-upgrade': 'upgrade',
};
const POLLS = new Set(['poll', 'sio-poll']);

export class Dissector {
  #runs;
  #up = { pending: NOTHING, position: 0, read: this.#request, body: null };
  #down = { pending: NOTHING, position: 0, read: this.#answerHead, body: null };
  #asked = [];
  #answer = null;
  #frames = null;

  exchanges = [];
  messages = [];

  /** `limit` bounds the bytes that are kept for each direction, not those that are counted. */
  constructor(lane, limit) {
    this.lane = lane;
    this.#runs = new Runs(limit);
  }

  /** The bytes, as `{up, down}`. */
  get log() {
    return this.#runs.log;
  }

  /** Coarse spans in the order in which they were understood: a head, or a frame's header, is one. */
  get runs() {
    return this.#runs.list;
  }

  /** How many of the oldest runs are no longer there. */
  get forgotten() {
    return this.#runs.forgotten;
  }

  /** Every run in its finest parts; those of one direction follow one another without a hole. */
  get spans() {
    return this.runs.flatMap((run) => run.parts);
  }

  /** Bytes by kind; the sums are all bytes fed, whatever is still on its way. */
  get byKind() {
    return this.#runs.byKind;
  }

  feed(direction, bytes, at) {
    if (bytes.length === 0) return;
    this.log[direction].append(bytes);
    const side = direction === 'up' ? this.#up : this.#down;
    side.pending = join(side.pending, bytes);
    this.#read(side, at);
  }

  /** The connection is over: what is only half there is said to be so. */
  end(at) {
    if (this.#down.body?.endsWithConnection) this.#endAnswer();
    this.#answer?.breakOff();
    if (this.#answer instanceof StreamedAnswer) this.#answer.exchange.answerEnd = at;
    this.#answer = null;
    for (const [direction, side] of [['up', this.#up], ['down', this.#down]]) {
      const { pending, position } = side;
      if (pending.length > 0) {
        if (this.#frames) this.#frames[direction].breakOff(pending, position, at);
        else this.#runs.write(direction, position, position + pending.length, at, 'framing', 'broken-off');
      }
      Object.assign(side, { pending: NOTHING, position: position + pending.length, read: this.#over(direction) });
    }
  }

  #read(side, at) {
    const input = side.pending;
    let used = 0;
    while (used < input.length) {
      const taken = side.read.call(this, input.subarray(used), at);
      if (taken === 0) break;
      used += taken;
      side.position += taken;
    }
    side.pending = used === 0 ? input : input.slice(used);
  }

  /** From here on nothing is understood. */
  #over(direction) {
    return (input, at) => {
      const { position } = direction === 'up' ? this.#up : this.#down;
      this.#runs.write(direction, position, position + input.length, at, 'framing', 'unknown');
      return input.length;
    };
  }

  #lose(direction, input, at) {
    const side = direction === 'up' ? this.#up : this.#down;
    side.read = this.#over(direction);
    return side.read(input, at);
  }

  // -- up: requests ---------------------------------------------------------------------------------

  #request(input, at) {
    this.#up.since ??= at;
    const length = headEnd(input);
    if (length < 0) return input.length > MOST_HEAD_BYTES ? this.#lose('up', input, at) : 0;
    const head = requestHead(input.subarray(0, length));
    if (!head) return this.#lose('up', input, at);
    const route = routeOf(head);
    const { position, since } = this.#up;
    const { method, target } = head;
    const exchange = { ...UNANSWERED, isPoll: POLLS.has(route), method, target, requestAt: since, requestEnd: at, up: length, events: [] };
    const kind = REQUEST_KINDS[route];
    const run = this.#runs.write('up', position, position + length, since, kind, 'request-head', exchange);
    this.exchanges.push(exchange);
    this.#asked.push({ exchange, route, run });
    this.#up.since = null;
    const framing = requestBody(head);
    if (hasToken(head.headers.get('upgrade'), 'websocket')) this.#up.read = this.#waitForUpgrade;
    else if (route === 'sio-post' && framing.length > 0) this.#up.read = (body, when) => this.#packets(body, framing.length, when);
    else if (framing.length !== 0) Object.assign(this.#up, { body: new Body(framing), read: this.#requestBody });
    return length;
  }

  /** The packets of a POST, once all are there: what the weightiest is for, the whole exchange was for. */
  #packets(input, length, at) {
    if (input.length < length) return 0;
    const { exchange, run } = this.#asked.at(-1);
    const { kind, publishes, parts } = payloadOf(input.subarray(0, length), 'up');
    const kinds = publishes ? { head: 'http_headers', rest: 'framing' } : { head: kind, rest: kind };
    Object.assign(this.#asked.at(-1), { kinds });
    Object.assign(exchange, { up: exchange.up + length, requestEnd: at });
    this.#runs.relabel(run, kinds.head);
    let from = this.#up.position;
    for (const { length: bytes, part, kind: own } of parts) {
      const around = publishes ? 'packets' : kind;
      this.#runs.write('up', from, from + bytes, at, publishes && own === 'payload' ? own : around, part);
      from += bytes;
    }
    this.#up.read = this.#request;
    return length;
  }

  /** Frames or requests: only the answer will tell. */
  #waitForUpgrade() {
    return 0;
  }

  #requestBody(input, at) {
    const { body, position } = this.#up;
    const { what, bytes } = body.step(input);
    if (what === 'bad') return this.#lose('up', input, at);
    if (bytes > 0) {
      const exchange = this.exchanges.at(-1);
      exchange.up += bytes;
      exchange.requestEnd = at;
      const [kind, part] = what === 'data' ? ['payload', 'payload'] : ['framing', what];
      this.#runs.write('up', position, position + bytes, at, kind, part);
    }
    if (body.isDone) this.#up.read = this.#request;
    return bytes;
  }

  // -- down: answers --------------------------------------------------------------------------------

  #answerHead(input, at) {
    const asked = this.#asked[0];
    if (!asked) return this.#lose('down', input, at);
    const { exchange, route } = asked;
    if (exchange.answerAt === null) Object.assign(exchange, { answerAt: at, held: at - exchange.requestEnd });
    const length = headEnd(input);
    if (length < 0) return input.length > MOST_HEAD_BYTES ? this.#lose('down', input, at) : 0;
    const head = answerHead(input.subarray(0, length));
    if (!head) return this.#lose('down', input, at);
    const from = this.#down.position;
    const place = { from, to: from + length, at: exchange.answerAt };
    exchange.down += length;
    if (head.status === 101) this.#upgrade(asked, place, at);
    else if (head.status < 200) this.#runs.write('down', place.from, place.to, at, 'framing', 'answer-head');
    else {
      exchange.status = head.status;
      exchange.answerEnd = at;
      this.#asked.shift();
      const isStream = head.status === 200 && ['stream', 'sse'].includes(route);
      if (isStream) {
        exchange.answerEnd = null;
        this.#answer = new StreamedAnswer(route, this.#runs, place, this.messages);
      } else this.#answer = new WholeAnswer(asked, this.#runs, place);
      this.#answer.exchange = exchange;
      Object.assign(this.#down, { body: new Body(answerBody(head, exchange.method)), read: this.#answerBody });
      if (this.#down.body.isDone) this.#endAnswer();
      if (this.#up.read === this.#waitForUpgrade) this.#goOnUp(this.#request, at);
    }
    return length;
  }

  #upgrade({ exchange, route }, { from, to, at: since }, at) {
    Object.assign(exchange, { status: 101, answerEnd: at });
    this.#asked.shift();
    this.#runs.write('down', from, to, since, REQUEST_KINDS[route] === 'upgrade' ? 'upgrade' : 'handshake', 'answer-head', exchange);
    const frames = (direction) => new Frames(direction, this.#runs, this.messages, { carriesPackets: route.startsWith('sio-') });
    this.#frames = { up: frames('up'), down: frames('down') };
    this.#down.read = (input, when) => this.#frames.down.take(input, this.#down.position, when);
    this.#goOnUp((input, when) => this.#frames.up.take(input, this.#up.position, when), at);
  }

  #goOnUp(read, at) {
    this.#up.read = read;
    this.#read(this.#up, at);
  }

  #answerBody(input, at) {
    const { body, position } = this.#down;
    const { what, bytes } = body.step(input);
    if (what === 'bad') {
      this.#answer.breakOff();
      this.#answer = null;
      return this.#lose('down', input, at);
    }
    if (bytes > 0) {
      this.#answer.exchange.down += bytes;
      this.#answer.take(what, input.subarray(0, bytes), position, at);
    }
    if (body.isDone) this.#endAnswer();
    return bytes;
  }

  #endAnswer() {
    this.#answer.end();
    this.#answer = null;
    Object.assign(this.#down, { body: null, read: this.#answerHead });
  }
}

const UNANSWERED = {
  isPoll: false, method: '', target: '', requestAt: null, requestEnd: null, answerAt: null, answerEnd: null,
  status: null, up: 0, down: 0, empty: null, held: null, events: null,
};

/** What a request is for, told by its path. */
function routeOf({ method, target }) {
  const [path, query = ''] = target.split('?');
  if (path === '/socket.io/') return socketioRoute(method, new URLSearchParams(query));
  const name = /^\/.*rooms\/[^/]+\/([a-z-]+)$/.exec(path)?.[1];
  if (method === 'POST') return name === 'events' ? 'publish' : 'other';
  if (method !== 'GET') return 'other';
  return { poll: 'poll', 'long-poll': 'poll', stream: 'stream', sse: 'sse', ws: 'ws' }[name] ?? 'other';
}

function socketioRoute(method, query) {
  if (method === 'POST') return 'sio-post';
  if (method !== 'GET') return 'other';
  if (query.get('transport') !== 'websocket') return 'sio-poll';
  return query.has('sid') ? 'sio-upgrade' : 'sio-ws';
}

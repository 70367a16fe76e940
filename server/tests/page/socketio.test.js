// The Socket.IO client against a server that is played here, packet by packet: how it opens, moves to a
// WebSocket, acknowledges, comes back, and what it does when it is refused. The real servers are the browser
// tests' to ask.

import assert from 'node:assert/strict';
import { afterEach, test } from 'node:test';
import { subscribe } from '../../page/clients/socketio.js';
import { Engine } from '../../page/socketio/engine.js';
import { Packets, packetOf } from '../../page/socketio/packet.js';

const turns = () => new Promise((done) => setTimeout(done, 5));
const real = { fetch: globalThis.fetch, WebSocket: globalThis.WebSocket };
const stops = [];
afterEach(() => {
  for (const stop of stops.splice(0)) stop.abort();
  Object.assign(globalThis, real);
});

const EVENT = (id, data = 'x') => ({ id, type: 'chat', data });
const told = (message, cursor) => `42${JSON.stringify(['event', message, '峡谷', ...(cursor ? [cursor] : [])])}`;

/** One server for any number of sessions, one after the other; `said` is all that clients sent, with its way. */
class Played {
  said = [];
  sockets = [];
  sessions = 0;
  #held = null;
  #ready = [];
  hello = { upgrades: ['websocket'], pingInterval: 25_000, pingTimeout: 20_000, maxPayload: 100_000 };
  join = { cursor: 'e-4', missed: 0 };
  probes = true;

  constructor(settings = {}) {
    Object.assign(this, settings);
    globalThis.fetch = (address, options) => this.#fetch(new URL(address), options ?? {});
    const played = this;
    globalThis.WebSocket = class {
      constructor(address) {
        this.address = address;
        played.sockets.push(this);
        setTimeout(() => { if (played.probes) this.onopen?.(); });
      }

      send(packet) {
        played.#hear('frame', packet);
        if (packet === '2probe') setTimeout(() => { this.onmessage({ data: '3probe' }); played.#answer(['6']); }, 1);
      }

      close() {
        this.isClosed = true;
      }
    };
  }

  /** By whichever way the session is on. */
  tell(...packets) {
    const socket = this.sockets.at(-1);
    if (socket?.isMoved) for (const data of packets) socket.onmessage({ data });
    else this.#answer(packets);
  }

  #answer(packets) {
    if (this.#held) {
      this.#held(new Response(packets.join('\x1e')));
      this.#held = null;
    } else this.#ready.push(...packets);
  }

  #hear(way, packet) {
    this.said.push([way, packet]);
    if (packet === '5') setTimeout(() => {
      this.sockets.at(-1).isMoved = true;
      this.tell(...this.#ready.splice(0));
    });
    if (packet === '40') this.tell('40{"sid":"s"}');
    else if (packet.startsWith('420["join"')) this.tell(`430${JSON.stringify([this.join])}`);
  }

  async #fetch(address, { method = 'GET', body, signal }) {
    if (method === 'POST') {
      await turns();
      for (const packet of body.split('\x1e')) this.#hear('post', packet);
      return new Response('ok');
    }
    if (!address.searchParams.has('sid')) {
      this.sessions += 1;
      this.#ready = [];
      return new Response(`0${JSON.stringify({ sid: `sid ${this.sessions}`, ...this.hello })}`);
    }
    assert.equal(this.#held, null, 'two polls at once');
    return new Promise((resolve, reject) => {
      this.#held = resolve;
      signal.addEventListener('abort', () => { this.#held = null; reject(signal.reason); });
      if (this.#ready.length > 0) this.#answer(this.#ready.splice(0));
    });
  }
}

function listen(more = {}) {
  const stop = new AbortController();
  stops.push(stop);
  const seen = { events: [], states: [], notes: [], rests: [], send: null, stop };
  seen.done = subscribe({
    url: 'http://lab', room: encodeURIComponent('峡谷'), cursor: 'e-4', signal: stop.signal,
    onEvent: (event) => seen.events.push(event),
    onState: (state, detail) => {
      // Each poll is told of as well.
      if (state === 'asking' && seen.states.at(-1)?.[0] !== 'lost' && seen.states.length > 0) return;
      seen.states.push(detail ? [state, detail.cursor, detail.missed] : [state]);
      if (detail?.send) seen.send = detail.send;
    },
    onNote: (note) => seen.notes.push(note),
    rest: async (failures, signal, error) => {
      seen.rests.push([failures, error]);
      await turns();
    },
    ...more,
  });
  return seen;
}

async function until(holds, what) {
  for (let waited = 0; !holds(); waited += 1) {
    assert.ok(waited < 400, what);
    await turns();
  }
}

test('it opens with polls, joins at its cursor, and moves to a WebSocket that has proved itself', async () => {
  const server = new Played();
  const seen = listen();
  await until(() => server.sockets[0]?.isMoved, 'it never moved');
  await until(() => seen.states.length > 1, 'it never joined');
  assert.deepEqual(seen.states, [['asking'], ['open', 'e-4', 0]]);
  const join = ['join', { room: '峡谷', cursor: 'e-4' }];
  const joined = server.said.find(([, packet]) => packet.startsWith('420'));
  assert.deepEqual(JSON.parse(joined[1].slice(3)), join);
  assert.deepEqual(server.said.find(([way]) => way === 'post'), ['post', '40']);
  assert.ok(server.sockets[0].address.startsWith('ws://lab/socket.io/?EIO=4&transport=websocket&sid=sid%201'));
  server.tell(told(EVENT(5), 'e-5'), '2', told(EVENT(6), 'e-6'));
  assert.deepEqual(seen.events.map(({ id }) => id), [5, 6]);
  assert.deepEqual(server.said.at(-1), ['frame', '3']);
  seen.send('{"type":"chat","data":"你好","key":"k"}');
  assert.deepEqual(server.said.at(-1), ['frame', '421["publish",{"room":"峡谷","type":"chat","data":"你好","key":"k"}]']);
  seen.stop.abort();
  await seen.done;
  assert.deepEqual([server.said.at(-1), server.sockets[0].isClosed], [['frame', '1'], true]);
  server.sockets[0].onmessage({ data: '2' });
  assert.deepEqual(server.said.at(-1), ['frame', '1'], 'what comes after the end has no answer');
  assert.equal(seen.states.some(([state]) => state === 'lost'), false);
});

test('where the WebSocket is swallowed nothing waits for it: everything goes by polls', async () => {
  const server = new Played({ probes: false });
  const seen = listen();
  await until(() => seen.states.length > 1, 'it never joined');
  server.tell(told(EVENT(5), 'e-5'), told(EVENT(6), 'e-6'));
  await turns();
  server.tell('2');
  await until(() => server.said.some(([, packet]) => packet === '3'), 'the ping had no answer');
  seen.send('{"type":"chat","data":1}');
  await until(() => server.said.at(-1)[1].startsWith('421["publish"'), 'the line was not sent');
  assert.ok(server.said.every(([way]) => way === 'post'));
  assert.deepEqual(seen.events.map(({ id }) => id), [5, 6]);
  seen.stop.abort();
  await seen.done;
  assert.deepEqual(server.said.at(-1), ['post', '1']);
});

test('after a break another session goes on at the cursor, or where it may not resume, from now', async () => {
  for (const resume of [true, false]) {
    const server = new Played();
    const seen = listen({ resume });
    await until(() => server.sockets[0]?.isMoved, 'it never moved');
    server.tell(told(EVENT(5), 'e-5'));
    server.tell(told({ type: 'gap', missed: 3, cursor: 'e-8' }, 'e-8'));
    server.sockets[0].onclose({ code: 1006 });
    await until(() => server.sessions === 2 && server.said.filter(([, packet]) => packet.startsWith('420')).length === 2, 'it did not come back');
    assert.deepEqual(seen.states.slice(0, 5), [['asking'], ['open', 'e-4', 0], ['open', 'e-8', 3], ['lost'], ['asking']]);
    assert.deepEqual([seen.rests[0][0], seen.rests[0][1].code], [1, 1006]);
    const again = server.said.filter(([, packet]) => packet.startsWith('420')).at(-1)[1];
    assert.deepEqual(JSON.parse(again.slice(3))[1], { room: '峡谷', ...(resume && { cursor: 'e-8' }) });
    seen.stop.abort();
    await seen.done;
  }
});

test('a server that does not ping any more is gone', async () => {
  const server = new Played({ hello: { upgrades: [], pingInterval: 15, pingTimeout: 10, maxPayload: 100 } });
  const seen = listen();
  await until(() => server.sessions === 2, 'nobody noticed');
  assert.match(seen.rests[0][1].message, /did not ping/);
  assert.equal(server.sockets.length, 0);
  seen.stop.abort();
  await seen.done;
});

test('a refusal is told with its status, and the session is left behind properly', async () => {
  const server = new Played({ hello: { upgrades: [], pingInterval: 25_000, pingTimeout: 20_000, maxPayload: 1000 }, join: { type: 'error', status: 403, title: 'No entry', detail: 'Ask for a token.' } });
  const seen = listen();
  await until(() => seen.rests.length > 0, 'nothing was refused');
  const [, why] = seen.rests[0];
  assert.deepEqual([why.status, why.title, why.message], [403, 'No entry', 'Ask for a token.']);
  assert.ok(server.said.some(([, packet]) => packet === '1'));
  seen.stop.abort();
  await seen.done;
});

test('a publish that is refused is a note, other acknowledgements are nothing', async () => {
  const server = new Played();
  const seen = listen();
  await until(() => seen.send && server.sockets[0]?.isMoved, 'it never moved');
  server.tell('431[{"cursor":"e-5","offset":5}]', '432[{"type":"error","status":413,"title":"Too large"}]', told({ type: 'list', data: [] }));
  assert.deepEqual(seen.notes, [{ type: 'error', status: 413, title: 'Too large' }, { type: 'list', data: [] }]);
  seen.stop.abort();
  await seen.done;
});

test('what waits goes in bodies that the server takes', async () => {
  const bodies = [];
  globalThis.fetch = async (address, { method = 'GET', body, signal } = {}) => {
    if (method === 'GET' && !address.includes('sid=')) return new Response('0{"sid":"a","upgrades":[],"pingInterval":9000,"pingTimeout":9000,"maxPayload":20}');
    if (method === 'POST') {
      bodies.push(body.split('\x1e'));
      return new Response('ok');
    }
    return new Promise((_, reject) => signal.addEventListener('abort', () => reject(signal.reason)));
  };
  const stop = new AbortController();
  const engine = await Engine.open('http://lab', stop.signal);
  const over = engine.run(() => {}, () => {});
  // 9 + 1 + 9 bytes fit, with a third they do not; one that is too large alone goes alone.
  for (const text of ['峡谷ab', '峡谷cd', '峡谷ef', 'x'.repeat(40), 'y']) engine.send(text);
  await turns();
  for (let sent = 0; sent < 150; sent += 1) engine.send('');
  await turns();
  stop.abort(new Error('enough'));
  await assert.rejects(over, /enough/);
  assert.deepEqual(bodies.slice(0, 4), [['4峡谷ab'], ['4峡谷cd', '4峡谷ef'], [`4${'x'.repeat(40)}`], ['4y']]);
  assert.ok(bodies.every((packets) => packets.length <= 100 && (packets.length === 1 || packets.join('\x1e').length <= 20)));
  assert.equal(bodies.flat().filter((packet) => packet === '4').length, 150);
});

test('packets by the grammar, and binary data back in its place', () => {
  const whole = (text) => Object.values(packetOf(text));
  assert.deepEqual(whole('0{"sid":"a"}'), [0, 0, '/', null, { sid: 'a' }]);
  assert.deepEqual(whole('40/admin,{"a":1}'.slice(1)), [0, 0, '/admin', null, { a: 1 }]);
  assert.deepEqual(whole('1/admin'), [1, 0, '/admin', null, null]);
  assert.deepEqual(whole('312[\n"a"]'), [3, 0, '/', 12, ['a']]);
  assert.deepEqual(whole('52-/n,7["e"]'), [5, 2, '/n', 7, ['e']]);
  assert.throws(() => packetOf('x'), /no Socket.IO packet/);
  const packets = new Packets();
  assert.deepEqual(packets.text('2["event",1]').data, ['event', 1]);
  assert.equal(packets.text('52-["event",{"a":[{"_placeholder":true,"num":1}],"b":{"_placeholder":true,"num":0},"c":null}]'), null);
  assert.equal(packets.binary('AQ=='), null);
  assert.deepEqual(packets.binary('Ag==').data, ['event', { a: [{ $binary: 'Ag==' }], b: { $binary: 'AQ==' }, c: null }]);
  assert.equal(packets.binary('Aw=='), null, 'binary when none is due');
});

// The page's own Socket.IO client, run by node, against the Socket.IO server of npm and against ours: it moves
// to a WebSocket where it can and polls where it cannot, answers pings, and loses nothing over a cut.

import assert from 'node:assert/strict';
import { createServer } from 'node:http';
import { once } from 'node:events';
import { Server } from 'socket.io';
import { WebSocket } from 'ws';
import { subscribe } from '../../../../server/page/clients/socketio.js';
import { until } from '../chat.mjs';

const ROOM = '峡谷';
const EVENTS = 30;

/** What a proxy may make of an upgrade. */
const WAYS = {
  upgrade: { carrier: 'websocket' },
  'polling alone': { carrier: 'polling', transports: ['polling'] },
  'upgrade swallowed': { carrier: 'polling', onUpgrade: (socket) => socket.resume().on('error', () => {}).on('end', () => socket.end()) },
  'upgrade refused': { carrier: 'polling', onUpgrade: (socket) => socket.end('HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n') },
  'many pings': { carrier: 'websocket', pingInterval: 100 },
};

export default async function socketio(_, lab) {
  globalThis.WebSocket = Quiet;
  for (const [name, way] of Object.entries(WAYS)) {
    await theirs(way);
    console.log(`socketio, theirs, ${name}: ok`);
  }
  await ours(lab.url);
  console.log('socketio, ours: ok');
}

/** The browser's has no `error` that must be listened to. */
class Quiet extends WebSocket {
  constructor(address) {
    super(address);
    this.on('error', () => {});
  }
}

function listen(url) {
  const stop = new AbortController();
  const heard = { events: [], lost: 0, joined: 0, notes: [], send: null };
  const done = subscribe({
    url, room: encodeURIComponent(ROOM), cursor: '0', signal: stop.signal,
    onEvent: (event) => heard.events.push(event),
    onNote: (note) => heard.notes.push(note),
    onState: (state, detail) => {
      if (state === 'lost') heard.lost += 1;
      if (detail?.send) Object.assign(heard, { send: detail.send, joined: heard.joined + 1 });
    },
    rest: () => new Promise((rested) => { setTimeout(rested, 20); }),
  });
  return { heard, end: () => { stop.abort(); return done; } };
}

/** A room with a history on the server of npm, as ours has it. */
async function theirs({ carrier, onUpgrade, ...settings }) {
  const http = createServer();
  const io = new Server(http, { pingTimeout: 5000, ...settings });
  if (onUpgrade) http.removeAllListeners('upgrade').on('upgrade', (_, socket) => onUpgrade(socket));
  const history = [];
  const publish = (type, data) => {
    history.push({ id: history.length + 1, type, data });
    io.to(ROOM).emit('event', history.at(-1), ROOM, `e-${history.length}`);
  };
  io.on('connection', (socket) => {
    socket.on('join', ({ room, cursor = '0' }, acknowledge) => {
      const from = Number(cursor.split('-').at(-1));
      acknowledge({ cursor: `e-${from}`, missed: 0 });
      for (const event of history.slice(from)) socket.emit('event', event, room, `e-${event.id}`);
      socket.join(room);
    });
    socket.on('publish', ({ type, data }, acknowledge) => {
      publish(type, data);
      acknowledge({ cursor: `e-${history.length}`, offset: history.length });
    });
  });
  await once(http.listen(0, '127.0.0.1'), 'listening');
  const { heard, end } = listen(`http://127.0.0.1:${http.address().port}`);
  for (let n = 0; n < EVENTS; n += 1) {
    publish('tick', n % 7 === 3 ? { photo: Buffer.from([n, 255]) } : `第${n}`);
    if (n % 5 === 0) await new Promise((done) => setTimeout(done, 30));
  }
  await until(() => heard.events.length, EVENTS, 'all came');
  heard.send(JSON.stringify({ type: 'chat', data: '瑶' }));
  await until(() => heard.events.at(-1).data, '瑶', 'its own came back');
  const [socket] = io.of('/').sockets.values();
  await until(() => socket.conn.transport.name, carrier, 'what carries it');
  socket.conn.close();
  publish('tick', 'while it was away');
  await until(() => heard.events.at(-1).data, 'while it was away', 'it came back to what it had missed');
  assert.deepEqual(heard.events.map(({ id }) => id), history.map(({ id }) => id), 'each once, in order');
  assert.deepEqual(heard.events[3].data, { photo: { $binary: Buffer.from([3, 255]).toString('base64') } });
  assert.deepEqual([heard.lost, heard.joined], [1, 2]);
  await end();
  await until(() => io.engine.clientsCount, 0, 'it said goodbye');
  await io.close();
}

/** The same with our rooms; events are published from outside, and by itself. */
async function ours(url) {
  const address = new URL(`/rooms/${encodeURIComponent(ROOM)}/events`, url);
  const publish = async (data) => {
    const answer = await fetch(address, { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify({ type: 'tick', data }) });
    assert.equal(answer.status, 201, await answer.text());
  };
  const { heard, end } = listen(new URL(url).origin);
  for (let n = 0; n < EVENTS; n += 1) await publish(n % 7 === 3 ? { photo: { $binary: 'AP8=' } } : `第${n}`);
  await until(() => heard.events.length, EVENTS, 'all came');
  await until(() => heard.joined, 1, 'it is there');
  heard.send(JSON.stringify({ type: 'chat', data: '瑶', key: 'once' }));
  heard.send(JSON.stringify({ type: 'chat', data: '瑶', key: 'once' }));
  heard.send(JSON.stringify({ type: 'hello', data: 'the server’s own' }));
  await until(() => heard.notes.filter(({ type }) => type === 'error').map(({ status }) => status), [400], 'one is refused');
  await publish('last');
  await until(() => heard.events.at(-1).data, 'last', 'it goes on');
  assert.deepEqual(heard.events.map(({ id }) => id), Array.from({ length: EVENTS + 2 }, (_, at) => at + 1), 'each once, in order');
  assert.deepEqual(heard.events[3].data, { photo: { $binary: 'AP8=' } });
  await end();
}

// One room, and everybody in it over another transport: WebSocket, EventSource and the real Socket.IO client in a
// browser, the real socket.io-client on each of its paths, SSE, HTTP streaming and both polls from Node. All see
// one sequence, bytes, scripts and sizes included, and one SHA-256 says so.

import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { setTimeout as rest } from 'node:timers/promises';
import { PATHS, until } from './guest.mjs';
import { fetchPackage } from './packages.mjs';
import { site } from './pages.mjs';

const ROOM = '峡谷';

/** An event as text that does not hang on who parsed it: keys in the order of the alphabet, bytes as `$binary`. */
function canonical(value) {
  if (Buffer.isBuffer(value)) return canonical({ $binary: value.toString('base64') });
  if (Array.isArray(value)) return `[${value.map(canonical)}]`;
  if (value === null || typeof value !== 'object') return JSON.stringify(value);
  return `{${Object.keys(value).toSorted().map((key) => `${JSON.stringify(key)}:${canonical(value[key])}`)}}`;
}

const digest = (events) => createHash('sha256').update(events.map(canonical).join('\n')).digest('hex');

/** Reads a response as it comes and gives each part that ends with `end`. */
async function* parts(stage, url, end) {
  const leave = new AbortController();
  stage.onEnd(() => leave.abort());
  const answer = await fetch(url, { signal: leave.signal });
  assert.equal(answer.status, 200);
  let text = '';
  for await (const more of answer.body.pipeThrough(new TextDecoderStream())) {
    const whole = (text + more).split(end);
    text = whole.pop();
    yield* whole;
  }
}

/** Asks again and again, each time from where it is. */
async function* polled(stage, url, pause) {
  const leave = new AbortController();
  stage.onEnd(() => leave.abort());
  for (let cursor = '0'; ; await rest(pause)) {
    const answer = await fetch(`${url}cursor=${cursor}`, { signal: leave.signal });
    if (answer.status === 204) continue;
    const batch = await answer.json();
    assert.equal(batch.missed, 0);
    cursor = batch.cursor;
    yield* batch.events;
  }
}

async function* dataOf(blocks) {
  for await (const block of blocks) {
    const lines = block.split('\n').filter((line) => line.startsWith('data: '));
    if (lines.length > 0) yield lines.map((line) => line.slice(6)).join('\n');
  }
}

async function* parsed(texts) {
  for await (const text of texts) if (text) yield JSON.parse(text);
}

/** Keeps the events among the messages; gives the growing list. */
function keep(messages) {
  const events = [];
  (async () => {
    for await (const message of messages) {
      assert.notEqual(message.type, 'gap');
      if (message.id !== undefined) events.push(message);
    }
  })().catch((error) => {
    if (error.name !== 'AbortError') throw error;
  });
  return () => events;
}

/** Reads by what Node has. */
const readers = (stage, room) => ({
  'interval polling': keep(polled(stage, `${room}/poll?`, 20)),
  'long polling': keep(polled(stage, `${room}/long-poll?hold=1s&`, 0)),
  'HTTP streaming': keep(parsed(parts(stage, `${room}/stream?cursor=0`, '\n'))),
  SSE: keep(parsed(dataOf(parts(stage, `${room}/sse?cursor=0`, '\n\n')))),
});

/** Runs in the browser: listens in three ways, and can speak in two. */
function listenInPage({ server, room }) {
  const path = `/rooms/${encodeURIComponent(room)}`;
  const heard = { WebSocket: [], EventSource: [], 'Socket.IO': [] };
  const socket = new WebSocket(`${server.replace('http', 'ws')}${path}/ws?cursor=0`);
  socket.onmessage = ({ data }) => heard.WebSocket.push(JSON.parse(data));
  new EventSource(`${server}${path}/sse?cursor=0`).onmessage = ({ data }) => heard.EventSource.push(JSON.parse(data));
  const guest = globalThis.io(server);
  // Playwright passes no ArrayBuffer on.
  const asText = (value) => {
    if (value instanceof ArrayBuffer) return { $binary: btoa(String.fromCharCode(...new Uint8Array(value))) };
    if (Array.isArray(value)) return value.map(asText);
    if (value === null || typeof value !== 'object') return value;
    return Object.fromEntries(Object.entries(value).map(([key, one]) => [key, asText(one)]));
  };
  guest.on('event', (event) => heard['Socket.IO'].push(asText(event)));
  guest.emit('join', { room, cursor: '0' });
  globalThis.heard = heard;
  globalThis.speak = {
    WebSocket: (data) => socket.send(JSON.stringify({ type: 'chat', data })),
    'Socket.IO': (data) => guest.emitWithAck('publish', { room, type: 'chat', data: { data, bytes: new Uint8Array([0, 128, 255]).buffer } }),
  };
  return new Promise((tell) => {
    socket.onopen = () => guest.io.engine.on('upgrade', tell);
  });
}

async function inBrowser(stage, server, page) {
  const { tab } = await stage.tab(page);
  await tab.evaluate(listenInPage, { server: server.url, room: ROOM });
  const heard = {};
  for (const name of ['WebSocket', 'EventSource', 'Socket.IO']) {
    heard[`${name} in a browser`] = async () => (await tab.evaluate((name) => globalThis.heard[name], name)).filter(({ id }) => id !== undefined);
  }
  const speak = (name) => (data) => tab.evaluate(({ name, data }) => globalThis.speak[name](data), { name, data });
  return { heard, speakers: [speak('WebSocket'), speak('Socket.IO')] };
}

/** Of many scripts and many lengths, and numbers that a double cannot hold are no one's business here. */
const TEXTS = ['', '瑶', '峡谷 \u2028\u200d\ufff0', '👨‍👩‍👧', 'a\r\nb\u0000c\u001ed', '\ufeff', '{"id":7}', ...[1, 90, 200, 1_000, 5_000, 15_000].map((size) => 'x'.repeat(size))];

export const checks = {
  async 'everybody sees one sequence, in one SHA-256'(stage) {
    const page = await site(stage, () => `<!doctype html><title>room</title><script src="${server.url}/socket.io/socket.io.js"></script>`);
    // A client that is cut while it upgrades notices by its heartbeat.
    const heartbeat = ['--eio-ping-interval', '1s', '--eio-ping-timeout', '2s'];
    const server = await stage.serve(...heartbeat, '--allow-origin', page, '--socketio-client', fetchPackage.resolve('socket.io-client/dist/socket.io.js'));
    const heard = readers(stage, `${server.url}/rooms/${encodeURIComponent(ROOM)}`);
    const line = await stage.line(server);
    const guests = [];
    for (const [path, options] of Object.entries(PATHS)) {
      const guest = await stage.guest(line.url, options).connected();
      await guest.join(ROOM, '0');
      guests.push(guest);
      heard[`Socket.IO by ${path}`] = () => guest.heard.map(({ event }) => event).filter(({ id }) => id !== undefined);
    }
    const browser = await inBrowser(stage, server, page);
    Object.assign(heard, browser.heard);

    // Some speak who are never cut, all at once; those behind the line are cut amid it.
    const steady = await stage.guest(server.url, PATHS.websocket).connected();
    const speakers = [
      (text) => server.publish(ROOM, text),
      (text) => steady.publish(ROOM, { text, bytes: Buffer.from(text), more: [Buffer.alloc(0), [text]] }),
      ...browser.speakers,
    ];
    const talk = Promise.all(speakers.map(async (speak) => {
      for (const text of [...TEXTS, ...TEXTS]) await speak(text);
    }));
    for (let times = 1; times <= 2; times += 1) {
      await rest(100);
      for (const guest of guests) await guest.settled(times);
      // Between two polls there is nothing to cut.
      await until(() => {
        line.cut();
        return guests.every(({ ended }) => ended.length >= times);
      }, 'cut');
    }
    await talk;
    const said = speakers.length * TEXTS.length * 2;
    const sums = {};
    for (const [name, events] of Object.entries(heard)) {
      await until(async () => (await events()).length >= said, `${said} events over ${name}`);
      const all = await events();
      assert.deepEqual(all.map(({ id }) => id), Array.from({ length: said }, (_, number) => number + 1), name);
      sums[name] = digest(all);
    }
    assert.equal(Object.keys(sums).length, 10);
    assert.equal(new Set(Object.values(sums)).size, 1, JSON.stringify(sums, null, 2));
    assert.ok(guests.every(({ recovered }) => recovered.slice(1).every(Boolean)), 'each was taken up after each cut');
    return `10 clients, ${said} events, ${sums.SSE}`;
  },
};

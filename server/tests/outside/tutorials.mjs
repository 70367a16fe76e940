// The examples that tutorials of WebSocket and Socket.IO show, as they stand there, but for the address. They
// run in Node and in a real browser.

import assert from 'node:assert/strict';
import { once } from 'node:events';
import { setTimeout as rest } from 'node:timers/promises';
import { until } from './guest.mjs';
import { fetchPackage } from './packages.mjs';
import { site } from './pages.mjs';

const WebSocket = fetchPackage('ws');
const { io } = fetchPackage('socket.io-client');

/** A page that sends what one types and shows what comes, and knows nothing of this server. */
const plainPage = (address) => `<!doctype html>
<meta charset="utf-8">
<title>WebSocket test</title>
<input id="message"><button id="send">Send</button>
<ul id="messages"></ul>
<script>
  const socket = new WebSocket('${address}');
  const show = (text) => {
    const line = document.createElement('li');
    line.textContent = text;
    document.getElementById('messages').append(line);
  };
  socket.onopen = () => show('connected');
  socket.onmessage = (message) => show(message.data);
  socket.onclose = () => show('closed');
  document.getElementById('send').onclick = () => {
    socket.send(document.getElementById('message').value);
  };
</script>`;

/** The same with the client that the server serves. */
const socketioPage = (server) => `<!doctype html>
<meta charset="utf-8">
<title>Socket.IO test</title>
<input id="message"><button id="send">Send</button>
<ul id="messages"></ul>
<script src="${server}/socket.io/socket.io.js"></script>
<script>
  const socket = io('${server}');
  const show = (text) => {
    const line = document.createElement('li');
    line.textContent = text;
    document.getElementById('messages').append(line);
  };
  socket.on('connect', () => {
    socket.emit('join', { room: 'KPL' }, () => show('joined'));
  });
  socket.io.engine.on('upgrade', (transport) => show('upgraded to ' + transport.name));
  socket.on('event', (event) => show(event.data));
  document.getElementById('send').onclick = () => {
    socket.emit('publish', { room: 'KPL', type: 'chat', data: document.getElementById('message').value });
  };
</script>`;

const shown = (tab) => tab.locator('#messages li').allTextContents();

async function say(tab, text) {
  await tab.locator('#message').fill(text);
  await tab.locator('#send').click();
}

/** What a plain WebSocket is told of: the text of the events among the messages. */
const talk = (messages) => messages.map((message) => JSON.parse(message)).filter(({ id }) => id).map(({ data }) => data);

export const checks = {
  async 'in a browser: a page with new WebSocket, which sends plain text and shows what comes'(stage) {
    let address;
    const page = await site(stage, () => plainPage(address));
    const server = await stage.serve('--allow-origin', page);
    address = `ws://127.0.0.1:${server.port}/rooms/KPL/ws`;
    const [one, two] = [await stage.tab(page), await stage.tab(page)];
    for (const { tab } of [one, two]) await until(async () => (await shown(tab)).includes('connected'), 'connected');
    await say(one.tab, 'hello, 峡谷');
    await say(two.tab, '{"not": "json');
    for (const { tab, complaints } of [one, two]) {
      const said = async () => talk((await shown(tab)).slice(1)).toSorted();
      await until(async () => (await said()).length === 2, 'both lines');
      assert.deepEqual(await said(), ['hello, 峡谷', '{"not": "json'].toSorted());
      assert.deepEqual(complaints, []);
    }
  },

  async 'in Node: a client with ws, which does the same'(stage) {
    const server = await stage.serve();
    const address = `ws://127.0.0.1:${server.port}/rooms/KPL/ws`;
    const heard = [];
    const ws = new WebSocket(address);
    const other = new WebSocket(address);
    other.on('message', (message) => heard.push(message.toString()));
    await Promise.all([once(ws, 'open'), once(other, 'open')]);
    await until(() => heard.length === 1, 'hello');
    ws.on('error', console.error);
    ws.send('something');
    ws.send('瑶');
    await until(() => heard.length === 3, 'what was sent');
    assert.deepEqual(talk(heard), ['something', '瑶']);
    ws.close();
    other.close();
    await Promise.all([once(ws, 'close'), once(other, 'close')]);
  },

  async "in Node: socket.io-client with transports: ['websocket']"(stage) {
    const server = await stage.serve();
    const socket = io(server.url, { transports: ['websocket'] });
    stage.onEnd(() => socket.close());
    const heard = [];
    socket.on('event', (event) => heard.push(event));
    socket.on('connect', () => socket.emit('join', { room: 'KPL' }, () => {
      socket.emit('publish', { room: 'KPL', type: 'chat', data: 'hello from the client' });
    }));
    await until(() => heard.length === 1, 'its own line');
    assert.deepEqual(heard, [{ id: 1, type: 'chat', data: 'hello from the client' }]);
    assert.equal(socket.io.engine.transport.name, 'websocket');
    const requests = (await server.usage()).transports.socketio.requests;
    assert.equal(requests, 1, 'one handshake and no poll');
  },

  async 'in Node: five heroes in KPL, whose talk reaches everyone but the one who talks'(stage) {
    const server = await stage.serve();
    const names = ['瑶', '云缨', '亚瑟', '妲己', '后羿'];
    const heroes = names.map((name) => ({ name, heard: [], socket: io(server.url, { forceNew: true }) }));
    for (const { socket, heard } of heroes) {
      stage.onEnd(() => socket.close());
      socket.on('event', ({ data }) => heard.push(data.text));
      await socket.emitWithAck('join', { room: 'KPL' });
    }
    // A room beside it hears nothing of theirs.
    const stranger = stage.guest(server.url);
    await stranger.join('elsewhere');
    for (const { name, socket } of heroes) {
      const data = { name, text: `${name} speaks` };
      await socket.emitWithAck('publish', { room: 'KPL', type: 'chat', data, echo: false });
    }
    for (const { name, heard } of heroes) {
      await until(() => heard.length === 4, () => `${name} hears four, not ${heard}`);
      assert.deepEqual(heard, names.filter((other) => other !== name).map((other) => `${other} speaks`));
    }
    // What must not come has had its time.
    await rest(200);
    assert.deepEqual(heroes.map(({ heard }) => heard.length), [4, 4, 4, 4, 4]);
    assert.deepEqual(stranger.heard, []);
  },

  async 'in a browser: a page with the real client of /socket.io/socket.io.js, which comes by polling and upgrades'(stage) {
    const client = fetchPackage.resolve('socket.io-client/dist/socket.io.js');
    let server;
    const page = await site(stage, () => socketioPage(server.url));
    server = await stage.serve('--allow-origin', page, '--socketio-client', client);
    const served = await fetch(`${server.url}/socket.io/socket.io.js`);
    assert.equal(served.status, 200);
    assert.match(served.headers.get('content-type'), /^(text|application)\/javascript/);
    assert.match(await served.text(), /Socket\.IO v4\.8/);

    const [one, two] = [await stage.tab(page), await stage.tab(page)];
    for (const { tab } of [one, two]) {
      await until(async () => (await shown(tab)).includes('joined'), 'joined');
      await until(async () => (await shown(tab)).includes('upgraded to websocket'), 'upgraded');
    }
    await say(one.tab, '瑶 speaks');
    await until(async () => (await shown(two.tab)).includes('瑶 speaks'), 'heard by the other');
    await say(two.tab, 'so does 云缨');
    for (const { tab, complaints } of [one, two]) {
      await until(async () => (await shown(tab)).includes('so does 云缨'), 'heard by both');
      assert.deepEqual((await shown(tab)).slice(-2), ['瑶 speaks', 'so does 云缨']);
      assert.deepEqual(complaints, []);
    }
  },

  async 'in a browser: the real client on a page of the server, under its Content-Security-Policy'(stage) {
    const server = await stage.serve('--socketio-client', fetchPackage.resolve('socket.io-client/dist/socket.io.js'));
    const { tab, complaints } = await stage.tab(`${server.url}/chat`);
    await tab.addScriptTag({ url: '/socket.io/socket.io.js' });
    const heard = await tab.evaluate(async () => {
      const socket = globalThis.io();
      const upgraded = new Promise((tell) => socket.io.engine.once('upgrade', ({ name }) => tell(name)));
      const event = new Promise((tell) => socket.on('event', (...what) => tell(what)));
      await socket.emitWithAck('join', { room: '峡谷' });
      const transport = await upgraded;
      const { cursor } = await socket.emitWithAck('publish', { room: '峡谷', type: 'chat', data: '瑶' });
      return { transport, cursor, event: await event };
    });
    assert.equal(heard.transport, 'websocket');
    assert.deepEqual(heard.event, [{ id: 1, type: 'chat', data: '瑶' }, '峡谷', heard.cursor]);
    assert.deepEqual(complaints, []);
  },

  async 'in Node: /socket.io/socket.io.js is 404 where the operator names no file'(stage) {
    const server = await stage.serve();
    assert.equal((await fetch(`${server.url}/socket.io/socket.io.js`)).status, 404);
  },
};

// The real socket.io-client on each of its three paths: the way in, rooms, acknowledgements, binary data,
// what a publisher is spared, what is volatile, and who is not let in.

import assert from 'node:assert/strict';
import { PATHS, refusal, until } from './guest.mjs';
import { fetchPackage } from './packages.mjs';

const WebSocket = fetchPackage('ws');

export const checks = {
  async 'each path leads to the transport it names'(stage) {
    const server = await stage.serve();
    const ways = {};
    for (const [path, options] of Object.entries(PATHS)) {
      const began = performance.now();
      // Polls that use their connection again, as the client does by itself.
      const guest = await stage.guest(server.url, { ...options, agent: undefined }).connected();
      ways[path] = `${Math.round(performance.now() - began)} ms`;
      if (path !== 'upgrade') assert.equal(guest.transport, path);
      if (path === 'upgrade') {
        // Without care an upgrade waits until the held poll ends, which takes a ping interval of 25 s.
        const upgrade = await guest.upgraded();
        assert.ok(upgrade < 10_000, `upgraded after ${upgrade} ms`);
        ways[path] += `, upgraded ${upgrade.toFixed(1)} ms after the handshake`;
      }
      assert.match(guest.socket.id, /^\S{16,}$/);
      assert.equal((await guest.join('峡谷')).missed, 0);
      assert.equal(guest.ended.length, 0);
    }
    return JSON.stringify(ways);
  },

  async 'an upgrade amid talk loses, repeats and reorders nothing'(stage) {
    const server = await stage.serve();
    const speaker = await stage.guest(server.url, PATHS.websocket).connected();
    const took = [];
    for (let round = 0; round < 10; round += 1) {
      const room = `峡谷 ${round}`;
      const guest = await stage.guest(server.url, PATHS.upgrade).connected();
      const joined = guest.join(room, '0');
      let said = 0;
      while (guest.transport !== 'websocket' || said < 30) {
        await speaker.publish(room, said);
        // Its own packets go both ways while it upgrades.
        if (said % 5 === 0) await guest.ask('leave', { room: 'elsewhere' });
        said += 1;
        assert.ok(said < 5_000, 'never upgraded');
      }
      took.push(said);
      await joined;
      assert.deepEqual(await guest.hear(room, said), Array.from({ length: said }, (_, number) => number));
      guest.close();
    }
    return `upgraded within ${Math.max(...took)} events`;
  },

  async 'who joins hears, who leaves does not, and rooms are apart'(stage) {
    const server = await stage.serve();
    for (const [path, options] of Object.entries(PATHS)) {
      const [room, other] = [`峡谷 ${path}`, `KPL ${path}`];
      const hearer = await stage.guest(server.url, options).connected();
      const { cursor } = await hearer.join(room);
      assert.match(cursor, /^[^-]+-0$/);
      await server.publish(other, 'not for the hearer');
      const said = await server.publish(room, '瑶');
      await hearer.hear(room, 1);
      assert.deepEqual(hearer.heard, [{ event: { id: 1, type: 'chat', data: '瑶' }, room, cursor: said.cursor }]);

      const fromTheStart = await hearer.join(other, '0');
      assert.equal(fromTheStart.missed, 0);
      assert.match(fromTheStart.cursor, /^[^-]+-0$/);
      assert.deepEqual(await hearer.hear(other, 1), ['not for the hearer']);
      assert.deepEqual(await hearer.ask('leave', { room }), {});
      await server.publish(room, 'left');
      await server.publish(other, 'stayed');
      assert.deepEqual(await hearer.hear(other, 2), ['not for the hearer', 'stayed']);
      assert.deepEqual(hearer.data(room), ['瑶']);
      // It comes again with its cursor and misses nothing.
      await hearer.join(room, said.cursor);
      assert.deepEqual(await hearer.hear(room, 2), ['瑶', 'left']);
    }
  },

  async 'a publish is acknowledged with its place, a bad one with the reason, and the connection lives'(stage) {
    const server = await stage.serve();
    for (const [path, options] of Object.entries(PATHS)) {
      const room = `峡谷 ${path}`;
      const guest = await stage.guest(server.url, options).connected();
      await guest.join(room);
      const answers = await Promise.all(Array.from({ length: 50 }, (_, number) => guest.publish(room, number)));
      assert.deepEqual(answers.map(({ offset }) => offset), Array.from({ length: 50 }, (_, number) => number + 1));
      await guest.hear(room, 50);
      assert.deepEqual(answers.map(({ cursor }) => cursor), guest.heard.map(({ cursor }) => cursor));
      assert.deepEqual(guest.data(room), Array.from({ length: 50 }, (_, number) => number));

      for (const [name, what, status] of [
        ['publish', { room, type: 'chat', data: 'x'.repeat(70_000) }, 413],
        ['publish', { room, type: 'hello', data: 1 }, 400],
        ['publish', { room, data: 1 }, 400],
        ['publish', 'no object', 400],
        ['join', { room: 'x'.repeat(65) }, 400],
        ['join', { room, cursor: 'none' }, 400],
        ['leave', {}, 400],
      ]) {
        const answer = await guest.ask(name, what);
        assert.deepEqual([answer.type, answer.status], ['error', status], `${name} ${JSON.stringify(what).slice(0, 60)}: ${JSON.stringify(answer)}`);
        assert.ok(answer.title && answer.detail, JSON.stringify(answer));
      }
      // Without an acknowledgement the reason is an event.
      guest.socket.emit('publish', { room, type: 'left', data: 1 });
      await until(() => guest.heard.length > 50, 'the reason comes');
      const { event } = guest.heard[50];
      assert.deepEqual([event.type, event.status], ['error', 400]);
      // An answer that nobody waits for harms nobody.
      guest.socket.packet({ type: 3, id: 77, data: ['峡谷'] });
      await guest.publish(room, 'alive');
      assert.equal(guest.ended.length, 0);
    }
  },

  async 'acknowledgements bear binary data both ways'(stage) {
    const server = await stage.serve('--conformance');
    for (const options of Object.values(PATHS)) {
      const guest = stage.guest(server.url, { ...options, auth: { greeting: '峡谷' } });
      const auth = new Promise((tell) => guest.socket.on('auth', tell));
      assert.deepEqual(await auth, { greeting: '峡谷' });
      const bytes = Buffer.from(Array.from({ length: 256 }, (_, byte) => byte));
      const answer = new Promise((tell) => guest.socket.emit('message-with-ack', '瑶', bytes, { deep: [Buffer.alloc(0), 1.5] }, (...what) => tell(what)));
      assert.deepEqual(await answer, ['瑶', bytes, { deep: [Buffer.alloc(0), 1.5] }]);
      const back = new Promise((tell) => guest.socket.on('message-back', (...what) => tell(what)));
      guest.socket.emit('message', bytes, { nested: bytes });
      assert.deepEqual(await back, [bytes, { nested: bytes }]);
    }
  },

  async 'bytes go in as bytes and come out as bytes, and as $binary where there is only JSON'(stage) {
    const server = await stage.serve();
    const bytes = Buffer.from(Array.from({ length: 256 }, (_, byte) => byte));
    const inJson = { $binary: bytes.toString('base64') };
    const room = '峡谷';
    const guests = [];
    for (const options of Object.values(PATHS)) {
      const guest = await stage.guest(server.url, options).connected();
      await guest.join(room);
      guests.push(guest);
    }
    const socket = new WebSocket(`ws://127.0.0.1:${server.port}/rooms/${encodeURIComponent(room)}/ws`);
    stage.onEnd(() => socket.close());
    const plain = [];
    socket.on('message', (text) => plain.push(JSON.parse(text)));
    await until(() => plain.length > 0, 'hello');

    const wanted = [];
    for (const guest of guests) {
      await guest.publish(room, bytes);
      await guest.publish(room, { picture: bytes, more: [Buffer.alloc(0), { 瑶: bytes }] });
      wanted.push(bytes, { picture: bytes, more: [Buffer.alloc(0), { 瑶: bytes }] });
    }
    socket.send(JSON.stringify({ type: 'chat', data: { from: 'JSON', ...inJson } }));
    socket.send(JSON.stringify({ type: 'chat', data: [inJson, inJson] }));
    // What is no base64 is not bytes, and what looks like a place for bytes is none.
    socket.send(JSON.stringify({ type: 'chat', data: { $binary: 'no base64!' } }));
    socket.send(JSON.stringify({ type: 'chat', data: [{ _placeholder: true, num: 0 }, inJson] }));
    await until(() => plain.length === 11, () => `${plain.length} of 11 messages`);
    const wantedInJson = { picture: inJson, more: [{ $binary: '' }, { 瑶: inJson }] };
    assert.deepEqual(plain.slice(1, 7).map(({ data }) => data), [inJson, wantedInJson, inJson, wantedInJson, inJson, wantedInJson]);
    for (const guest of guests) {
      await guest.hear(room, 10);
      const heard = guest.heard.map(({ event }) => event);
      assert.deepEqual(heard.slice(0, 6).map(({ data }) => data), wanted);
      assert.deepEqual(heard[7].data, [bytes, bytes]);
      assert.deepEqual(heard[8].data, { $binary: 'no base64!' });
      assert.deepEqual(heard[9].data, [{ _placeholder: true, num: 0 }, inJson]);
      assert.deepEqual(heard.map(({ id }) => id), plain.slice(1).map(({ id }) => id));
      assert.equal(guest.ended.length, 0);
    }
  },

  async 'echo: false spares the sender and nobody else'(stage) {
    const server = await stage.serve();
    for (const [path, options] of Object.entries(PATHS)) {
      const room = `KPL ${path}`;
      const guests = [];
      for (const own of [options, ...Object.values(PATHS)]) {
        const guest = await stage.guest(server.url, own).connected();
        await guest.join(room);
        guests.push(guest);
      }
      const [sender, ...others] = guests;
      assert.equal((await sender.publish(room, 'spared', { echo: false })).offset, 1);
      await sender.publish(room, 'echoed', { echo: true });
      await sender.publish(room, 'echoed as well');
      for (const other of others) assert.deepEqual(await other.hear(room, 3), ['spared', 'echoed', 'echoed as well']);
      assert.deepEqual(await sender.hear(room, 2), ['echoed', 'echoed as well']);
    }
  },

  async 'what is volatile is not kept while one is away, what is not is sent once'(stage) {
    const server = await stage.serve();
    for (const [path, options] of Object.entries(PATHS)) {
      const room = `峡谷 ${path}`;
      const line = await stage.line(server);
      const guest = await stage.guest(line.url, options).settled();
      await guest.join(room);
      // Volatile is also what finds a POST on its way.
      await until(() => guest.socket.io.engine.transport.writable, 'nothing is on its way');
      guest.socket.volatile.emit('publish', { room, type: 'chat', data: 'volatile, and here' });
      await guest.hear(room, 1);
      // The client holds the transport it has lost for one that can be written to until it tries another.
      const tried = new Promise((tell) => guest.socket.io.once('reconnect_error', tell));
      line.down();
      await tried;
      guest.socket.volatile.emit('publish', { room, type: 'chat', data: 'volatile, and away' });
      guest.socket.emit('publish', { room, type: 'chat', data: 'kept' });
      line.mend();
      await guest.connected(2);
      assert.deepEqual(await guest.hear(room, 2), ['volatile, and here', 'kept']);
      await guest.publish(room, 'after');
      assert.deepEqual(await guest.hear(room, 3), ['volatile, and here', 'kept', 'after']);
    }
  },

  async 'a namespace that is none is refused, and the main one is not harmed'(stage) {
    const server = await stage.serve();
    for (const options of Object.values(PATHS)) {
      const main = await stage.guest(server.url, options).connected();
      const other = main.socket.io.socket('/峡谷');
      assert.equal((await refusal(other)).message, 'Invalid namespace');
      await main.join('KPL');
      assert.equal(main.ended.length, 0);
    }
  },

  async 'a user comes by a token or a cookie, and who says to be one and is none does not come in'(stage) {
    const server = await stage.serve();
    const user = await server.session('瑶');
    const signed = await fetch(`${server.url}/session`, {
      method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify({ name: '云缨' }),
    });
    const cookie = signed.headers.get('set-cookie').split(';')[0];
    for (const [path, options] of Object.entries(PATHS)) {
      const room = `峡谷 ${path}`;
      const forged = stage.guest(server.url, { ...options, auth: { token: `${user.token.slice(0, -1)}-` }, reconnection: false });
      assert.equal((await refusal(forged.socket)).message, 'Invalid user');
      const named = await stage.guest(server.url, { ...options, auth: { token: user.token } }).connected();
      const other = await stage.guest(server.url, { ...options, extraHeaders: { cookie } }).connected();
      await named.join(room);
      await until(() => named.heard.some(({ event }) => event.type === 'list'), 'who is here');
      await other.join(room);
      await other.publish(room, 'by cookie');
      await until(() => named.heard.some(({ event }) => event.data === 'by cookie'), 'heard');
      const seen = named.heard.filter(({ event }) => event.id).map(({ event }) => [event.type, event.user.name]);
      assert.deepEqual(seen, [['join', '瑶'], ['join', '云缨'], ['chat', '云缨']]);
      named.close();
      other.close();
    }
  },

  async 'heartbeats keep a silent client, and a client that does not answer goes'(stage) {
    const server = await stage.serve('--eio-ping-interval', '100ms', '--eio-ping-timeout', '200ms');
    for (const options of Object.values(PATHS)) {
      const guest = await stage.guest(server.url, options).connected();
      let pings = 0;
      guest.socket.io.on('ping', () => { pings += 1; });
      await until(() => pings >= 5, 'five pings');
      assert.deepEqual([guest.ended, guest.recovered.length], [[], 1]);
      // It hears pings, and its answers go nowhere.
      const { engine } = guest.socket.io;
      engine._sendPacket = () => {};
      await until(() => guest.ended.length > 0, 'ended');
      guest.close();
    }
  },
};

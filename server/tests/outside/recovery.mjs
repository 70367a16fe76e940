// What the real socket.io-client has after its connection is lost: the same session with nothing lost where
// the server still knows it, a new one that goes on from its cursors where it does not.

import assert from 'node:assert/strict';
import { setTimeout as rest } from 'node:timers/promises';
import { PATHS, until } from './guest.mjs';

const numbers = (count) => Array.from({ length: count }, (_, number) => number);

/** Pseudo-random numbers below 1 that are the same in every run. */
function* chances(seed) {
  for (let state = seed; ;) {
    state = (state * 1_103_515_245 + 12_345) % 2_147_483_648;
    yield state / 2_147_483_648;
  }
}

export const checks = {
  async 'after a cut the session is the same, and what was said meanwhile comes once'(stage) {
    const server = await stage.serve();
    for (const path of Object.keys(PATHS)) {
      const room = `峡谷 ${path}`;
      const line = await stage.line(server);
      const guest = await stage.guest(line.url, PATHS[path]).settled();
      const { id } = guest.socket;
      await guest.join(room);
      await server.publish(room, 0);
      await guest.hear(room, 1);
      for (let round = 1; round <= 5; round += 1) {
        await guest.settled(round);
        line.down();
        await until(() => !guest.socket.connected, 'cut');
        for (let one = 1; one <= 3; one += 1) await server.publish(room, guest.heard.length + one - 1);
        line.mend();
        await guest.connected(round + 1);
        assert.equal(guest.socket.recovered, true, `${path}, round ${round}`);
        assert.equal(guest.socket.id, id);
        assert.deepEqual(await guest.hear(room, 1 + 3 * round), numbers(1 + 3 * round));
      }
      // Live events go on, and the client was in the room all the time.
      await guest.publish(room, 16);
      assert.deepEqual(await guest.hear(room, 17), numbers(17));
    }
  },

  async 'a session is taken up where the server does not know yet that its connection is lost'(stage) {
    const server = await stage.serve();
    for (const path of Object.keys(PATHS)) {
      const room = `峡谷 ${path}`;
      const line = await stage.line(server);
      const guest = await stage.guest(line.url, PATHS[path]).settled();
      const { id } = guest.socket;
      await guest.join(room);
      await server.publish(room, 0);
      await guest.hear(room, 1);
      for (let round = 1; round <= 3; round += 1) {
        await guest.settled(round);
        // Between two polls there is nothing to cut.
        await until(() => {
          line.cutNear();
          return !guest.socket.connected;
        }, 'cut');
        await guest.connected(round + 1);
        assert.equal(guest.socket.recovered, true, `${path}, round ${round}`);
        assert.equal(guest.socket.id, id);
        await guest.publish(room, round);
        assert.deepEqual(await guest.hear(room, 1 + round), numbers(1 + round));
      }
    }
  },

  async 'a session that has heard nothing yet loses nothing either'(stage) {
    const server = await stage.serve();
    const taken = [];
    for (const path of Object.keys(PATHS)) {
      const room = `峡谷 ${path}`;
      const line = await stage.line(server);
      const guest = await stage.guest(line.url, PATHS[path]).settled();
      const { cursor } = await guest.join(room);
      line.down();
      await until(() => !guest.socket.connected, 'cut');
      await server.publish(room, 'while away');
      line.mend();
      await guest.connected(2);
      taken.push(`${path} ${guest.socket.recovered ? 'taken up' : 'joined again'}`);
      if (!guest.socket.recovered) await guest.join(room, cursor);
      await guest.publish(room, 'back');
      assert.deepEqual(await guest.hear(room, 2), ['while away', 'back']);
    }
    return taken.join(', ');
  },

  async 'two rooms come back, each where it was'(stage) {
    const server = await stage.serve();
    for (const path of Object.keys(PATHS)) {
      const rooms = [`峡谷 ${path}`, `KPL ${path}`];
      const line = await stage.line(server);
      const guest = await stage.guest(line.url, PATHS[path]).settled();
      for (const room of rooms) await guest.join(room);
      const said = { [rooms[0]]: 0, [rooms[1]]: 0 };
      const say = async (...which) => {
        for (const at of which) await server.publish(rooms[at], said[rooms[at]]++);
      };
      const all = async () => {
        for (const room of rooms) assert.deepEqual(await guest.hear(room, said[room]), numbers(said[room]), room);
      };
      // One room is far ahead of the other, and the last word is now here, now there.
      const talks = [[[0, 1, 0, 0, 0], [1, 1, 0]], [[1], [0, 0]], [[0, 1], []], [[1, 0], [1, 1, 1]], [[0], [0, 1, 0]]];
      for (const [round, [before, away]] of talks.entries()) {
        await say(...before);
        await all();
        await guest.settled(round + 1);
        line.down();
        await until(() => !guest.socket.connected, 'cut');
        await say(...away);
        line.mend();
        await guest.connected(round + 2);
        assert.equal(guest.socket.recovered, true, `${path}, round ${round}`);
        await all();
      }
    }
  },

  async 'a room that was left stays left, also where the session is taken up'(stage) {
    const server = await stage.serve();
    for (const path of Object.keys(PATHS)) {
      const [left, stayed] = [`left ${path}`, `stayed ${path}`];
      const line = await stage.line(server);
      const guest = await stage.guest(line.url, PATHS[path]).settled();
      for (const room of [left, stayed]) await guest.join(room);
      await server.publish(left, 0);
      await server.publish(stayed, 0);
      await guest.hear(stayed, 1);
      await guest.hear(left, 1);
      await guest.ask('leave', { room: left });
      line.down();
      await until(() => !guest.socket.connected, 'cut');
      await server.publish(left, 1);
      await server.publish(stayed, 1);
      line.mend();
      await guest.connected(2);
      if (!guest.socket.recovered) await guest.join(stayed, guest.heard.at(-1).cursor);
      assert.deepEqual(await guest.hear(stayed, 2), [0, 1]);
      await guest.publish(stayed, 2);
      await guest.hear(stayed, 3);
      assert.deepEqual(guest.data(left), [0]);
    }
  },

  async 'cuts anywhere, within packets too, lose and repeat nothing'(stage) {
    // A client that is cut while it upgrades notices by its heartbeat.
    const server = await stage.serve('--eio-ping-interval', '1s', '--eio-ping-timeout', '2s');
    const notes = [];
    for (const [seed, path] of Object.keys(PATHS).entries()) {
      const chance = chances(seed + 1);
      const rooms = [`峡谷 ${path}`, `KPL ${path}`];
      const line = await stage.line(server);
      const guest = stage.guest(line.url, PATHS[path]);
      const cursors = new Map(rooms.map((room) => [room, '0']));
      const joined = new Set();
      // What a careful page does: it keeps a cursor for each room, and joins until the server says it is in.
      guest.socket.on('event', (_, room, cursor) => cursors.set(room, cursor));
      guest.socket.on('connect', () => {
        if (!guest.socket.recovered) joined.clear();
        for (const [room, cursor] of cursors) {
          if (!joined.has(room)) guest.socket.emit('join', { room, cursor }, () => joined.add(room));
        }
      });
      await guest.connected();
      const cutting = new AbortController();
      const cuts = (async () => {
        while (!cutting.signal.aborted) {
          line.cutAfter(1 + Math.floor(chance.next().value * 4_000));
          await rest(20 + Math.floor(chance.next().value * 150));
        }
      })();
      const said = 300;
      for (const number of numbers(said)) {
        for (const room of rooms) await server.publish(room, number);
        await rest(3);
      }
      cutting.abort();
      await cuts;
      line.cutAfter(Infinity);
      for (const room of rooms) assert.deepEqual(await guest.hear(room, said), numbers(said), `${room}, ${guest.recovered}`);
      const taken = guest.recovered.filter(Boolean).length;
      assert.ok(guest.recovered.length > 5, `${path}: it was hardly cut`);
      assert.ok(taken > 0, `${path}: never taken up in ${guest.recovered.length}`);
      notes.push(`${path}: ${guest.recovered.length - 1} cuts, ${taken} taken up`);
      guest.close();
    }
    return notes.join('; ');
  },

  async 'what a sender was spared he is spared after a cut as well'(stage) {
    const server = await stage.serve();
    for (const path of Object.keys(PATHS)) {
      const room = `峡谷 ${path}`;
      const line = await stage.line(server);
      const guest = await stage.guest(line.url, PATHS[path]).settled();
      await guest.join(room);
      await server.publish(room, 'of another');
      await guest.hear(room, 1);
      await guest.publish(room, 'spared', { echo: false });
      line.down();
      await until(() => !guest.socket.connected, 'cut');
      await server.publish(room, 'meanwhile');
      line.mend();
      await guest.connected(2);
      assert.equal(guest.socket.recovered, true, path);
      await guest.publish(room, 'last');
      await guest.hear(room, 3);
      assert.deepEqual(guest.data(room), ['of another', 'meanwhile', 'last']);
    }
  },

  async 'a server that was restarted is a new session, and the client goes on by joining with its cursor'(stage) {
    for (const [path, end] of Object.keys(PATHS).flatMap((path) => [[path, 'stop'], [path, 'kill']])) {
      let server = await stage.serve();
      const room = '峡谷';
      const guest = stage.guest(server.url, PATHS[path]);
      let cursor;
      const joins = [];
      guest.socket.on('event', (_, __, after) => { cursor = after; });
      guest.socket.on('connect', async () => {
        if (!guest.socket.recovered) joins.push(await guest.join(room, cursor));
      });
      await guest.settled();
      await until(() => joins.length === 1, 'joined');
      const { id } = guest.socket;
      await server.publish(room, 'before');
      await guest.hear(room, 1);
      await server[end]();
      await until(() => guest.ended.length === 1, 'ended');
      // A client whose server says `disconnect` does not come back by itself.
      assert.match(guest.ended[0], /^(transport close|transport error)$/);
      server = await stage.again(server);
      await server.publish(room, 'after, and before the client is back');
      await until(() => joins.length === 2, 'joined again');
      await server.publish(room, 'after');
      assert.deepEqual(await guest.hear(room, 3), ['before', 'after, and before the client is back', 'after']);
      assert.notEqual(guest.socket.id, id);
      assert.deepEqual(guest.recovered, [false, false]);
      assert.equal(joins[1].missed, null, 'of another epoch nothing can be counted');
      guest.close();
    }
  },

  async 'a session that is too old, or was left in order, is not taken up'(stage) {
    // Between two polls nothing but a heartbeat tells the server that a client is lost.
    const server = await stage.serve('--sio-recovery', '300ms', '--eio-ping-interval', '100ms', '--eio-ping-timeout', '200ms');
    for (const path of Object.keys(PATHS)) {
      const room = `峡谷 ${path}`;
      const line = await stage.line(server);
      const guest = await stage.guest(line.url, PATHS[path]).settled();
      await guest.join(room);
      await server.publish(room, 0);
      await guest.hear(room, 1);
      line.down();
      await until(() => !guest.socket.connected, 'cut');
      await rest(1_500);
      await server.publish(room, 1);
      line.mend();
      await guest.connected(2);
      assert.equal(guest.socket.recovered, false, `${path}: too old`);
      assert.deepEqual(await guest.join(room, guest.heard[0].cursor), { cursor: guest.heard[0].cursor, missed: 0 });
      assert.deepEqual(await guest.hear(room, 2), [0, 1]);
      guest.socket.disconnect();
      guest.socket.connect();
      await guest.connected(3);
      assert.equal(guest.socket.recovered, false, `${path}: left in order`);
    }
  },

  async 'where recovery is off nothing is said of it'(stage) {
    const server = await stage.serve('--sio-recovery', '0');
    const line = await stage.line(server);
    const guest = await stage.guest(line.url, PATHS.websocket).connected();
    assert.equal(guest.socket._pid, undefined);
    line.cut();
    await guest.connected(2);
    assert.equal(guest.socket.recovered, undefined);
  },
};

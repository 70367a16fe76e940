// The real engine.io-client against the echo at /engine.io/: messages and bytes on each path, the upgrade amid
// them, heartbeats, and a session that is closed from either end.

import assert from 'node:assert/strict';
import { until } from './guest.mjs';
import { fetchPackage } from './packages.mjs';

const { Socket } = fetchPackage('engine.io-client');

const PATHS = { polling: ['polling'], websocket: ['websocket'], upgrade: ['polling', 'websocket'] };

/** A client that keeps what comes back. */
class Caller {
  heard = [];
  pings = 0;

  constructor(stage, server, path) {
    this.socket = new Socket(server.url, { path: '/engine.io/', transports: PATHS[path] });
    this.socket.binaryType = 'nodebuffer';
    this.socket.on('message', (data) => this.heard.push(data));
    this.socket.on('ping', () => { this.pings += 1; });
    this.open = new Promise((tell) => this.socket.once('open', tell));
    this.upgraded = new Promise((tell) => this.socket.once('upgrade', tell));
    this.closed = new Promise((tell) => this.socket.once('close', tell));
    stage.onEnd(() => this.socket.close());
  }

  async echo(messages) {
    const before = this.heard.length;
    for (const message of messages) this.socket.send(message);
    await until(() => this.heard.length >= before + messages.length, () => `${this.heard.length - before} of ${messages.length} come back`);
    assert.deepEqual(this.heard.slice(before), messages);
  }
}

export const checks = {
  async 'text and bytes come back as they were, in their order'(stage) {
    const server = await stage.serve('--conformance');
    for (const path of Object.keys(PATHS)) {
      const caller = new Caller(stage, server, path);
      await caller.open;
      // Neither a separator within a message nor an empty one: the client itself makes others of them.
      await caller.echo(['瑶', ' \r\n\u0000\u2028', 'x'.repeat(60_000)]);
      await caller.echo([Buffer.from([1, 2, 3, 4]), 'between', Buffer.alloc(0), Buffer.alloc(50_000, 0xfe), '4hello', 'b64']);
      await caller.echo(Array.from({ length: 90 }, (_, number) => `${number}`));
      caller.socket.close();
      await caller.closed;
    }
  },

  async 'an upgrade takes a moment, also while messages go both ways'(stage) {
    const server = await stage.serve('--conformance');
    const took = [];
    for (let round = 0; round < 10; round += 1) {
      const caller = new Caller(stage, server, 'upgrade');
      await caller.open;
      const began = performance.now();
      const upgraded = caller.upgraded.then(() => took.push(Math.round(performance.now() - began)));
      for (let sent = 0; took.length <= round || sent < 20; sent += 1) {
        await caller.echo([`${round}: ${sent}`, Buffer.from([round, sent & 0xff])]);
        assert.ok(sent < 5_000, 'never upgraded');
      }
      await upgraded;
      assert.equal(caller.socket.transport.name, 'websocket');
      assert.ok(took[round] < 10_000, `${took[round]} ms`);
      await caller.echo(['after']);
      caller.socket.close();
      await caller.closed;
    }
    return `within ${Math.max(...took)} ms`;
  },

  async 'heartbeats go on for as long as they are answered'(stage) {
    const server = await stage.serve('--conformance', '--eio-ping-interval', '100ms', '--eio-ping-timeout', '200ms');
    for (const path of Object.keys(PATHS)) {
      const caller = new Caller(stage, server, path);
      await caller.open;
      await until(() => caller.pings >= 6, 'six pings');
      await caller.echo(['alive']);
      caller.socket._sendPacket = () => {};
      await caller.closed;
    }
  },

  async 'a message beyond what the handshake allows ends the session'(stage) {
    const server = await stage.serve('--conformance', '--eio-max-payload', '1000');
    for (const path of ['polling', 'websocket']) {
      const caller = new Caller(stage, server, path);
      await caller.open;
      // The client splits what it sends by what it was told, and a thousand bytes fit.
      await caller.echo(Array.from({ length: 30 }, () => 'x'.repeat(300)));
      caller.socket.send('x'.repeat(1_001));
      await caller.closed;
    }
  },

  async 'a server that stops tells its clients'(stage) {
    for (const path of Object.keys(PATHS)) {
      const server = await stage.serve('--conformance');
      const caller = new Caller(stage, server, path);
      await caller.open;
      if (path === 'upgrade') await caller.upgraded;
      await caller.echo(['before']);
      assert.equal(await server.stop(), 0);
      await caller.closed;
      await stage.again(server);
    }
  },
};

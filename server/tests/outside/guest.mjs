// A Socket.IO client that keeps what it hears, and the ways it can come in.

import assert from 'node:assert/strict';
import { Agent } from 'node:http';
import { setTimeout as rest } from 'node:timers/promises';
import { fetchPackage } from './packages.mjs';

const { io } = fetchPackage('socket.io-client');

/** What `transports` has to be for each path of Socket.IO. */
export const PATHS = {
  polling: { transports: ['polling'] },
  websocket: { transports: ['websocket'] },
  upgrade: {},
};

const PATIENCE_MS = 20_000;

/** Until `look()` gives something; a limit that no passing test comes near. */
export async function until(look, what, within = PATIENCE_MS) {
  const end = performance.now() + within;
  for (;;) {
    const seen = await look();
    if (seen) return seen;
    assert.ok(performance.now() < end, `${typeof what === 'function' ? what() : what}: not within ${within} ms`);
    await rest(5);
  }
}

/**
 * Connections that are not used again. On one that is, xmlhttprequest-ssl 2.1.2 tries a poll that was reset once
 * more and never ends that request, so that a cut goes unnoticed until the client's own ping timeout of 45 s.
 */
const agent = new Agent({ keepAlive: false });

export class Guest {
  /** What came, in order: `{event, room, cursor}`. */
  heard = [];
  /** Whether each connection took up the state of the one before. */
  recovered = [];
  /** Why each connection ended. */
  ended = [];

  constructor(url, options = {}) {
    this.upgrades = options.transports === undefined;
    this.socket = io(url, {
      forceNew: true, reconnectionDelay: 20, reconnectionDelayMax: 200, randomizationFactor: 0, agent, ...options,
    });
    this.socket.on('event', (event, room, cursor) => this.heard.push({ event, room, cursor }));
    this.socket.on('connect', () => this.recovered.push(this.socket.recovered));
    const began = performance.now();
    this.socket.io.engine?.on('open', () => { this.openAfter = performance.now() - began; });
    this.socket.io.engine?.on('upgrade', () => { this.upgradeTook = performance.now() - began - this.openAfter; });
    this.socket.on('disconnect', (reason) => this.ended.push(reason));
  }

  /** The name of the transport in use. */
  get transport() {
    return this.socket.io.engine.transport.name;
  }

  /** Until it is connected for the `times`-th time. */
  async connected(times = 1) {
    await until(() => this.recovered.length >= times && this.socket.connected, () => `connected ${times} times, not ${this.recovered.length}, ended by ${this.ended}`);
    return this;
  }

  /**
   * Until it is connected for the `times`-th time and on the transport that it stays on. A client that is cut while
   * it upgrades may notice by its heartbeat alone: engine.io-client 6.6 polls no more once a probe was answered.
   */
  async settled(times = 1) {
    await this.connected(times);
    if (this.upgrades) await until(() => this.transport === 'websocket', 'upgraded');
    return this;
  }

  /** Until its first session has changed to a WebSocket; gives the milliseconds from its handshake to then. */
  async upgraded() {
    await this.connected();
    await until(() => this.upgradeTook, 'upgraded');
    assert.equal(this.transport, 'websocket');
    return this.upgradeTook;
  }

  /** Emits and gives what the server acknowledges it with. */
  ask(name, ...what) {
    return this.socket.timeout(PATIENCE_MS).emitWithAck(name, ...what);
  }

  async join(room, cursor) {
    const answer = await this.ask('join', cursor === undefined ? { room } : { room, cursor });
    assert.deepEqual(Object.keys(answer).toSorted(), ['cursor', 'missed'], JSON.stringify(answer));
    return answer;
  }

  async publish(room, data, more = {}) {
    const answer = await this.ask('publish', { room, type: 'chat', data, ...more });
    assert.deepEqual(Object.keys(answer).toSorted(), ['cursor', 'offset'], JSON.stringify(answer));
    return answer;
  }

  /** The data of what has come from a room. */
  data(room) {
    return this.heard.filter((one) => one.room === room).map((one) => one.event.data);
  }

  /** Until so many events have come from a room; gives the data of all. */
  async hear(room, count) {
    await until(() => this.data(room).length >= count, () => `${count} events of ${room}, not ${JSON.stringify(this.data(room))}`);
    return this.data(room);
  }

  close() {
    this.socket.disconnect();
  }
}

/** The error of a connection that is not let in. */
export function refusal(socket) {
  return new Promise((tell) => socket.once('connect_error', tell));
}

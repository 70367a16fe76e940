// What a check puts up and what is taken down after it: servers, lines, guests, browser tabs. At the end the
// server has to say that nobody is left.

import { launch, listen } from '../../../loadgen/tests/browser/browser.mjs';
import { Guest, until } from './guest.mjs';
import { lineTo } from './line.mjs';
import { serve } from './server.mjs';

/** What this process itself asks keeps its connections for a while. */
const KEPT_ALIVE = ['control', 'publish'];

export class Stage {
  #clients = [];
  #lines = [];
  #servers = [];
  #rest = [];

  async serve(...flags) {
    const server = await serve(flags);
    this.#servers.push(server);
    return server;
  }

  /** The same server once more, in place of one that has ended. */
  async again(server) {
    const next = await server.again();
    this.#servers.splice(this.#servers.indexOf(server), 1, next);
    return next;
  }

  async line(server) {
    const line = await lineTo(server.port);
    this.#lines.push(line);
    return line;
  }

  guest(url, options) {
    const guest = new Guest(url, options);
    this.#clients.push(() => guest.close());
    return guest;
  }

  /** A tab of a browser of its own at `url`; it is closed with the check. */
  async tab(url) {
    const browser = await launch();
    this.#clients.push(() => browser.close());
    const tab = await (await browser.newContext()).newPage();
    const complaints = listen(tab);
    await tab.goto(url, { waitUntil: 'load' });
    return { tab, complaints };
  }

  /** Called at the end of the check, clients first. */
  onEnd(end) {
    this.#clients.push(end);
  }

  /** The same, after clients and servers. */
  atLast(end) {
    this.#rest.push(end);
  }

  async clear(hasHeld) {
    for (const end of this.#clients.reverse()) await end();
    for (const line of this.#lines) line.close();
    for (const server of this.#servers) {
      if (hasHeld) await isEmpty(server);
      await server.kill();
    }
    for (const end of this.#rest) await end();
  }
}

/** A session that outlives its client would show here. */
async function isEmpty(server) {
  let open;
  await until(async () => {
    const { transports } = await server.usage();
    open = Object.entries(transports).filter(([name, one]) => !KEPT_ALIVE.includes(name) && one.open > 0);
    return open.length === 0;
  }, () => `nobody is left, but ${JSON.stringify(open)}`);
}

// What checks do in the chat room: a server of their own that can be stopped and started again on its port
// with its keys, and people who come in, talk, and read what stands there.

import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { dirname, join } from 'node:path';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { openTab } from './browser.mjs';

const KEYS = 'a key of the tests which signs for nobody else';

/** A server in its own process; `stop` is SIGTERM, and a server started `on` its port is the same to browsers. */
export async function serve(lab, { on = 0, flags = [], keys = KEYS } = {}) {
  // loadgen's own would not hear SIGTERM; this one stands beside it wherever the workspace is built.
  const server = spawn(join(dirname(lab.loadgen), 'pushlab-server'), ['--listen', `127.0.0.1:${on}`, ...flags], {
    stdio: ['ignore', 'pipe', 'inherit'],
    env: { ...process.env, PUSHLAB_SESSION_KEYS: keys },
  });
  const gone = once(server, 'exit');
  const lines = createInterface({ input: server.stdout });
  const [line] = await Promise.race([once(lines, 'line'), gone.then(() => { throw new Error('the server did not start'); })]);
  const url = line.replace('listening on ', '');
  return {
    url,
    port: Number(new URL(url).port),
    async stop() {
      server.kill('SIGTERM');
      const [code] = await gone;
      return code;
    },
  };
}

/** Somebody who has come into a room over a transport. */
export async function come(browser, url, { name, room = 'KPL', over = 'websocket', ...options }) {
  const opened = await openTab(browser, url, `/chat#/${encodeURIComponent(room)}`, options);
  const { tab } = opened;
  await tab.locator('#name').fill(name);
  await tab.getByRole('button', { name: 'Enter' }).click();
  await tab.locator('#room').waitFor();
  if (over !== 'websocket') await take(tab, over);
  await live(tab, over);
  return { ...opened, name, over };
}

export async function take(tab, over) {
  await tab.locator('#transport').selectOption(over);
}

/** Until the page says that it is live over this transport. */
export function live(tab, over) {
  return tab.waitForFunction((over) => document.getElementById('state').dataset.state === 'live'
    && document.getElementById('transport').value === over, over, { timeout: 30_000 });
}

export async function say(tab, text) {
  await tab.locator('#text').fill(text);
  await tab.locator('#text').press('Enter');
}

/** What stands in the log: [author, text] of each line. */
export const lines = (tab) => tab.locator('#log .line').evaluateAll((all) =>
  all.map((line) => [line.querySelector('.who bdi').textContent, line.querySelector('.text').textContent]));

export const texts = async (tab) => (await lines(tab)).map(([, text]) => text);

/** Names of those who are here, without the marks beside them. */
export const here = (tab) => tab.locator('#members li > bdi').evaluateAll((all) => all.map((name) => name.textContent));

/** Without what a server that is away brings about, and a line too long. */
export const unforeseen = (complaints) => complaints.filter((text) =>
  !/net::ERR_CONNECTION_REFUSED|net::ERR_INCOMPLETE_CHUNKED|status of 413/.test(text)
  // A WebSocket that is closed before it is open is one that was switched away from.
  && !/closed before the connection is established/.test(text));

/** Until `look()` answers what is wanted; then asserts it, so that a failure shows both. */
export async function until(look, wanted, what, within = 20_000) {
  const end = Date.now() + within;
  let seen;
  do {
    seen = await look();
    if (JSON.stringify(seen) === JSON.stringify(wanted)) return;
    await new Promise((done) => setTimeout(done, 50));
  } while (Date.now() < end);
  assert.deepEqual(seen, wanted, what);
}

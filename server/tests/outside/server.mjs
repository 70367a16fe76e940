// Our server as a process of its own, which can be stopped in order, killed, and started again on its port.

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';

const PROGRAM = process.env.PUSHLAB_SERVER;

/** Signs nobody in but the people of the tests. */
const KEYS = 'a key of the tests which signs for nobody else';

/** None outlives the tests, however they end. */
const running = new Set();
process.once('exit', () => {
  for (const program of running) program.kill('SIGKILL');
});

/** Starts a server; `on` is the port of one that was there before. */
export async function serve(flags = [], on = 0) {
  const program = spawn(PROGRAM, ['--listen', `127.0.0.1:${on}`, '--admin-listen', '127.0.0.1:0', '--workers', '2', ...flags], {
    stdio: ['ignore', 'pipe', 'inherit'],
    env: { ...process.env, PUSHLAB_SESSION_KEYS: KEYS },
  });
  const gone = once(program, 'exit');
  running.add(program);
  const lines = createInterface({ input: program.stdout })[Symbol.asyncIterator]();
  const url = await address(lines, 'listening on ');
  const admin = await address(lines, 'admin on ');
  const end = async (signal) => {
    program.kill(signal);
    const [code] = await gone;
    running.delete(program);
    return code;
  };
  return {
    url,
    port: Number(new URL(url).port),
    flags,
    stop: () => end('SIGTERM'),
    kill: () => end('SIGKILL'),
    usage: async () => (await fetch(`${admin}/lab/usage`)).json(),
    publish: (room, data, type = 'chat') => post(`${url}/rooms/${encodeURIComponent(room)}/events`, { type, data }),
    session: (name) => post(`${url}/session`, { name, token: true }),
    again: () => serve(flags, Number(new URL(url).port)),
  };
}

async function address(lines, opening) {
  const { value: line = 'nothing' } = await lines.next();
  if (!line.startsWith(opening)) throw new Error(`the server said ${line} in place of ${opening}…`);
  return line.slice(opening.length);
}

/** A POST of JSON that has to succeed; gives the answer's JSON. */
async function post(url, body) {
  const answer = await fetch(url, { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) });
  if (answer.status !== 201) throw new Error(`${url}: ${answer.status} ${await answer.text()}`);
  return answer.json();
}

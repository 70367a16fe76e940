// L12: a held connection costs memory.
import { fromResults, medians } from './results.js';

export default {
  id: 'l12', number: 'L12', topic: 'A held connection', title: 'A held connection costs memory', by: 'generator',
  claim: 'Push holds a connection per client, for as long as the client is there. Each costs the server some KiB.',
  taught: [['S. Kamardin, A Million WebSockets and Go', null]],
  scenario: 'lessons/l12',
  question: () => 'How much memory does this server’s process need for one idle WebSocket?',
  guess: { kind: 'slider', label: 'Memory a connection', min: 0, max: 200, step: 1, unit: 'KiB' },
  judge: ({ results }) => fromResults(results, {
    unit: 'KiB', of: 'connections', label: 'process memory a connection, most clients',
    figure: () => {
      const found = medians(results, 'server_rss_per_connection').filter(row => row.transport === 'websocket');
      return found.length ? found.at(-1).value / 1024 : null;
    },
  }),
  why: [
    'The process keeps buffers for what it reads and writes, and the state of a task, for each connection. The kernel’s own TCP memory comes on top and is not in this figure.',
    'That is why a million WebSockets is an exercise in bytes, and why servers for them avoid a thread each (L13).',
  ],
};

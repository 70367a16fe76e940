// L18: in a broadcast the last client waits for all before it.
import { broadcast } from '../model.js';
import { fromResults, medians } from './results.js';

const even = broadcast({ clients: 1, each: 1 });

export default {
  id: 'l18', number: 'L18', topic: 'The last of a large room', title: 'The last client of a broadcast waits', by: 'generator',
  claim: 'One event to N clients is N writes. Whoever is last in the list waits for all others.',
  taught: [['B. Van de Vyvere, P. Colpaert, R. Verborgh, Comparing a polling and push-based approach for live Open Data interfaces, ICWE 2020', 'https://brechtvdv.github.io/Article-Live-Open-Data-Interfaces/']],
  scenario: 'lessons/l18',
  question: () => 'One event goes to 3,000 clients. One client in a hundred has it later than the others: how many times as late as the middle one?',
  guess: { kind: 'slider', label: 'p99 over median', min: 1, max: 10, step: 0.1, unit: '×' },
  model: () => even.quantile(0.99) / even.quantile(0.5),
  judge: ({ results }) => fromResults(results, {
    unit: '×', label: 'p99 over median, WebSocket',
    figure: () => {
      const [late, middle] = ['latency_p99_us', 'latency_p50_us'].map(name => medians(results, name).find(row => row.transport === 'websocket')?.value);
      return late / middle || null;
    },
  }),
  why: [
    'A write costs c, some microseconds of CPU. The first client has its event after one of them, the last after N: delays are even on [0, N·c], with mean N·c/2, on every push transport: the p99 is twice the median. Several threads tell parts of the room at once, which shortens it.',
    'Polling spreads the same work over its interval by itself, which is one reason why it never needed saying.',
  ],
};

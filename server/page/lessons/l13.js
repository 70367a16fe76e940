// L13: a thread for each held connection does not scale.
import { fromResults, medians } from './results.js';

export default {
  id: 'l13', number: 'L13', topic: 'A thread for each poll', title: 'A thread per connection does not scale', by: 'generator',
  claim: 'The old cost of Comet was not the waiting request but the thread that waited with it.',
  taught: [['javascript.info, Long polling', 'https://javascript.info/long-polling'], ['S. Kamardin, A Million WebSockets and Go', null]],
  scenario: 'lessons/l13',
  question: () => 'The same held long polls once as tasks, once with a parked thread each. Which figure grows most with threads?',
  guess: {
    kind: 'choice', label: 'What grows', options: [
      ['latency', 'the delay of an event'], ['memory', 'memory and context switches'], ['bytes', 'bytes on the wire'],
    ],
    right: 'memory',
  },
  judge: ({ results }) => fromResults(results, {
    unit: 'KiB', of: 'connections', label: 'process memory a connection',
    figure: () => {
      const found = medians(results, 'server_rss_per_connection');
      return found.length ? Math.max(...found.map(row => row.value)) / 1024 : null;
    },
    answer: 'memory',
  }),
  why: [
    'A parked thread keeps its stack and the kernel’s record of it, and every event wakes each of them by a switch of context. A task keeps only what it needs to go on.',
    'The bytes and the answers are the same either way: the transport was never the problem. Many servers of 2005 gave each request a thread; most of today’s run on event loops.',
  ],
};

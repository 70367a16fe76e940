// L18: in a broadcast the last client waits for all before it.
import { fromResults } from './results.js';

export default {
  id: 'l18', number: 'L18', title: 'The last client of a broadcast waits', by: 'generator',
  claim: 'One event to N clients is N writes. Whoever is last in the list waits for all others.',
  taught: [['B. Van de Vyvere, P. Colpaert, R. Verborgh, Comparing a polling and push-based approach for live Open Data interfaces, ICWE 2020', 'https://brechtvdv.github.io/Article-Live-Open-Data-Interfaces/']],
  scenario: 'lessons/l18',
  question: () => 'A room grows from 500 to 5,000 clients. By what factor does the mean delay of a broadcast grow, roughly?',
  guess: { kind: 'slider', label: 'Times as long', min: 1, max: 30, step: 1, unit: '×' },
  model: () => 10,
  judge: ({ results }) => fromResults(results),
  why: [
    'A write costs c, some microseconds of CPU. The first client has its event after one of them, the last after N: delays are even on [0, N·c], with mean N·c/2, on every push transport.',
    'Polling spreads the same work over its interval by itself, which is one reason why it never needed saying.',
  ],
};

// The rule of the maximum acceptable latency: with enough patience polling serves as many clients as push.
import { fromResults, medians } from './results.js';

export default {
  id: 'mal', number: 'MAL', topic: 'Patience', title: 'With patience, polling is enough', by: 'generator', honest: true,
  claim: 'If your users accept a delay of ten seconds, polling serves as many of them as SSE does.',
  taught: [['B. Van de Vyvere, P. Colpaert, R. Verborgh, ICWE 2020', 'https://brechtvdv.github.io/Article-Live-Open-Data-Interfaces/']],
  scenario: 'lessons/mal',
  question: () => '200 users, ten changes a second. Some poll every 2 s, some every 50 ms, some are told by SSE. Which of them costs the server the least CPU for each change that they get?',
  guess: {
    kind: 'choice', label: 'The least CPU', options: [
      ['impatient', 'polling every 50 ms'], ['sse', 'SSE'], ['patient', 'polling every 2 s'],
    ],
    right: 'patient',
  },
  judge: ({ results }) => fromResults(results, {
    answer: medians(results, 'server_cpu_s_per_million').sort((a, b) => a.value - b.value)[0]?.name,
  }),
  why: [
    'Polling serves N = Rmax · MAL clients: a straight line through zero. What push serves does not depend on the delay. The lines cross at 25,000/2,520 ≈ 10 s on the authors’ machine; on yours they cross elsewhere.',
    'So the question before “which transport?” is “how late may it be?”. For a weather page, poll.',
  ],
};

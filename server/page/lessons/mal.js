// The rule of the maximum acceptable latency: with enough patience polling serves as many clients as push.
import { fromResults } from './results.js';

export default {
  id: 'mal', number: 'MAL', title: 'With patience, polling is enough', by: 'generator', honest: true,
  claim: 'If your users accept a delay of ten seconds, polling serves as many of them as SSE does.',
  taught: [['B. Van de Vyvere, P. Colpaert, R. Verborgh, ICWE 2020', 'https://brechtvdv.github.io/Article-Live-Open-Data-Interfaces/']],
  scenario: 'lessons/mal',
  question: () => 'A server answers 2,520 polls a second and holds 25,000 SSE clients. From which acceptable delay on does polling serve as many?',
  guess: { kind: 'slider', label: 'Acceptable delay', min: 0, max: 60, step: 1, unit: 's' },
  model: () => 25_000 / 2520,
  judge: ({ results }) => fromResults(results),
  why: [
    'Polling serves N = Rmax · MAL clients: a straight line through zero. What push serves does not depend on the delay. The lines cross at 25,000/2,520 ≈ 10 s on the authors’ machine; on yours they cross elsewhere.',
    'So the question before “which transport?” is “how late may it be?”. For a weather page, poll.',
  ],
};

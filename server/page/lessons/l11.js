// L11: a big message on one connection delays the small ones behind it.
import { fromResults } from './results.js';
import { headOfLine } from '../model.js';

export default {
  id: 'l11', number: 'L11', title: 'One connection, one queue', by: 'generator',
  claim: 'A big message delays the small ones behind it by the time the line needs for it: 8B/C.',
  taught: [['I. Grigorik, High Performance Browser Networking, ch. 11: head-of-line blocking', 'https://hpbn.co/http1x/']],
  scenario: 'lessons/l11',
  question: () => 'A message of 100,000 bytes goes over a line of 8 Mbit/s, and a small one right behind it on the same connection. How much later is the small one for it?',
  guess: { kind: 'slider', label: 'Later by', min: 0, max: 500, step: 5, unit: 'ms' },
  model: () => 1000 * headOfLine({ bytes: 100_000, bitsPerS: 8e6 }),
  judge: ({ results }) => fromResults(results),
  why: [
    'Bytes on one TCP connection arrive in order, so whoever comes second waits for the first: 8B/C for B bytes on C bit/s. Loss adds to it: all that came after the lost segment waits until it was sent again.',
    'Several connections, HTTP/2 streams over several of them, or QUIC take the queue apart. Splitting big messages helps too.',
  ],
};

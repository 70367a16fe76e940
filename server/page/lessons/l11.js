// L11: a big message on one connection delays the small ones behind it.
import { headOfLine } from '../model.js';
import { fromResults, medians } from './results.js';

const MESSAGES = 8;
const BYTES = 12_500;
const BITS_PER_S = 2e6;

export default {
  id: 'l11', number: 'L11', topic: 'A big message', title: 'One connection, one queue', by: 'generator',
  claim: 'A big message delays the small ones behind it by the time the line needs for it: 8B/C.',
  taught: [['I. Grigorik, High Performance Browser Networking, ch. 2: head-of-line blocking', 'https://hpbn.co/building-blocks-of-tcp/']],
  scenario: 'lessons/l11',
  question: () => `${MESSAGES} messages of ${BYTES.toLocaleString('en')} bytes are published at one instant, to a client on a line of ${BITS_PER_S / 1e6} Mbit/s. How long until it has the last of them?`,
  guess: { kind: 'slider', label: 'The last arrives after', min: 0, max: 1000, step: 10, unit: 'ms' },
  model: () => 1000 * MESSAGES * headOfLine({ bytes: BYTES, bitsPerS: BITS_PER_S }),
  judge: ({ results }) => fromResults(results, {
    unit: 'ms', label: 'WebSocket, the last of eight',
    figure: () => {
      const found = medians(results, 'latency_max_us').find(row => row.transport === 'websocket');
      return found ? found.value / 1000 : null;
    },
  }),
  why: [
    'Bytes on one TCP connection arrive in order, so whoever comes second waits for the first: 8B/C for B bytes on C bit/s. Loss adds to it: all that came after the lost segment waits until it was sent again.',
    'Several connections or QUIC take the queue apart. HTTP/2 interleaves its streams on one connection, so a big answer no longer blocks a small one, but a lost segment still blocks all. Splitting big messages helps too.',
  ],
};

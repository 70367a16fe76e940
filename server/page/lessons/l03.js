// L3: a shorter interval buys latency with bandwidth, and there is no best one.
import { judged } from '../verdict.js';
import { average, deviation } from '../verdict.js';
import { bytes, latencies, perSecond, polls } from './readout.js';

const INTERVALS = [1000, 300, 100];

/** What one run of the sweep came to: mean wait in s, header bytes a poll, polls a second. */
function point(recording, floor) {
  const asked = polls(recording, 'interval-polling');
  const kinds = bytes(recording, 'interval-polling');
  const waits = latencies(recording, 'interval-polling');
  const heads = (kinds.http_headers + kinds.empty_polls) / recording.lanes['interval-polling'].requests;
  return {
    interval: recording.parameters.interval_ms,
    wait: (average(waits) - floor.mean) / 1000,
    spread: 3 * deviation(waits) / Math.sqrt(waits.length) / 1000 + floor.allowed / 1000,
    heads, rate: perSecond(asked), n: waits.length,
  };
}

export default {
  id: 'l03', number: 'L3', topic: 'The best interval', title: 'No interval is the best',
  claim: 'Ask ten times as often: a tenth of the delay, ten times the header bytes.',
  taught: [['I. Grigorik, High Performance Browser Networking, ch. 15', 'https://hpbn.co/xmlhttprequest/#polling-with-xhr']],
  scenario: 'lessons/l03',
  question: () => 'Polling every 1,000 ms is too slow for you, so you poll every 100 ms. How many times as many header bytes does each client cost, event or no event?',
  guess: { kind: 'slider', label: 'Header bytes a second', min: 1, max: 40, step: 1, unit: '×' },
  parameters: { rate: 100, arrivals: 'poisson', interval_ms: 1000, payload: 64, rtt_ms: 0, duration_s: 9 },
  runs: at => INTERVALS.map(interval_ms => ({ ...at, interval_ms })),
  lanes: ['interval-polling'],
  model: () => INTERVALS[0] / INTERVALS.at(-1),
  judge({ recordings, floor }) {
    const points = recordings.map(recording => point(recording, floor));
    const [slow, fast] = [points[0], points.at(-1)];
    const n = points.reduce((sum, one) => sum + one.n, 0);
    const rows = [{
      // Timers of a browser keep their grid to about a hundredth.
      ...judged({ measured: fast.rate * fast.heads / (slow.rate * slow.heads), model: slow.interval / fast.interval, off: 0.03 * slow.interval / fast.interval, n }),
      label: 'header bytes a second, 100 ms to 1,000 ms', unit: '×',
    }];
    for (const one of points) {
      const half = one.heads / 2;
      rows.push({
        ...judged({ measured: one.wait * one.rate * one.heads, model: half, off: half * (one.spread / one.wait + 0.01), n: one.n }),
        label: `mean wait × header bytes a second, T = ${one.interval} ms`, unit: 'B',
      });
    }
    return { rows, n, of: 'events', text: 'Wait times bytes is the same at every interval: half the header bytes of one poll.' };
  },
  why: [
    'The wait is T/2 and the cost (Hq + Hr)/T, the headers of question and answer. Their product is (Hq + Hr)/2, whatever T is: a hyperbola without a lowest point.',
    'A push has no T. It leaves this curve altogether, which is what the rest of the course is about.',
  ],
};

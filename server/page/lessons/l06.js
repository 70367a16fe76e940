// L6: at a high rate long polling becomes polling, back to back.
import { longPolling } from '../model.js';
import { average, judged } from '../verdict.js';
import { gaps, perSecond, polls, span } from './readout.js';

const RATES = [5, 20, 80];

/** Standard deviation of one cycle of a long poll: the gap, and with chance a = e^(−λR) a wait for the next event. */
function cycleDeviation(rate, R) {
  const a = Math.exp(-rate * R);
  return Math.sqrt(a * 2 / rate ** 2 - (a / rate) ** 2);
}

export default {
  id: 'l06', number: 'L6', topic: 'Long polling in a busy room', title: 'Long polling degenerates to polling',
  claim: 'The busier the room, the more a long poll is a plain poll without a pause.',
  taught: [
    ['I. Grigorik, High Performance Browser Networking, ch. 15', 'https://hpbn.co/xmlhttprequest/#long-polling-with-xhr'],
    ['P. Lubbers, F. Greco (Kaazing), HTML5 WebSocket', 'https://websocket.org/quantum.html'],
    ['javascript.info, Long polling', 'https://javascript.info/long-polling'],
  ],
  scenario: 'lessons/l06',
  question: at => `Over a round trip of ${at.rtt_ms} ms, ${RATES.at(-1)} events a second: how many requests a second does one long-polling client make? (A poller with an interval of one second makes 1.)`,
  guess: { kind: 'slider', label: 'Requests a second', min: 0, max: 100, step: 1, unit: '/s' },
  knob: { name: 'rtt_ms', label: 'Round trip (ms)', values: [20, 50, 100, 200] },
  parameters: { rate: RATES.at(-1), arrivals: 'poisson', payload: 64, rtt_ms: 50, interval_ms: 1000, duration_s: 9 },
  runs: at => RATES.map(rate => ({ ...at, rate })),
  lanes: ['long-polling', 'interval-polling'],
  model: at => longPolling.requests({ rate: RATES.at(-1), R: at.rtt_ms / 1000 }),
  judge({ recordings }) {
    const rows = recordings.map(recording => {
      const asked = polls(recording, 'long-polling');
      const R = average(gaps(asked));
      const { rate } = span(recording);
      const model = longPolling.requests({ rate, R });
      const off = model * (3 * cycleDeviation(rate, R) * model / Math.sqrt(asked.length) + 0.01 + 1 / asked.length);
      return {
        ...judged({ measured: perSecond(asked), model, off, n: asked.length, least: 20 }),
        label: `requests a second at ${recording.parameters.rate} events a second`, unit: '/s', R,
      };
    });
    const busy = rows.at(-1);
    const polled = polls(recordings.at(-1), 'interval-polling');
    const times = busy.measured / perSecond(polled);
    const n = rows.reduce((sum, row) => sum + row.n, 0);
    return {
      rows: [busy, ...rows.slice(0, -1)],
      n, of: 'requests',
      text: `It flattens at 1/R = ${(1 / busy.R).toFixed(1)} requests a second. Polling beside it made ${perSecond(polled).toFixed(2)}: at this rate long polling asks ${times.toFixed(0)} times as often.`,
    };
  },
  why: [
    'Each answer ends the request; the next one takes a gap R. When something has always happened within R, every request is answered at once: back-to-back polling, 1/R requests a second.',
    'Below one event an interval long polling asks less often than polling, above it more. “Long polling is lighter” is a statement about quiet rooms.',
  ],
};

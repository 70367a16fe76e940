// L5: a long poll takes one transit when it waits, three at worst.
import { law, longPolling } from '../model.js';
import { average, judged, mean, quantile, quantileOf } from '../verdict.js';
import { gaps, latencies, legs, polls, span } from './readout.js';

const lawOf = (at, R, rate) => longPolling.latency({ rate, d: at.rtt_ms / 2000, R });

export default {
  id: 'l05', number: 'L5', topic: 'The delay of a long poll', title: 'A long poll takes one transit, and up to three',
  claim: 'A held request answers at once. But an event that comes while the client is asking again waits for that question to arrive.',
  taught: [['Loreto, Saint-Andre, Salsano, Wilkins, RFC 6202 §2.2', 'https://www.rfc-editor.org/rfc/rfc6202#section-2.2']],
  scenario: 'lessons/l05',
  question: at => `One way over this line takes ${at.rtt_ms / 2} ms. ${at.rate} events a second come at random, and a long poll is held for them. What is the mean delay?`,
  guess: { kind: 'slider', label: 'Mean delay', min: 0, max: 150, step: 1, unit: 'ms' },
  knob: { name: 'rtt_ms', label: 'Round trip (ms)', values: [20, 40, 80] },
  parameters: { rate: 50, arrivals: 'poisson', payload: 64, rtt_ms: 40, duration_s: 23 },
  lanes: ['long-polling', 'websocket'],
  model: at => 1000 * lawOf(at, at.rtt_ms / 1000, at.rate).mean,
  histogram: true,
  judge({ recordings: [recording], parameters, floor }) {
    const waits = latencies(recording, 'long-polling');
    const pushed = latencies(recording, 'websocket');
    const R = average(gaps(polls(recording, 'long-polling')));
    const seconds = lawOf(parameters, R, span(recording).rate);
    const inMs = law(seconds.from * 1000, seconds.width * 1000, seconds.atOnce);
    const n = waits.length;
    const d = parameters.rtt_ms / 2;
    // A browser takes longer to hand a whole answer to a program than a frame, which the floor knows.
    const leg = legs(recording, 'long-polling');
    const added = Math.max(floor.mean, average(leg) - d);
    const tail = Math.max(floor.tail, quantileOf(leg, 0.99) - average(leg));
    return {
      rows: [
        { ...mean({ measured: average(waits) - added, law: inMs, n, floor: floor.allowed }), label: 'long polling, mean', unit: 'ms' },
        { ...quantile({ measured: quantileOf(waits, 0.99) - added, law: inMs, q: 0.99, n, floor: floor.allowed + tail }), label: 'long polling, p99 (three transits are the end)', unit: 'ms' },
        { ...mean({ measured: average(pushed) - floor.mean, law: law(d), n: pushed.length, floor: floor.allowed }), label: 'WebSocket, mean', unit: 'ms' },
        { ...judged({ measured: R * 1000, model: parameters.rtt_ms, off: 3 * floor.mean + floor.allowed, n }), label: 'gap from an answer to the next request, R', unit: 'ms', beside: true },
      ],
      n, of: 'events',
      text: `The gap R is taken from the server’s own socket: ${(R * 1000).toFixed(1)} ms over a round trip of ${parameters.rtt_ms} ms. From that socket to the program an answer took ${added.toFixed(1)} ms more than the line’s ${d}, which is taken off.`,
      curves: [{ lane: 'long-polling', values: waits, law: inMs }, { lane: 'websocket', values: pushed, law: law(d) }],
    };
  },
  why: [
    'While a request is held, an event takes one transit d. While there is none, for a gap R of about two transits, it waits for the next: d + R = 3d at worst.',
    'RFC 6202 says “close to one network transit”. That is true while events are rarer than 1/R. At λR = 1 the mean is 1.73 d, and its limit is 2 d.',
  ],
};

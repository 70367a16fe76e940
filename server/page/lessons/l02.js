// L2: the average delay of polling is half its interval.
import { law, polling } from '../model.js';
import { average, mean } from '../verdict.js';
import { latencies } from './readout.js';

const lawOf = at => polling.latency({ d: at.rtt_ms / 2, T: at.interval_ms });

export default {
  id: 'l02', number: 'L2', topic: 'The average delay of polling', title: 'The average delay is half the interval',
  claim: 'Polling every T delays an event by T/2 on average, and by anything from 0 to T.',
  taught: [['I. Grigorik, High Performance Browser Networking, ch. 15', 'https://hpbn.co/xmlhttprequest/#polling-with-xhr']],
  scenario: 'lessons/l02',
  question: at => `A client asks every ${at.interval_ms.toLocaleString('en')} ms. Events come at random moments. How long, on average, until the client has an event?`,
  guess: { kind: 'slider', label: 'Mean delay', min: 0, max: 2000, step: 10, unit: 'ms' },
  knob: { name: 'interval_ms', label: 'Polling interval (ms)', values: [250, 500, 1000, 2000] },
  parameters: { rate: 50, arrivals: 'poisson', interval_ms: 1000, payload: 64, rtt_ms: 0, duration_s: 23 },
  lanes: ['interval-polling', 'websocket'],
  model: at => lawOf(at).mean,
  histogram: true,
  judge({ recordings: [recording], parameters, floor }) {
    const waits = latencies(recording, 'interval-polling');
    const pushed = latencies(recording, 'websocket');
    const n = waits.length;
    return {
      rows: [
        { ...mean({ measured: average(waits) - floor.mean, law: lawOf(parameters), n, floor: floor.allowed }), label: 'polling, mean', unit: 'ms' },
        { ...mean({ measured: average(pushed) - floor.mean, law: law(parameters.rtt_ms / 2), n: pushed.length, floor: floor.allowed }), label: 'WebSocket, mean', unit: 'ms' },
      ],
      n, of: 'events',
      text: 'The histogram of polling is flat: every delay between 0 and T is as likely as any other.',
      curves: [
        { lane: 'interval-polling', values: waits, law: lawOf(parameters) },
        { lane: 'websocket', values: pushed, law: law(parameters.rtt_ms / 2) },
      ],
    };
  },
  why: [
    'An event does not know the client’s timer. It falls anywhere between two polls, so it waits for anything between nothing and T, all equally likely: T/2 on average, T at worst.',
    'Nothing is slow here. Server and line answer within a few milliseconds; what you measured is waiting for the next question.',
  ],
};

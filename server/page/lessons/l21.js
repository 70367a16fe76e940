// L21: the mean hides the tail. Polling's p99 is twice its mean.
import { polling } from '../model.js';
import { average, mean, quantile, quantileOf } from '../verdict.js';
import { latencies } from './readout.js';

const lawOf = at => polling.latency({ d: at.rtt_ms / 2, T: at.interval_ms });

export default {
  id: 'l21', number: 'L21', topic: 'The tail of polling', title: 'The mean hides it',
  claim: 'One event in a hundred waits twice the mean: nearly the whole interval.',
  taught: [['G. Tene, How NOT to Measure Latency', null]],
  scenario: 'lessons/l21',
  question: at => `Polling every ${at.interval_ms.toLocaleString('en')} ms has a mean delay of ${at.interval_ms / 2} ms. One event in a hundred takes longer than …?`,
  guess: { kind: 'slider', label: 'p99', min: 0, max: 2000, step: 10, unit: 'ms' },
  knob: { name: 'interval_ms', label: 'Polling interval (ms)', values: [200, 500, 1000] },
  parameters: { rate: 50, arrivals: 'poisson', interval_ms: 500, payload: 64, rtt_ms: 0, duration_s: 23 },
  lanes: ['interval-polling'],
  model: at => lawOf(at).quantile(0.99),
  histogram: true,
  judge({ recordings: [recording], parameters, floor }) {
    const waits = latencies(recording, 'interval-polling');
    const n = waits.length;
    const law = lawOf(parameters);
    const at = q => ({ ...quantile({ measured: quantileOf(waits, q) - floor.mean, law, q, n, floor: floor.allowed + (q > 0.9 ? floor.tail : 0) }), unit: 'ms' });
    return {
      rows: [
        { ...at(0.99), label: 'p99' },
        { ...at(0.5), label: 'p50' },
        { ...mean({ measured: average(waits) - floor.mean, law, n, floor: floor.allowed }), label: 'mean', unit: 'ms' },
      ],
      n, of: 'events',
      text: `p99 is ${(quantileOf(waits, 0.99) / average(waits)).toFixed(2)} times the mean; the largest of all was ${Math.max(...waits).toFixed(0)} ms.`,
      curves: [{ lane: 'interval-polling', values: waits, law }],
    };
  },
  why: [
    'A user who gets a hundred events meets the p99 once. (d + 0.99 T)/(d + T/2) is nearly 2 while the line is short against the interval.',
    'A mean cannot be felt by anybody. Ask for percentiles, and for how many samples stand behind them.',
  ],
};

// L4: polling loses what happens between polls, unless server and client keep count.
import { polling } from '../model.js';
import { judged, share } from '../verdict.js';
import { span } from './readout.js';

export default {
  id: 'l04', number: 'L4', topic: 'What polling sees', title: 'Polling loses what happens between two polls',
  claim: 'A server that only knows the latest value tells a poller a share of what happened. A history and a cursor lose nothing.',
  taught: [['E. Bozdag, A. Mesbah, A. van Deursen, A Comparison of Push and Pull Techniques for AJAX, TU Delft 2007', null]],
  scenario: 'lessons/l04',
  question: at => `The server keeps the latest value only. It changes ${at.rate} times a second, at random; the client asks every ${at.interval_ms.toLocaleString('en')} ms. Which share of the values does the client ever see?`,
  guess: { kind: 'slider', label: 'Values seen', min: 0, max: 100, step: 1, unit: '%' },
  knob: { name: 'interval_ms', label: 'Polling interval (ms)', values: [50, 100, 200, 400] },
  parameters: { rate: 20, arrivals: 'poisson', interval_ms: 100, payload: 64, rtt_ms: 0, duration_s: 15 },
  runs: at => [{ ...at, history: 1 }, { ...at, duration_s: 8 }],
  lanes: ['interval-polling'],
  model: at => 100 * polling.latestShare({ rate: at.rate, T: at.interval_ms / 1000 }),
  judge({ recordings: [latest, kept], parameters }) {
    const seen = recording => recording.lanes['interval-polling'];
    const model = polling.latestShare({ rate: span(latest).rate, T: parameters.interval_ms / 1000 });
    const one = seen(latest);
    return {
      rows: [
        { ...share({ measured: one.delivered / one.expected, model, n: one.expected }), label: 'latest value only: seen', unit: '%', scale: 100 },
        { ...judged({ measured: seen(kept).lost, model: 0, off: 0, n: seen(kept).expected }), label: 'history and cursor: lost', unit: 'events' },
      ],
      n: one.expected, of: 'events',
      text: `Latest value only: ${one.delivered} of ${one.expected} seen, and the server said that ${one.missed} were missed. With a history: ${seen(kept).delivered} of ${seen(kept).expected}.`,
    };
  },
  why: [
    'Of all the values within one interval the client sees the last. That is (1 − e^(−λT))/(λT) of them. For a thermometer it may be what you want; for chat it is loss.',
    'The cure is not push but a cursor: the server keeps a history, the client says where it was. Then polling loses nothing, it is only late. A push without a cursor loses too, whenever its connection breaks (L17).',
  ],
};

// L1: most polls are empty.
import { polling } from '../model.js';
import { share } from '../verdict.js';
import { emptyShare, polls, span } from './readout.js';

const ratio = polls => (polls >= 1 ? `one for every ${polls.toFixed(1)} polls` : `${(1 / polls).toFixed(1)} for every poll`);

export default {
  id: 'l01', number: 'L1', topic: 'Empty polls', title: 'Most polls are empty',
  claim: 'A client that asks on a timer mostly hears “nothing new”.',
  taught: [
    ['I. Grigorik, High Performance Browser Networking, ch. 15', 'https://hpbn.co/xmlhttprequest/#polling-with-xhr'],
    ['S. Kamardin, A Million WebSockets and Go: 60 % of 50,000 polls a second were answered 304', null],
    ['TU Delft 2009: 96 % at one item in 50 polls', null],
  ],
  scenario: 'lessons/l01',
  question: at => `A client asks every ${at.interval_ms.toLocaleString('en')} ms. Events come at random, ${at.rate} a second on average: ${ratio(1000 / at.rate / at.interval_ms)}. Which share of the answers is empty?`,
  guess: { kind: 'slider', label: 'Empty answers', min: 0, max: 100, step: 1, unit: '%' },
  knob: { name: 'rate', label: 'Events a second', values: [2, 5, 10, 20, 40] },
  parameters: { rate: 10, arrivals: 'poisson', interval_ms: 50, payload: 64, rtt_ms: 0, duration_s: 20 },
  lanes: ['interval-polling'],
  model: at => 100 * polling.emptyShare({ rate: at.rate, T: at.interval_ms / 1000 }),
  judge({ recordings: [recording], parameters }) {
    const asked = polls(recording, 'interval-polling');
    const { rate } = span(recording);
    const found = share({ measured: emptyShare(asked), model: polling.emptyShare({ rate, T: parameters.interval_ms / 1000 }), n: asked.length });
    return {
      rows: [{ ...found, label: 'empty answers', unit: '%', scale: 100 }],
      n: asked.length, of: 'polls',
      text: `${asked.length} polls while ${recording.events.length} events came (${rate.toFixed(2)} a second).`,
    };
  },
  why: [
    'Events that come at random leave an interval T without any with the chance e^(−λT). At one event for every two polls that is 61 %, not 50 %: some intervals get two events, so more get none.',
    'Polling less often makes fewer empty answers, and every event later (L2). There is no setting that is good at both (L3).',
  ],
};

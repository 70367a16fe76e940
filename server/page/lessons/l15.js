// L15: the famous 500:1 is a statement about headers; with payload and packets it melts, and at a high rate it is 1.
import { SEGMENT_BYTES, breakEven, framing } from '../model.js';
import { judged } from '../verdict.js';
import { bytes, framed, headSizes, sum } from './readout.js';

/** Bytes an event of both lanes on three layers; segments are the model's: three a poll, two a push. */
export function layers(recording) {
  const poll = recording.lanes['interval-polling'];
  const polled = bytes(recording, 'interval-polling');
  const n = poll.delivered;
  const app = sum(Object.values(polled)) / n;
  const { each, around } = framed(recording, 'websocket');
  const full = poll.exchanges.filter(exchange => exchange.events.length > 0).length;
  const overhead = polled.http_headers + polled.empty_polls;
  return {
    n, each, around, full, polls: poll.requests,
    envelope: (polled.framing ?? 0) / full,
    header: overhead / n / around,
    app: app / (each + around),
    ip: (app + 3 * SEGMENT_BYTES * poll.requests / n) / (each + around + 2 * SEGMENT_BYTES),
  };
}

/** The same three ratios by the formulas, from the heads of one poll and the size of one event. */
function predicted(at, head) {
  const h = framing.websocket(at.each);
  const heads = (head.full * at.full + (Number.isFinite(head.empty) ? head.empty : head.full) * (at.polls - at.full)) / at.n;
  const polling = heads + at.each + at.envelope * at.full / at.n;
  return { header: heads / h, app: polling / (at.each + h), ip: (polling + 3 * SEGMENT_BYTES * at.polls / at.n) / (at.each + h + 2 * SEGMENT_BYTES) };
}

export default {
  id: 'l15', number: 'L15', topic: 'The 500:1 saving', title: 'The 500:1 saving, layer by layer', honest: true,
  claim: 'With Kaazing’s bytes WebSocket saves 435:1 in headers, 40:1 in bytes of the application, 8.6:1 on the network, and nothing at ten events a poll.',
  taught: [['P. Lubbers, F. Greco (Kaazing): 500:1, or with larger headers 1000:1 less header traffic', 'https://websocket.org/quantum.html']],
  scenario: 'lessons/l15',
  question: () => 'One event a second, one poll a second. Counting whole packets on the network, as a bill would: how many times as many bytes does polling need as WebSocket?',
  guess: { kind: 'slider', label: 'Polling : WebSocket', min: 1, max: 500, step: 1, unit: '×', log: true },
  parameters: { rate: 1, arrivals: 'constant', interval_ms: 1000, payload: 21, rtt_ms: 0, duration_s: 12 },
  /** The second run has the rate at which the model says that both cost the same on the network. */
  runs: at => [at, recordings => {
    const { full } = headSizes(recordings[0], 'interval-polling');
    const { each, envelope } = layers(recordings[0]);
    if (!Number.isFinite(full)) throw new Error('No poll brought an event, so there is nothing to set a rate by. Run it again.');
    const rate = breakEven({ heads: full + envelope, h: framing.websocket(each) });
    return { ...at, rate: Math.round(rate * 10) / 10 };
  }],
  lanes: ['interval-polling', 'websocket'],
  judge({ recordings: [quiet, busy] }) {
    const head = headSizes(quiet, 'interval-polling');
    const rows = [];
    const put = (at, which, label) => {
      const model = predicted(at, head)[which];
      // Heads differ by the digits of cursors and lengths, and the first poll has no cursor.
      rows.push({ ...judged({ measured: at[which], model, off: 0.05 * model, n: at.n }), label, unit: '×' });
    };
    const [slow, fast] = [layers(quiet), layers(busy)];
    put(slow, 'ip', '1 event a second, packets (computed: 52 bytes a segment)');
    put(slow, 'app', '1 event a second, what the sockets carried');
    put(slow, 'header', '1 event a second, headers alone');
    put(fast, 'ip', `${busy.parameters.rate} events a second, packets (computed)`);
    return {
      rows, n: slow.n + fast.n, of: 'events', layers: { slow, fast },
      text: `Headers ${slow.header.toFixed(0)} : 1, application ${slow.app.toFixed(1)} : 1, network ${slow.ip.toFixed(1)} : 1; at ${busy.parameters.rate} events a second ${fast.ip.toFixed(2)} : 1. With Kaazing’s 909 bytes and bare payloads of 21: 435, 40, 8.6, and 1.0 at 10 a second.`,
    };
  },
  why: [
    'The claim counts overhead alone. The payload travels either way, and so do the headers of IP and TCP: 52 bytes a segment, three segments a poll, two a push.',
    'At ten events an interval a poll brings ten in one answer, while each push has its own segments. Batched polling then costs the network the same, and above that less. It is still late (L2).',
  ],
};

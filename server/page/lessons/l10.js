// L10, against the folklore: downstream, SSE is as fast as WebSocket.
import { average, deviation, judged, quantileOf } from '../verdict.js';
import { latencies, paired } from './readout.js';

export default {
  id: 'l10', number: 'L10', topic: 'SSE and WebSocket', title: 'SSE ties with WebSocket downstream', honest: true,
  claim: 'From server to browser, “WebSocket is faster” is not true: both are one TCP connection with bytes pushed down it.',
  taught: [
    ['I. Grigorik, High Performance Browser Networking, ch. 16', 'https://hpbn.co/server-sent-events-sse/'],
    ['against: RxDB, “WebSocket has the lowest latency”', 'https://rxdb.info/articles/websockets-sse-polling-webrtc-webtransport.html'],
  ],
  scenario: 'lessons/l10',
  question: () => 'The same events go over SSE and WebSocket at once. How much later does SSE deliver an event, on average?',
  guess: { kind: 'slider', label: 'SSE later by', min: -20, max: 20, step: 0.5, unit: 'ms' },
  knob: { name: 'rtt_ms', label: 'Round trip (ms)', values: [0, 20, 100] },
  parameters: { rate: 50, arrivals: 'poisson', payload: 64, rtt_ms: 20, duration_s: 23 },
  lanes: ['sse', 'websocket'],
  model: () => 0,
  judge({ recordings: [recording], floor }) {
    const later = paired(recording, 'sse', 'websocket');
    const n = later.length;
    const off = 3 * deviation(later) / Math.sqrt(n) + floor.mean;
    const [sse, socket] = [latencies(recording, 'sse'), latencies(recording, 'websocket')];
    return {
      rows: [{ ...judged({ measured: average(later), model: 0, off, n, least: 1000 }), label: 'SSE minus WebSocket, event by event', unit: 'ms' }],
      n, of: 'events',
      text: `Medians: SSE ${quantileOf(sse, 0.5).toFixed(2)} ms, WebSocket ${quantileOf(socket, 0.5).toFixed(2)} ms. The band is three standard errors and what this machine adds to any push.`,
      curves: [{ lane: 'sse', values: sse }, { lane: 'websocket', values: socket }],
    };
  },
  why: [
    'Both hold one connection and write an event when it comes. The frames differ by a few bytes, which no line worth the name can tell.',
    'WebSocket wins where the client sends too: one connection both ways, and no headers up. And SSE brings reconnecting and resuming with it (L17), which on WebSocket is yours to write.',
  ],
};

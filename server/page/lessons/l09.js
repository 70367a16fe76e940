// L9: a buffering proxy breaks streaming over HTTP; after an upgrade there is nothing to buffer.
import { law, push } from '../model.js';
import { average, judged, mean } from '../verdict.js';
import { latencies, pushes, span, sum } from './readout.js';

const BUFFER = 4096;

export default {
  id: 'l09', number: 'L9', topic: 'A buffering proxy', title: 'A buffering proxy breaks streaming',
  claim: 'A proxy that collects an answer before it hands it on turns a stream into a staircase. WebSocket frames pass.',
  taught: [
    ['RFC 6202 §3.2', 'https://www.rfc-editor.org/rfc/rfc6202#section-3.2'],
    ['I. Grigorik, High Performance Browser Networking, ch. 16', 'https://hpbn.co/server-sent-events-sse/'],
  ],
  scenario: 'lessons/l09',
  question: at => `A proxy hands answers on in pieces of ${BUFFER.toLocaleString('en')} bytes. ${at.rate} events a second of some 180 bytes each go over SSE. Mean delay?`,
  guess: { kind: 'slider', label: 'Mean delay of SSE', min: 0, max: 1000, step: 10, unit: 'ms' },
  knob: { name: 'rate', label: 'Events a second', values: [50, 100, 200] },
  parameters: { rate: 50, arrivals: 'constant', payload: 128, rtt_ms: 0, duration_s: 22, drain_ms: 200, trouble: { sse: { buffer_bytes: BUFFER }, websocket: { buffer_bytes: BUFFER } } },
  lanes: ['sse', 'websocket'],
  model: at => 1000 * push.bufferedLatency({ rate: at.rate, buffer: BUFFER, message: 180 }).mean,
  histogram: true,
  judge({ recordings: [recording], floor }) {
    const stream = latencies(recording, 'sse');
    const socket = latencies(recording, 'websocket');
    const events = pushes(recording, 'sse');
    const { rate } = span(recording);
    const message = events.length ? sum(events.map(event => event.bytes)) / events.length : NaN;
    const width = 1000 * BUFFER / (rate * message);
    const n = stream.length;
    return {
      rows: [
        // A message more or less fits into each piece.
        { ...judged({ measured: average(stream) - floor.mean, model: width / 2, off: 1000 / rate + floor.allowed, n, least: 1000 }), label: 'SSE, mean', unit: 'ms' },
        { ...mean({ measured: average(socket) - floor.mean, law: law(0), n: socket.length, floor: floor.allowed }), label: 'WebSocket, mean', unit: 'ms' },
      ],
      n, of: 'events',
      text: `An event is ${message.toFixed(0)} bytes on this stream, so ${(BUFFER / message).toFixed(1)} of them fill the buffer, and each waits for the last one.`,
      curves: [{ lane: 'sse', values: stream, law: law(0, width) }, { lane: 'websocket', values: socket, law: law(0) }],
    };
  },
  why: [
    'Proxies buffer answers for good reasons: a slow client would block the server. The mean delay is B/(2λ(S + h)), so quiet rooms suffer most, until something ends the answer.',
    'Servers ask proxies not to (X-Accel-Buffering: no), short polls end their answers by themselves, and TLS keeps most boxes out. After 101 Switching Protocols it is no HTTP answer any more.',
  ],
};

// L7: headers drown the payload. Socket.IO's packets stand beside: more than a frame, much less than a head.
import { framing } from '../model.js';
import { judged } from '../verdict.js';
import { bytes, framed, headSizes, packaged, sum } from './readout.js';

export default {
  id: 'l07', number: 'L7', topic: 'Headers and payload', title: 'Headers drown the payload',
  claim: 'For a price of a few bytes, polling carries hundreds of bytes of headers. A WebSocket carries two or four.',
  taught: [['P. Lubbers, F. Greco (Kaazing), HTML5 WebSocket: 871 bytes of headers against 2', 'https://websocket.org/quantum.html']],
  scenario: 'lessons/l07',
  question: at => `A price of ${at.payload} bytes, ${at.rate} a second; the client asks ${1000 / at.interval_ms} times a second${at.cookie ? `, with a cookie of ${at.cookie} bytes` : ''}. How many bytes of headers does polling carry for each price, question and answer?`,
  guess: { kind: 'slider', label: 'Header bytes an event', min: 0, max: 8000, step: 50, unit: 'B' },
  knob: { name: 'cookie', label: 'Cookie (bytes)', values: [0, 500, 2000] },
  parameters: { rate: 2, arrivals: 'constant', interval_ms: 250, payload: 21, cookie: 0, rtt_ms: 0, duration_s: 12 },
  lanes: ['interval-polling', 'sse', 'websocket', 'socketio'],
  judge({ recordings: [recording], parameters }) {
    const lane = recording.lanes['interval-polling'];
    const kinds = bytes(recording, 'interval-polling');
    const head = headSizes(recording, 'interval-polling');
    const socket = framed(recording, 'websocket');
    const all = sum(Object.values(bytes(recording, 'websocket')));
    const { rx, tx } = recording.lanes.websocket.meter;
    const n = lane.delivered;
    // On a beat λT of the polls bring an event; the rest are empty.
    const heard = parameters.rate * parameters.interval_ms / 1000;
    const model = (head.full * heard + head.empty * (1 - heard)) / heard;
    // A recording from before Socket.IO had a lane knows nothing of it.
    const packets = recording.lanes.socketio ? packaged(recording) : null;
    return {
      rows: [
        // Some polls come before the first event and after the last; cursors grow by a digit.
        { ...judged({ measured: (kinds.http_headers + kinds.empty_polls) / n, model, off: 4 * head.empty / n + 0.02 * model, n }), label: 'polling: header bytes an event', unit: 'B' },
        { ...judged({ measured: socket.around, model: framing.websocket(socket.each), off: 0, n: socket.n }), label: 'WebSocket: frame bytes an event', unit: 'B' },
        { ...judged({ measured: all, model: rx + tx, off: 0, n }), label: 'WebSocket: bytes seen here, and counted by the server’s socket', unit: 'B' },
        ...packets ? [{ ...judged({ measured: packets.around, model: packets.model, off: 0, n: packets.n }), label: 'Socket.IO: frame and packet bytes an event', unit: 'B' }] : [],
      ],
      n, of: 'events',
      text: `One empty poll of this browser is ${head.empty} bytes of headers, one with news ${head.full}; at ${(1000 / parameters.interval_ms / parameters.rate).toFixed(0)} polls an event that is what each price costs. Kaazing’s example had 909 bytes a poll (871 as printed, without line ends).`,
    };
  },
  why: [
    'HTTP says everything anew with each request: who asks, for what, what is accepted, all cookies. A WebSocket says it once, in its handshake; then two bytes of frame for up to 125 bytes of payload, four up to 65,535, ten above (RFC 6455 §5.2).',
    'Socket.IO on a WebSocket writes a packet into the frame: two digits, the name of the event, and here the room and the cursor to come back with. It says them with each event, which HTTP headers do as well, but in some forty bytes.',
    'HTTP/2 compresses repeated headers; this lab speaks HTTP/1.1, as a browser does to any server without TLS.',
  ],
};

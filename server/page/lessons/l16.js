// L16: who tries WebSocket first waits where it is blocked; who begins with polling has the first event at once,
// and Socket.IO begins so.
import { judged } from '../verdict.js';
import { fallback } from './by_hand.js';

const PATIENCE_MS = 3000;
const RATE = 10;
/** Round trips until an event can come: one for a question that waits; Socket.IO opens a session, connects to it,
 * joins the room and asks, each after the other, and each on a connection that may be new. */
const TRIPS = { plain: 4, socketio: 10 };

export default {
  id: 'l16', number: 'L16', topic: 'Where WebSocket is blocked', title: 'Trying WebSocket first can cost seconds',
  claim: 'Where a box swallows the upgrade, “WebSocket, then fall back” waits out its own patience. “Poll, then upgrade” never does.',
  taught: [['Socket.IO documentation, How it works: why it begins with long polling', 'https://socket.io/docs/v4/how-it-works/#upgrade-mechanism']],
  scenario: 'lessons/l16',
  question: () => `A box swallows every WebSocket upgrade without a word. The client gives WebSocket ${PATIENCE_MS / 1000} s, then polls. ${RATE} events a second are published. How long until its first event?`,
  guess: { kind: 'slider', label: 'Until the first event', min: 0, max: 10000, step: 100, unit: 'ms' },
  parameters: { rate: RATE, arrivals: 'constant', payload: 64, rtt_ms: 20, duration_s: 20 },
  lanes: ['websocket', 'long-polling', 'socketio'],
  model: () => PATIENCE_MS + 1000 / RATE / 2,
  drive: (lab, parameters, hold) => fallback(lab, parameters, PATIENCE_MS, hold),
  judge({ driven, parameters, floor }) {
    const between = 1000 / parameters.rate;
    // An event comes within one beat; set-up takes a few round trips.
    const row = (label, measured, waited, trips = TRIPS.plain) => {
      const off = between / 2 + trips * parameters.rtt_ms + 10 * floor.mean;
      const found = judged({ measured, model: waited + between / 2, off, n: 1 });
      return { ...found, low: Math.max(0, found.low), label, unit: 'ms' };
    };
    return {
      rows: [
        row('WebSocket first, upgrade swallowed', driven.swallowed, PATIENCE_MS),
        row('WebSocket first, upgrade refused', driven.refused, 0),
        row('polling first', driven.pollingFirst, 0),
        row('Socket.IO, upgrade swallowed', driven.socketio, 0, TRIPS.socketio),
      ],
      n: 4, of: 'first events',
      text: `A refusal is an answer, and the client falls back at once. Silence is not. Socket.IO had its first event after ${driven.socketio.toFixed(0)} ms: it polls, and its WebSocket may take as long as it likes to fail.`,
    };
  },
  why: [
    'A swallowed upgrade looks like a slow network. Only time tells them apart, so the user waits for a time-out that somebody chose: Socket.IO’s documentation speaks of up to 10 s.',
    'So Socket.IO opens with a long poll, which every box lets through, and upgrades once it works: the WebSocket has to answer a probe before anything depends on it. The price is a few requests more at the start.',
  ],
};

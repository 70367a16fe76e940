// L17: after a break SSE goes on where it was; a bare WebSocket does not.
import { judged } from '../verdict.js';
import { span } from './readout.js';

const LANES = ['sse', 'websocket'];
const BREAK = [3000, 8000];
const seconds = (BREAK[1] - BREAK[0]) / 1000;

export default {
  id: 'l17', number: 'L17', topic: 'After a break', title: 'SSE resumes, a bare WebSocket does not',
  claim: 'EventSource says where it was when it comes back (Last-Event-ID), and the server sends what was missed. A WebSocket has no such thing unless you write it.',
  taught: [['HTML Standard, Server-sent events, Last-Event-ID', 'https://html.spec.whatwg.org/multipage/server-sent-events.html#the-last-event-id-header']],
  scenario: 'lessons/l17',
  question: at => `${at.rate} events a second; the line is dead for ${seconds} s, then both clients connect again. How many events does a WebSocket lose whose program only reconnects?`,
  guess: { kind: 'slider', label: 'Lost by the WebSocket', min: 0, max: 300, step: 5, unit: 'events' },
  knob: { name: 'rate', label: 'Events a second', values: [5, 20, 40] },
  parameters: { rate: 20, arrivals: 'constant', payload: 64, rtt_ms: 0, duration_s: 16, resume: false, drain_ms: 4000 },
  runs: at => [{
    ...at,
    at: LANES.flatMap(lane => [
      { after_ms: BREAK[0], message: { do: 'lane', lane, rtt_ms: at.rtt_ms, trouble: { silent_drop: true } } },
      { after_ms: BREAK[1], message: { do: 'lane', lane, rtt_ms: at.rtt_ms, trouble: {} } },
      { after_ms: BREAK[1] + 1, message: { do: 'cut', lane } },
    ]),
  }],
  lanes: LANES,
  model: at => at.rate * seconds,
  judge({ recordings: [recording] }) {
    const [sse, socket] = LANES.map(lane => recording.lanes[lane]);
    const { rate } = span(recording);
    const back = socket.states.filter(state => state.state === 'open').at(-1);
    const lost = socket.states.find(state => state.state === 'lost');
    const dead = seconds + (back && lost ? (back.atMs - lost.atMs) / 1000 : 0);
    return {
      rows: [
        { ...judged({ measured: socket.lost, model: rate * dead, off: Math.max(3, 0.15 * rate * seconds), n: socket.expected, least: 1 }), label: 'bare WebSocket: lost', unit: 'events' },
        { ...judged({ measured: sse.lost, model: 0, off: 0, n: sse.expected, least: 1 }), label: 'SSE: lost', unit: 'events' },
        { ...judged({ measured: sse.duplicated, model: 0, off: 0, n: sse.expected, least: 1 }), label: 'SSE: twice', unit: 'events' },
      ],
      n: recording.events.length, of: 'events',
      text: `Dead for ${seconds} s, and ${((dead - seconds) * 1000).toFixed(0)} ms more until the WebSocket was back. SSE reconnected ${sse.reconnects === 1 ? 'once' : `${sse.reconnects} times`} and lost ${sse.lost}.`,
    };
  },
  why: [
    'Each SSE message bears an id. The browser keeps the last one and sends it when it reconnects, by itself; the server has a history to send the rest from.',
    'The same can be had on WebSocket: keep the cursor, send it when connecting. On the race screen this lab’s own WebSocket client does, in two lines.',
  ],
};

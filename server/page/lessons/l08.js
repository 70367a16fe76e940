// L8: what stands idle is cut by something in between; a heartbeat that is shorter than its limit helps.
import { judged } from '../verdict.js';

const LIMIT_MS = 2000;
const cuts = (recording, lane) => recording.lanes[lane].faults.filter(fault => fault.what === 'idle-cut').length;
const LANES = ['sse', 'websocket'];

export default {
  id: 'l08', number: 'L8', topic: 'Idle connections', title: 'Idle connections are cut',
  claim: 'Proxies and phones drop a connection that says nothing for too long. A heartbeat keeps it, if it comes sooner than the limit.',
  taught: [
    ['I. Grigorik, High Performance Browser Networking, ch. 17: nginx cuts after 60 s', 'https://hpbn.co/websocket/'],
    ['RFC 6202 §5.5: 30 s is safer', 'https://www.rfc-editor.org/rfc/rfc6202#section-5.5'],
    ['Socket.IO: a ping every 25 s', 'https://socket.io/docs/v4/server-options/#pinginterval'],
  ],
  scenario: 'lessons/l08',
  question: () => `A box between you and the server cuts what is silent for ${LIMIT_MS / 1000} s. Hardly anything happens in the room. Which heartbeat keeps the streams?`,
  guess: {
    kind: 'choice', label: 'The heartbeat', options: [
      ['none', 'none: TCP keeps connections by itself'], ['3000', 'every 3 s'], ['1000', 'every 1 s'],
    ],
    right: '1000',
  },
  // One event every 6.7 s: long silences, and a run that lasts.
  parameters: { rate: 0.15, arrivals: 'constant', payload: 64, rtt_ms: 0, duration_s: 8, drain_ms: 500 },
  runs: at => [null, 3000, 1000].map(heartbeat_ms => ({
    ...at, heartbeat_ms: heartbeat_ms ?? 600_000, trouble: Object.fromEntries(LANES.map(lane => [lane, { idle_cut_ms: LIMIT_MS }])),
  })),
  lanes: LANES,
  model: () => '1000',
  judge({ recordings }) {
    const names = ['no heartbeat', 'a heartbeat every 3 s', 'a heartbeat every 1 s'];
    const rows = recordings.flatMap((recording, at) => LANES.map(lane => {
      const found = cuts(recording, lane);
      const kept = at === 2;
      return {
        ...judged({ measured: found, model: kept ? 0 : Math.max(1, found), off: 0, n: 1 }),
        modelText: kept ? '0' : 'at least 1', label: `${lane === 'sse' ? 'SSE' : 'WebSocket'}, ${names[at]}: cuts in ${recording.parameters.duration_s} s`, unit: '',
      };
    }));
    const total = recordings.map(recording => LANES.reduce((sum, lane) => sum + cuts(recording, lane), 0));
    return {
      rows, n: total.reduce((sum, count) => sum + count, 0), of: 'cuts',
      answer: total[0] > 0 && total[1] > 0 && total[2] === 0 ? '1000' : null,
      text: `Cuts: ${total[0]} without, ${total[1]} with a heartbeat longer than the limit, ${total[2]} with a shorter one.`,
    };
  },
  why: [
    'The box cannot know that silence is meant. TCP’s own keep-alive comes after two hours by default, and a proxy that ends TCP does not pass it on.',
    'So every stream says something regularly: a comment line in SSE, an empty line in NDJSON, a ping frame in WebSocket. Long polling has it built in, as long as its hold is shorter than the limit.',
    'A cut by FIN is noticed at once and mended. A silent drop is noticed only by a heartbeat that does not come: try it in the trouble panel.',
  ],
};

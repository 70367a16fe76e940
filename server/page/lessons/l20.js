// L20: six HTTP/1.1 connections to one origin, and the seventh stream waits for ever.
import { judged } from '../verdict.js';
import { sevenStreams } from './by_hand.js';

export default {
  id: 'l20', number: 'L20', topic: 'Seven streams', title: 'The seventh stream never opens',
  claim: 'Over HTTP/1.1 a browser opens six connections to one origin. Six streams use them up, in all tabs together.',
  taught: [
    ['RFC 6202 §5.1', 'https://www.rfc-editor.org/rfc/rfc6202#section-5.1'],
    ['MDN, EventSource: “the limit is per browser and is set to a very low number (6)”', 'https://developer.mozilla.org/en-US/docs/Web/API/EventSource'],
  ],
  question: () => 'Seven EventSources to one origin over HTTP/1.1. How many of them open?',
  guess: { kind: 'slider', label: 'Streams that open', min: 1, max: 7, step: 1, unit: '' },
  parameters: { rtt_ms: 0 },
  lanes: ['sse'],
  model: () => 6,
  drive: (lab, _, hold) => sevenStreams(lab, hold),
  judge({ driven }) {
    const row = (label, measured, model) => ({ ...judged({ measured, model, off: 0, n: 1 }), label, unit: '' });
    return {
      rows: [
        row('EventSources open after 3 s', driven.open, 6),
        row('WebSockets that open beside them', driven.socket, 1),
        row('streams open after one was closed', driven.afterClosing, 6),
      ],
      n: driven.asked, of: 'streams',
      text: `The WebSocket was open after ${driven.socketMs.toFixed(0)} ms. When one of the six streams was closed, the waiting seventh took its place.`,
    };
  },
  why: [
    'The limit is the browser’s, to be fair to servers, and it counts all tabs of the origin. A seventh tab of a page with one stream each simply hangs, without an error.',
    'WebSockets have their own, much larger limit. HTTP/2 carries all streams over one connection. And this lab gives each lane a port of its own, so that its lanes never wait for one another.',
  ],
};

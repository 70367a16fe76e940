// L14, against the folklore: with keep-alive a long poll opens no connection.
import { judged } from '../verdict.js';
import { connections, polls } from './readout.js';

export default {
  id: 'l14', number: 'L14', topic: 'Long polls and connections', title: 'A long poll opens no connection', honest: true,
  claim: '“Every long poll opens a TCP connection” is a myth: HTTP/1.1 keeps it open.',
  taught: [
    ['RFC 6202 §2.2, “Connection Establishment”', 'https://www.rfc-editor.org/rfc/rfc6202#section-2.2'],
    ['against: websocket.org and RxDB, which say it does', null],
  ],
  scenario: 'lessons/l14',
  question: at => `About ${at.rate * at.duration_s} long polls in a row. How many TCP connections does this browser open for them?`,
  guess: { kind: 'slider', label: 'Connections', min: 1, max: 60, step: 1, unit: '' },
  parameters: { rate: 4, arrivals: 'constant', payload: 64, rtt_ms: 20, duration_s: 12 },
  lanes: ['long-polling'],
  model: () => 1,
  judge({ recordings: [recording] }) {
    const asked = polls(recording, 'long-polling');
    const opened = connections(recording, 'long-polling');
    return {
      // A browser may open a spare one.
      rows: [{ ...judged({ measured: opened, model: 1, off: 1, n: asked.length, least: 30 }), label: 'connections opened', unit: '' }],
      n: asked.length, of: 'long polls',
      text: `${asked.length} requests went over ${opened} ${opened === 1 ? 'connection' : 'connections'}, counted by the server that accepted them.`,
    };
  },
  why: [
    'HTTP/1.1 connections persist unless somebody says close (RFC 9112 §9.3). Each poll pays for its headers, not for a handshake.',
    'It is true without keep-alive: then every poll pays one more round trip for TCP, two more for TLS 1.2, or one more for TLS 1.3. The headless scenario of this lesson measures both.',
  ],
};

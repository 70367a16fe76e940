// L19: compression with a memory of what went before helps a stream; a lone small message it does not.
import { judged } from '../verdict.js';
import { received } from './by_hand.js';
import { alone, withMemory } from './deflate.js';

const TICKS = 150;

/** A price walks; so many bytes of JSON as tickers send. */
export function ticks(count, seed = 7) {
  let state = seed;
  const draw = () => (state = (state * 1103515245 + 12345) % 2147483648) / 2147483648;
  let price = 100;
  return Array.from({ length: count }, (_, at) => {
    price += draw() - 0.5;
    return JSON.stringify({ symbol: 'KPL', price: Number(price.toFixed(2)), volume: Math.floor(draw() * 900) + 100, seq: 1000 + at });
  });
}

export default {
  id: 'l19', number: 'L19', topic: 'Compression', title: 'Compression needs a memory', by: 'computed',
  claim: 'permessage-deflate with context takeover shrinks a stream of similar messages to a quarter. Without it, a small message hardly shrinks.',
  taught: [['RFC 7692 §7.1.1, context takeover', 'https://www.rfc-editor.org/rfc/rfc7692#section-7.1.1'], ['I. Grigorik, High Performance Browser Networking, ch. 17', 'https://hpbn.co/websocket/']],
  question: () => 'JSON ticks of some 55 bytes, each compressed by itself. To which share of its size does one shrink?',
  guess: { kind: 'slider', label: 'Size after compression', min: 0, max: 120, step: 1, unit: '%' },
  parameters: { payload: 55 },
  lanes: ['websocket'],
  model: () => 96,
  drive: (lab, _, hold) => received(lab, ticks(TICKS), hold),
  async judge({ driven }) {
    const messages = driven.map(text => new TextEncoder().encode(text));
    const size = messages.reduce((sum, message) => sum + message.length, 0);
    const [off, on] = [await alone(messages), withMemory(messages)];
    const n = messages.length;
    return {
      rows: [
        { ...judged({ measured: 100 * off / size, model: 96, off: 12, n }), label: 'each message alone (no context takeover), computed', unit: '%' },
        { ...judged({ measured: 100 * on / size, model: 26, off: 12, n }), label: 'with the messages before it in mind (context takeover), computed', unit: '%' },
      ],
      n, of: 'messages',
      text: `Computed, not measured: ${n} real events came over the WebSocket (${(size / n).toFixed(0)} bytes each) and were compressed here, alone by this browser’s CompressionStream, with memory by a small DEFLATE of fixed codes. The model’s figures are for other ticks of 55 bytes; ±12 points are allowed for that.`,
    };
  },
  why: [
    'DEFLATE writes “as 60 bytes ago, 48 long” instead of the bytes. In one small message there is nothing to point back to; in the messages before it there is nearly all of it.',
    'The memory costs some 32 KiB of window for each connection and direction, which is why servers turn it off for many clients. This lab’s server offers no compression, so that bytes stay countable.',
  ],
};

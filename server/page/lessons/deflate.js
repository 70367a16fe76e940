// How long messages are as DEFLATE (RFC 1951) writes them: alone, by the browser's own compressor, and with
// the messages before them as memory, which the browser's compressor cannot flush in between. For that a
// block of fixed codes is counted, greedy matches and a sync flush whose four last bytes RFC 7692 §7.2.1 drops.

const WINDOW = 32768;
const SHORTEST = 3;
const LONGEST = 258;

/** Bits of a literal in the fixed code (RFC 1951 §3.2.6). */
const literalBits = byte => (byte < 144 ? 8 : 9);

/** Bits of a length: its code, 7 up to 114 and 8 above, and its extra bits. */
function lengthBits(length) {
  if (length === LONGEST) return 8;
  const steps = length - SHORTEST;
  const extra = steps < 8 ? 0 : Math.floor(Math.log2(steps)) - 2;
  return (length <= 114 ? 7 : 8) + extra;
}

/** Five bits of code, and one extra bit for every doubling of the distance from 5 on. */
const distanceBits = distance => 5 + (distance <= 4 ? 0 : Math.floor(Math.log2(distance - 1)) - 1);

const keyAt = (bytes, at) => bytes[at] | (bytes[at + 1] << 8) | (bytes[at + 2] << 16);

/** The longest earlier occurrence of what stands at `at`; of equals the nearest. */
function match(bytes, at, end, places) {
  let best = { length: 0, distance: 0 };
  if (at + SHORTEST > end) return best;
  const candidates = places.get(keyAt(bytes, at)) ?? [];
  for (let which = candidates.length - 1; which >= 0 && best.length < LONGEST; which -= 1) {
    const from = candidates[which];
    if (at - from > WINDOW) break;
    let length = 0;
    while (length < LONGEST && at + length < end && bytes[from + length] === bytes[at + length]) length += 1;
    if (length > best.length) best = { length, distance: at - from };
  }
  return best;
}

/** Bytes of all messages, each flushed as permessage-deflate does, one memory for all. */
export function withMemory(messages) {
  const bytes = new Uint8Array(messages.reduce((sum, message) => sum + message.length, 0));
  const places = new Map();
  let total = 0;
  let at = 0;
  for (const message of messages) {
    bytes.set(message, at);
    const end = at + message.length;
    // Three bits of block header; the end of block takes seven, the empty stored block's header three.
    let bits = 3 + 7 + 3;
    while (at < end) {
      const { length, distance } = match(bytes, at, end, places);
      bits += length >= SHORTEST ? lengthBits(length) + distanceBits(distance) : literalBits(bytes[at]);
      const next = at + Math.max(1, length >= SHORTEST ? length : 1);
      for (; at < next; at += 1) {
        if (at + SHORTEST > end) continue;
        const key = keyAt(bytes, at);
        if (!places.has(key)) places.set(key, []);
        places.get(key).push(at);
      }
    }
    total += Math.ceil(bits / 8);
  }
  return total;
}

/** Bytes of all messages, each by itself. */
export async function alone(messages) {
  let total = 0;
  for (const message of messages) {
    const stream = new Blob([message]).stream().pipeThrough(new CompressionStream('deflate-raw'));
    total += (await new Response(stream).arrayBuffer()).byteLength;
  }
  return total;
}

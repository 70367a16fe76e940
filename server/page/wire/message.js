// What a JSON message of the lab's server is, and where in a poll's answer its events lie: by bytes,
// for sizes are counted on the wire and not on what a parser makes of them.

import { stringEnd } from './elements.js';

const text = new TextDecoder();
const PREFIX = new TextEncoder().encode('{"id":');

/** `{what: 'event' | 'hello' | 'gap' | 'error', offset}`; null if it is none of ours. */
export function messageOf(bytes) {
  const offset = leadingId(bytes);
  if (offset !== null) return { what: 'event', offset };
  const json = parse(bytes);
  if (json === null || typeof json !== 'object') return null;
  if (Number.isSafeInteger(json.id)) return { what: 'event', offset: json.id };
  const isKnown = ['hello', 'gap', 'error'].includes(json.type);
  return isKnown ? { what: json.type, offset: null } : null;
}

/** The server writes `{"id":7,` first, so most messages need no parser. */
function leadingId(bytes) {
  if (PREFIX.some((byte, index) => bytes[index] !== byte)) return null;
  let id = 0;
  for (let at = PREFIX.length; at < bytes.length && at < PREFIX.length + 16; at += 1) {
    const digit = bytes[at] - 0x30;
    if (digit < 0 || digit > 9) return at > PREFIX.length && bytes[at] === 0x2c ? id : null;
    id = id * 10 + digit;
  }
  return null;
}

function parse(bytes) {
  try {
    return JSON.parse(text.decode(bytes));
  } catch {
    return null;
  }
}

/** The events of `{"cursor":…,"missed":…,"events":[…]}`: `[{from, to, offset}]`; null if it is none. */
export function eventsOf(bytes) {
  const json = parse(bytes);
  if (json === null || typeof json.cursor !== 'string' || !Array.isArray(json.events)) return null;
  const ranges = elementsOf(bytes, 'events');
  return ranges.map((range, index) => ({ ...range, offset: json.events[index]?.id ?? null }));
}

/** Where the elements of the array `name` lie in valid JSON, without the blanks around them. */
function elementsOf(bytes, name) {
  const elements = [];
  let depth = 0;
  let key = null;
  let open = null;
  const close = (at) => {
    let to = at;
    while (to > open && bytes[to - 1] <= 0x20) to -= 1;
    if (to > open) elements.push({ from: open, to });
    open = null;
  };
  for (let at = 0; at < bytes.length; at += 1) {
    const byte = bytes[at];
    if (open === null && depth === 2 && key === name && byte > 0x20 && byte !== 0x5d) open = at;
    if (byte === 0x22) {
      const end = stringEnd(bytes, at);
      if (depth === 1) key = text.decode(bytes.subarray(at + 1, end));
      at = end;
    } else if (byte === 0x7b || byte === 0x5b) {
      depth += 1;
      if (depth === 2 && byte === 0x7b) key = null;
    } else if (byte === 0x7d || byte === 0x5d) {
      if (depth === 2 && open !== null) close(at);
      depth -= 1;
    } else if (byte === 0x2c && depth === 2 && open !== null) {
      close(at);
    }
  }
  return elements;
}

// Engine.IO and Socket.IO packets byte by byte: what one is, of which kind its bytes are by the rules that
// loadgen counts by, and where the digits, the id of an acknowledgement, the event's name and the event itself
// lie. Pure; what carries the packets is the callers' to know.

import { messageOf } from './message.js';
import { elementRanges } from './elements.js';

const SEPARATOR = 0x1e;
const utf8 = new TextDecoder();

/** Heaviest last: an exchange is for the weightiest of its packets. */
const WEIGHTS = ['empty_polls', 'probes', 'keep_alive', 'handshake', 'packets'];

/** Packets that carry an event or a publish: what stands around it is of the kind `packets`. */
const CARRIES = new Set(['event', 'publish']);

/** `{what, offset, kind, parts: [{length, part, kind}]}` of one packet; its parts cover it. */
export function packetOf(bytes, direction, isBinary = false) {
  if (isBinary) return whole('notice', 'packets', [[bytes.length, 'sio-attachment', 'payload']]);
  const rest = (part) => (bytes.length > 1 ? [[bytes.length - 1, part]] : []);
  const simple = (what, kind, part = 'eio-data') => whole(what, kind, [[1, 'eio-type'], ...rest(part)]);
  const isProbe = bytes.length > 1;
  switch (String.fromCharCode(bytes[0])) {
    case '0': return simple('open', 'handshake', 'eio-open');
    case '1': return simple('notice', 'handshake');
    case '2': return simple(isProbe ? 'probe' : 'ping', isProbe ? 'probes' : 'keep_alive');
    case '3': return simple(isProbe ? 'probe' : 'pong', isProbe ? 'probes' : 'keep_alive');
    case '4': return message(bytes, direction);
    case '5': case '6': return simple('probe', 'probes');
    case 'b': return whole('notice', 'packets', [[1, 'eio-type'], ...(bytes.length > 1 ? [[bytes.length - 1, 'sio-attachment', 'payload']] : [])]);
    default: return whole('notice', 'packets', bytes.length > 0 ? [[bytes.length, 'unknown']] : []);
  }
}

function whole(what, kind, parts, offset = null) {
  return { what, offset, kind, parts: parts.map(([length, part, own = kind]) => ({ length, part, kind: own })) };
}

const HEAD = /^4(\d)(\d+-)?(\/[^,]*(?:,|$))?(\d+)?/;

/** Socket.IO: `4` and its own digit, attachments, namespace, id of the acknowledgement, JSON. */
function message(bytes, direction) {
  const found = HEAD.exec(utf8.decode(bytes.subarray(0, 256)));
  if (!found) return whole('notice', 'packets', [[1, 'eio-type'], ...(bytes.length > 1 ? [[bytes.length - 1, 'eio-data']] : [])]);
  const [head, type, attachments = '', namespace = '', ack = ''] = found;
  const length = new TextEncoder().encode(head).length;
  const parts = [[1, 'eio-type'], [1, 'sio-type']];
  for (const [text, part] of [[attachments, 'sio-attachments'], [namespace, 'sio-namespace'], [ack, 'sio-ack']]) {
    if (text) parts.push([new TextEncoder().encode(text).length, part]);
  }
  const json = bytes.subarray(length);
  const plainly = (what, kind) => whole(what, kind, json.length > 0 ? [...parts, [json.length, 'sio-data']] : parts);
  if (type === '0' || type === '4') return plainly('connect', 'handshake');
  if (type === '3' || type === '6') return plainly(isGreeting(json) ? 'hello' : 'ack', isGreeting(json) ? 'handshake' : 'packets');
  if (type === '1') return plainly('notice', 'handshake');
  if (type !== '2' && type !== '5') return plainly('notice', 'packets');
  return named(json, parts, direction, plainly);
}

/** `["name",argument,…]` */
function named(json, parts, direction, plainly) {
  const [name, argument] = elementRanges(json);
  const says = name && utf8.decode(json.subarray(name.from, name.to));
  if (direction === 'up' && says === '"join"') return plainly('join', 'handshake');
  const known = argument && messageOf(json.subarray(argument.from, argument.to));
  const what = direction === 'up' && says === '"publish"' ? 'publish' : direction === 'down' && known?.what === 'event' ? 'event' : 'notice';
  if (!CARRIES.has(what) || !argument) return plainly('notice', 'packets');
  const own = [...parts, [argument.from, 'sio-name'], [argument.to - argument.from, 'payload', 'payload'], [json.length - argument.to, 'sio-more']];
  return whole(what, 'packets', own, what === 'event' ? known.offset : null);
}

/** What a join is answered with: `[{"cursor":…,"missed":…}]`. */
function isGreeting(json) {
  try {
    return 'missed' in JSON.parse(utf8.decode(json))[0];
  } catch {
    return false;
  }
}

/** A body: packets with a separator between them. `{kind, publishes, events, parts}`; parts cover it. */
export function payloadOf(bytes, direction) {
  const parts = [];
  const events = [];
  let kind = 'empty_polls';
  let publishes = false;
  for (let from = 0; from <= bytes.length;) {
    const end = bytes.indexOf(SEPARATOR, from);
    const to = end < 0 ? bytes.length : end;
    const packet = packetOf(bytes.subarray(from, to), direction);
    if (to > from) kind = weightier(kind, packet.kind);
    publishes ||= packet.what === 'publish';
    if (packet.what === 'event') events.push(packet.offset);
    parts.push(...packet.parts);
    if (end < 0) break;
    parts.push({ length: 1, part: 'eio-separator', kind: 'packets' });
    from = end + 1;
  }
  return { kind, publishes, events, parts };
}

const weightier = (one, other) => (WEIGHTS.indexOf(one) >= WEIGHTS.indexOf(other) ? one : other);

// What a span says in words: one line for each header, chunk size, SSE field and bit of a frame.
// Texts only; what the bytes are was decided by the dissector.

import { headLines } from './http1.js';
import { PACKET_PARTS } from './explain_packets.js';
import { closeReason, OPCODES, unmask } from './websocket.js';

const utf8 = new TextDecoder();
const latin = new TextDecoder('latin1');

/** The finer parts of a run, `[{from, to, part}]` from its own beginning; null where it is one already. */
export function split(span) {
  switch (span.part) {
    case 'request-head':
    case 'answer-head': {
      const lines = headLines(span.bytes);
      return lines.length > 0 ? lines : null;
    }
    case 'ws-header':
      return frameParts(span.note);
    default:
      return null;
  }
}

function frameParts({ lengthBytes, size, masked }) {
  const parts = [
    { from: 0, to: 1, part: 'ws-bits' },
    { from: 1, to: 2, part: 'ws-length' },
  ];
  if (lengthBytes > 0) parts.push({ from: 2, to: 2 + lengthBytes, part: 'ws-extended-length' });
  if (masked) parts.push({ from: size - 4, to: size, part: 'ws-mask' });
  return parts;
}

/** `{label, value, detail}` */
export function explain(span) {
  const bytes = span.bytes;
  if (bytes.length === 0 && span.to > span.from) {
    return { label: span.part, value: '', detail: 'These bytes were counted, but are too old to be kept.' };
  }
  return (PARTS[span.part] ?? PARTS.unknown)(span, bytes);
}

const say = (label, value, detail) => ({ label, value, detail });

const PARTS = {
  'request-head': (span, bytes) => say('request head', headLines(bytes)[0].value, 'A request line, its headers and an empty line.'),
  'answer-head': (span, bytes) => say('answer head', headLines(bytes)[0].value, 'A status line, its headers and an empty line.'),
  'request-line': (span, bytes) => say('request line', line(bytes), 'Method, target and version: what is asked for.'),
  'status-line': (span, bytes) => say('status line', line(bytes), statusDetail(line(bytes))),
  header: (span, bytes) => headerOf(line(bytes), span.direction),
  'head-end': () => say('empty line', 'CR LF', 'Ends the head; what follows belongs to the body.'),
  'chunk-size': (span, bytes) => chunkSize(line(bytes)),
  'chunk-end': (span, bytes) => say('chunk end', visible(bytes), 'Two bytes after each chunk; together with the size line, the price of not knowing the length beforehand.'),
  trailer: (span, bytes) => say('trailer', line(bytes), 'A header that came after the body.'),
  envelope: (span, bytes) => say('envelope', utf8.decode(bytes), 'JSON around the events of an answer: the cursor to go on from, and how many events were missed.'),
  payload: (span, bytes) => payload(span, bytes),
  'line-end': () => say('line end', 'LF', 'Ends the line, and with it the message of a stream of lines or the field of an SSE block.'),
  heartbeat: () => say('heartbeat', 'LF', 'An empty line: nothing new, but proxies and timeouts see traffic.'),
  'sse-field': (span, bytes) => sseField(utf8.decode(bytes)),
  'sse-comment': (span, bytes) => say('comment', visible(bytes), 'A line that begins with a colon is no field: EventSource drops it. It serves as heartbeat.'),
  'sse-dispatch': () => say('empty line', 'LF', 'Ends the block: only now the browser dispatches the event.'),
  'ws-bits': (span) => frameBits(span.note),
  'ws-length': (span) => frameLength(span.note),
  'ws-extended-length': (span) => say('extended length', `${span.note.length}`, `${span.note.lengthBytes} bytes, most significant first, because the 7 bits said ${span.note.short}.`),
  'ws-mask': (span, bytes) => say('masking key', hex(bytes), 'Drawn anew for each frame by the browser; each byte of the payload was XORed with one of the four in turn, so that no proxy can be tricked into taking a payload for HTTP.'),
  'ws-header': (span) => say('frame header', `${OPCODES.get(span.note.opcode) ?? 'reserved'}, ${span.note.size} bytes`, 'FIN, opcode, MASK and length.'),
  'ws-control': (span, bytes) => control(span, bytes),
  ...PACKET_PARTS,
  'broken-off': (span, bytes) => say('broken off', visible(bytes), 'The connection ended before this was whole.'),
  unknown: (span, bytes) => say('unknown', visible(bytes), 'Bytes that are neither HTTP/1.1 nor a WebSocket frame as expected here.'),
};

function line(bytes) {
  return latin.decode(bytes).replace(/\r?\n$/, '');
}

export function hex(bytes) {
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join(' ');
}

const ESCAPES = { '\r': '\\r', '\n': '\\n', '\t': '\\t' };

/** Text with its control characters written out. */
export function visible(bytes) {
  const written = (sign) => ESCAPES[sign] ?? `\\x${sign.charCodeAt(0).toString(16).padStart(2, '0')}`;
  return utf8.decode(bytes).replace(/[\u0000-\u001f\u007f]/g, written);
}

const STATUSES = {
  101: 'The protocol changes: from the next byte on this connection speaks WebSocket.',
  200: 'Here is what was asked for.',
  204: 'Nothing new and no body: an empty poll.',
  304: 'Nothing new: the client knows the latest already.',
  403: 'Refused, as a page of another origin is.',
  404: 'No such thing here.',
  413: 'The event is larger than the server takes.',
  426: 'This path speaks WebSocket only.',
  429: 'Too many: come back later.',
  503: 'Full, or not able to: come back later.',
};

function statusDetail(text) {
  const status = text.split(' ')[1];
  return STATUSES[status] ?? 'What became of the request.';
}

function chunkSize(text) {
  const size = Number.parseInt(text, 16);
  const meaning = size === 0 ? 'A chunk of no bytes: the body is at its end.' : `Hexadecimal for ${size}: so many bytes of content follow, then two to end the chunk.`;
  return say('chunk size', text, meaning);
}

const SSE_FIELDS = {
  id: 'Becomes the last event id: after a break EventSource sends it as Last-Event-ID and the server goes on from there.',
  data: 'Before the payload: the field’s name, a colon and one space.',
  event: 'The type under which listeners get the event; without it, message.',
  retry: 'Milliseconds that EventSource waits before it connects again.',
};

function sseField(text) {
  const name = text.split(':')[0].trim();
  return say(`SSE field ${name}`, text.replace(/[\r\n]+$/, ''), SSE_FIELDS[name] ?? 'A field that EventSource does not know and drops.');
}

function frameBits({ fin, rsv, opcode }) {
  const name = OPCODES.get(opcode) ?? 'reserved';
  const bits = `FIN=${Number(fin)} RSV=${rsv.map(Number).join('')} opcode=0x${opcode.toString(16)} (${name})`;
  const whole = fin ? 'The last, here the only, frame of its message' : 'A fragment: more frames of this message follow';
  const extension = rsv.some(Boolean) ? 'a reserved bit is set, so an extension is in use' : 'no extension is in use';
  return say('FIN, RSV, opcode', bits, `${whole}; ${extension}.`);
}

function frameLength({ masked, short, length }) {
  const mask = masked ? 'MASK is 1: a browser must mask all it sends (RFC 6455 §5.3).' : 'MASK is 0: a server never masks, which is why one frame can serve all subscribers.';
  const size = short < 126 ? `${length} bytes follow.` : `${short} is not a length: the real one stands in the next ${short === 126 ? 2 : 8} bytes.`;
  return say('MASK, length', `MASK=${Number(masked)} length=${short}`, `${mask} ${size}`);
}

function payload(span, bytes) {
  const key = span.note?.key;
  const detail = key ? 'What the client sent, with the mask undone.' : 'The event itself: all that one wanted to carry.';
  return say('payload', utf8.decode(unmask(bytes, key)), detail);
}

function control(span, bytes) {
  const name = OPCODES.get(span.note.opcode) ?? 'control';
  const plain = unmask(bytes, span.note.key);
  if (name !== 'close') return say(name, hex(plain), 'A pong must carry back what the ping bore.');
  const { code, reason } = closeReason(plain);
  return say('close', `${code ?? 'no code'} ${reason}`.trim(), 'Two bytes of status code and a reason; the other side answers with its own close, then TCP ends.');
}

const HEADERS = {
  host: 'Which of the names behind this address is meant: the one header that HTTP/1.1 demands.',
  connection: 'Whether the connection stays open afterwards, or, with Upgrade, changes its protocol.',
  'cache-control': 'What caches may do; here, that nothing may be kept.',
  pragma: 'Cache-Control for HTTP/1.0; the browser sends it for old proxies.',
  upgrade: 'The protocol that the connection is to change to.',
  'sec-websocket-key': '16 random bytes in base64, drawn anew for each handshake; not a secret.',
  'sec-websocket-accept': 'SHA-1 of the key and a fixed GUID: proof that a WebSocket server read the request.',
  'sec-websocket-version': '13 is RFC 6455.',
  'sec-websocket-extensions': 'Extensions offered or taken, such as compression of each message.',
  'sec-websocket-protocol': 'Subprotocols: what the messages mean.',
  origin: 'The page that asks. Scripts cannot forge it, so the server can refuse other pages.',
  referer: 'The page that the request comes from.',
  'user-agent': 'Which browser this is, and much that is kept for history.',
  accept: 'Which kinds of answer the client would like.',
  'accept-encoding': 'Which compressions the client can undo.',
  'accept-language': 'Which languages the reader prefers.',
  cookie: 'Sent with every request to this host, whatever the port: pad it and every poll pays.',
  'set-cookie': 'A cookie that the client is to send back from now on.',
  'last-event-id': 'Where the stream broke off: the server goes on after it.',
  'if-none-match': 'The client has this already: answer 304 unless it changed.',
  etag: 'A name for this state of things; here, the cursor.',
  'content-type': 'What the body is.',
  'content-length': 'How many bytes the body has.',
  'transfer-encoding': 'The body comes in chunks, since nobody knows its length yet.',
  date: 'When the server made this answer.',
  'x-accel-buffering': 'Tells nginx not to hold the stream back.',
  'access-control-allow-origin': 'Lets the lab’s page read an answer from a lane’s port, which is another origin to the browser.',
  'access-control-allow-credentials': 'Lets cookies go along to the lane’s port.',
  'access-control-expose-headers': 'Headers that the page may read across origins.',
  'sec-fetch-site': 'How the page and the target are related; set by the browser alone.',
  'sec-fetch-mode': 'The mode of the request; set by the browser alone.',
  'sec-fetch-dest': 'What the answer is for; set by the browser alone.',
  'sec-ch-ua': 'The browser’s brand, as a client hint.',
  'sec-ch-ua-mobile': 'Whether this is a phone, as a client hint.',
  'sec-ch-ua-platform': 'The operating system, as a client hint.',
  vary: 'On which request headers the answer depends.',
  'keep-alive': 'How long the idle connection may stay open.',
  'retry-after': 'When it is worth coming back.',
};

function headerOf(text, direction) {
  const colon = text.indexOf(':');
  const name = text.slice(0, colon);
  const known = HEADERS[name.toLowerCase()];
  const other = `A header of the ${direction === 'up' ? 'request' : 'answer'} that this lab does not use.`;
  return say(name, text.slice(colon + 1).trim(), known ?? other);
}

// The dissector against bytes written by hand: what each is, of which kind, and that no cutting of
// the reads changes anything. The kinds are those that loadgen's own tests pin.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { packaged } from '../../page/lessons/readout.js';
import { Dissector } from '../../page/wire/dissector.js';

const utf8 = new TextEncoder();
const bytes = (...parts) => Uint8Array.from(parts.flatMap((part) => (typeof part === 'string' ? [...utf8.encode(part)] : [...part])));
const length = (text) => utf8.encode(text).length;
const chunk = (text) => `${length(text).toString(16).toUpperCase()}\r\n${text}\r\n`;

function dissect(lane, script) {
  const dissector = new Dissector(lane);
  for (const [direction, ...parts] of script) dissector.feed(direction, bytes(...parts), 5);
  return dissector;
}

const plain = ({ direction, from, to, kind, part, label, value, detail }) => ({ direction, from, to, kind, part, label, value, detail });
const sides = (kinds) => Object.fromEntries(Object.entries(kinds).filter(([, { up, down }]) => up + down > 0).map(([kind, { up, down }]) => [kind, [up, down]]));

/** All that was fed is in exactly one span, and the sums of kinds are the sums of spans. */
function assertWhole(dissector, context) {
  const sums = {};
  const reached = { up: 0, down: 0 };
  for (const span of dissector.spans) {
    assert.equal(span.from, reached[span.direction], `${context}: a hole before ${span.part}`);
    assert.ok(span.to > span.from, `${context}: an empty ${span.part}`);
    reached[span.direction] = span.to;
    sums[span.kind] ??= [0, 0];
    sums[span.kind][span.direction === 'up' ? 0 : 1] += span.to - span.from;
  }
  assert.deepEqual([reached.up, reached.down], [dissector.log.up.end, dissector.log.down.end], `${context}: bytes without a span`);
  assert.deepEqual(sides(dissector.byKind), sums, context);
}

const GET = (target, more = '') => `GET ${target} HTTP/1.1\r\nHost: 127.0.0.1\r\n${more}\r\n`;
const OK = (headers, body) => `HTTP/1.1 200 OK\r\n${headers}\r\n${body}`;
const EVENT = (id, data = 'x') => `{"id":${id},"type":"tick","data":${JSON.stringify(data)}}`;
const HELLO = '{"type":"hello","cursor":"e-0","missed":0}';
const NOTHING_NEW = 'HTTP/1.1 204 No Content\r\netag: "e-0"\r\n\r\n';
const HANDSHAKE = 'HTTP/1.1 101 Switching Protocols\r\nupgrade: websocket\r\nconnection: Upgrade\r\n\r\n';
const UPGRADE = GET('/rooms/r/ws', 'Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n');
const frame = (text) => [[0x81, ...(length(text) > 125 ? [126, length(text) >> 8, length(text) & 255] : [length(text)])], text];

const answer = (events) => `{"cursor":"e-9","missed":0,"events":[${events.join(',')}]}`;
const sized = (body) => OK(`content-length: ${length(body)}\r\n`, body);

const POLLS = [
  ['up', GET('/rooms/r/poll?cursor=e-0')],
  ['down', NOTHING_NEW],
  ['up', GET('/rooms/r/poll?cursor=e-0')],
  ['down', sized(answer([EVENT(8, '峡谷 "]},'), EVENT(9)]))],
  ['up', GET('/rooms/r/long-poll?cursor=e-9&hold=25s')],
  ['down', OK('transfer-encoding: chunked\r\n', chunk(answer([EVENT(10)]).slice(0, 41)) + chunk(answer([EVENT(10)]).slice(41)) + '0\r\n\r\n')],
  ['up', GET('/rooms/r/poll')],
  ['down', sized(answer([]))],
];

const SSE = [
  ['up', GET('/rooms/r/sse')],
  ['down', OK('transfer-encoding: chunked\r\ncontent-type: text/event-stream\r\n', '')],
  ['down', chunk(`retry: 1500\nid: e-0\ndata: ${HELLO}\n\n`)],
  ['down', chunk(`id: e-1\ndata: ${EVENT(1)}\n\n`)],
  ['down', chunk(':\n\n')],
  ['down', chunk(`id: e-2\ndata: ${EVENT(2)}\n\nid: e-3\ndata: ${EVENT(3)}\n`), chunk('\n')],
];

const LINES = [
  ['up', GET('/rooms/r/stream')],
  ['down', OK('transfer-encoding: chunked\r\n', '')],
  ['down', chunk(`${HELLO}\n`)],
  ['down', chunk(`${EVENT(1)}\n`)],
  ['down', chunk('\n')],
  ['down', chunk('{"type":"gap","missed":12,"cursor":"e-40"}\n')],
];

const SOCKET = [
  ['up', UPGRADE],
  ['down', HANDSHAKE, ...frame(HELLO), ...frame(EVENT(1))],
  ['up', [0x81, 0x85, 0x37, 0xfa, 0x21, 0x3d, 0x7f, 0x9f, 0x4d, 0x51, 0x58]],
  ['down', [0x89, 2, 1, 2]],
  ['up', [0x8a, 0x82, 1, 2, 3, 4, 0, 0]],
  ['down', [0x01, 3], '{"i', [0x80, length(EVENT(2)) - 3], EVENT(2).slice(3)],
  ['up', [0x88, 0x82, 0, 0, 0, 0, 0x03, 0xe8]],
  ['down', [0x88, 2, 0x03, 0xe8]],
];

const SID = '&sid=4gF-b';
const SESSION = '0{"sid":"4gF-b","upgrades":["websocket"],"pingInterval":25000,"pingTimeout":20000,"maxPayload":131072}';
const ENGINE = (transport, sid = SID, more = '') => GET(`/socket.io/?EIO=4&transport=${transport}${sid}`, more);
const POSTED = (body) => `POST /socket.io/?EIO=4&transport=polling${SID} HTTP/1.1\r\nContent-Length: ${length(body)}\r\n\r\n${body}`;
const TOLD = (id, data) => `42["event",${EVENT(id, data)},"峡谷","e-${id}"]`;
const ENGINE_UPGRADE = 'Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n';
const masked = (text) => {
  const payload = bytes(text);
  const size = payload.length > 125 ? [0xfe, payload.length >> 8, payload.length & 255] : [0x80 | payload.length];
  return [[0x81, ...size, 1, 2, 3, 4], payload.map((byte, at) => byte ^ ((at % 4) + 1))];
};
const JOIN = '420["join",{"room":"峡谷"}]';
const JOINED = '430[{"cursor":"e-7","missed":0}]';
const PUBLISH = '421["publish",{"room":"峡谷","type":"chat","data":["}",1]}]';

const PACKETS = [
  ['up', ENGINE('polling', '')],
  ['down', sized(SESSION)],
  ['up', POSTED('40')],
  ['down', sized('ok')],
  ['up', ENGINE('polling')],
  ['down', sized(`40{"sid":"s"}\x1e${JOINED}`)],
  ['up', POSTED(`3\x1e${PUBLISH}`)],
  ['down', sized('ok')],
  ['up', ENGINE('polling')],
  ['down', OK('transfer-encoding: chunked\r\n', `${chunk(`2\x1e${TOLD(8, '峡谷 "]},')}\x1e${TOLD(9)}`)}0\r\n\r\n`)],
  ['up', ENGINE('polling')],
  ['down', sized('2')],
  ['up', ENGINE('polling')],
  ['down', sized('6')],
  ['up', ENGINE('polling')],
  ['down', 'HTTP/1.1 400 Bad Request\r\ncontent-length: 41\r\n\r\n{"code":1,"message":"Session ID unknown"}'],
];

const PACKET_FRAMES = [
  ['up', ENGINE('websocket', SID, ENGINE_UPGRADE)],
  ['down', HANDSHAKE],
  ['up', ...masked('2probe')],
  ['down', ...frame('3probe')],
  ['up', ...masked('5'), ...masked(JOIN)],
  ['down', ...frame(JOINED), ...frame(TOLD(8)), ...frame('2')],
  ['up', ...masked('3'), ...masked(PUBLISH)],
  ['down', ...frame('431[{"cursor":"e-9","offset":9}]'), ...frame('42["event",{"type":"gap","missed":1,"cursor":"e-9"},"峡谷"]')],
  ['down', ...frame('451-["event",{"id":10,"data":{"_placeholder":true,"num":0}},"r","e-10"]'), [0x82, 3, 1, 2, 3]],
  ['up', ...masked('1')],
];

const SCRIPTS = { 'interval-polling': POLLS, sse: SSE, 'http-streaming': LINES, websocket: SOCKET, 'socketio by polls': PACKETS, 'socketio by frames': PACKET_FRAMES };

test('every byte is in one span of one kind', () => {
  for (const [lane, script] of Object.entries(SCRIPTS)) {
    const dissector = dissect(lane, script);
    assertWhole(dissector, lane);
    assert.ok(dissector.spans.every(({ part }) => part !== 'unknown'), lane);
  }
});

test('no cutting of the reads changes a span, a message or an exchange', () => {
  // A small generator of its own, so that a failure can be run again.
  let seed = 7;
  const random = () => (seed = (seed * 1103515245 + 12345) % 2147483648) / 2147483648;
  for (const [lane, script] of Object.entries(SCRIPTS)) {
    const whole = dissect(lane, script);
    for (let round = 0; round < 60; round += 1) {
      const cut = new Dissector(lane);
      const most = round === 0 ? 1 : 1 + Math.floor(random() * 40);
      for (const [direction, ...parts] of script) {
        const all = bytes(...parts);
        for (let from = 0; from < all.length; ) {
          const to = Math.min(all.length, from + 1 + Math.floor(random() * most));
          cut.feed(direction, all.slice(from, to), 5);
          const sum = Object.values(cut.byKind).reduce((total, { up, down }) => total + up + down, 0);
          assert.equal(sum, cut.log.up.end + cut.log.down.end, `${lane}: the kinds are not all bytes`);
          from = to;
        }
      }
      assert.deepEqual(cut.spans.map(plain), whole.spans.map(plain), lane);
      assert.deepEqual(cut.messages, whole.messages, lane);
      assert.deepEqual(cut.exchanges, whole.exchanges, lane);
      assert.deepEqual(cut.byKind, whole.byKind, lane);
    }
  }
});

test('an empty poll is empty to its last byte, a full one is heads, payload and envelope', () => {
  const { byKind, exchanges } = dissect('interval-polling', POLLS);
  const texts = POLLS.map(([, text]) => length(text));
  const events = [EVENT(8, '峡谷 "]},'), EVENT(9), EVENT(10)].map(length).reduce((a, b) => a + b);
  const headOf = (text) => text.indexOf('\r\n\r\n') + 4;
  const heads = headOf(POLLS[3][1]) + headOf(POLLS[5][1]);
  assert.deepEqual(sides(byKind), {
    payload: [0, events],
    framing: [0, texts[3] + texts[5] - heads - events],
    http_headers: [texts[2] + texts[4], heads],
    empty_polls: [texts[0] + texts[6], texts[1] + texts[7]],
  });
  assert.deepEqual(exchanges.map(({ empty, events: offsets, status }) => [empty, offsets, status]), [
    [true, [], 204],
    [false, [8, 9], 200],
    [false, [10], 200],
    [true, [], 200],
  ]);
  assert.equal(exchanges[1].up, texts[2]);
  assert.equal(exchanges[1].down, texts[3]);
});

/** loadgen/tests/truth/bytes.rs: a pushed event costs its payload and its framing. */
test('a pushed event costs what loadgen says', () => {
  const chunkFraming = (content) => content.toString(16).length + 4;
  for (const size of [125, 126, 247, 248, 65_535, 65_536]) {
    const event = EVENT(1, 'x'.repeat(size - length(EVENT(1, ''))));
    assert.equal(length(event), size);
    const header = size < 126 ? [0x81, size] : size < 65_536 ? [0x81, 126, size >> 8, size & 255] : [0x81, 127, 0, 0, 0, 0, 0, 1, 0, 0];
    const cases = [
      ['websocket', SOCKET.slice(0, 1), [['down', HANDSHAKE, ...frame(HELLO)]], ['down', header, event], header.length],
      ['sse', SSE.slice(0, 3), [], ['down', chunk(`data: ${event}\n\n`)], 8 + chunkFraming(size + 8)],
      ['http-streaming', LINES.slice(0, 3), [], ['down', chunk(`${event}\n`)], 1 + chunkFraming(size + 1)],
    ];
    for (const [lane, start, greeting, push, framing] of cases) {
      const before = dissect(lane, [...start, ...greeting]);
      const after = dissect(lane, [...start, ...greeting, push]);
      const grown = (kind) => after.byKind[kind].down - before.byKind[kind].down;
      assert.deepEqual([grown('payload'), grown('framing'), grown('handshake')], [size, framing, 0], `${lane}, ${size} B`);
      assert.equal(after.messages.at(-1).bytes, size + framing, lane);
    }
  }
});

test('greetings, heartbeats and gaps of streams have their kinds', () => {
  const sse = dissect('sse', SSE);
  assert.deepEqual(sse.messages.map(({ what, offset }) => [what, offset]), [['hello', null], ['event', 1], ['heartbeat', null], ['event', 2], ['event', 3]]);
  assert.deepEqual(sides(sse.byKind).keep_alive, [0, length(chunk(':\n\n'))]);
  const head = length(SSE[1][1]);
  assert.deepEqual(sides(sse.byKind).handshake, [length(SSE[0][1]), head + length(SSE[2][1])]);
  const lines = dissect('http-streaming', LINES);
  assert.deepEqual(lines.messages.map(({ what }) => what), ['hello', 'event', 'heartbeat', 'gap']);
  assert.deepEqual(sides(lines.byKind), {
    payload: [0, length(EVENT(1))],
    framing: [0, length(LINES[3][1]) - length(EVENT(1)) + length(LINES[5][1])],
    handshake: [length(LINES[0][1]), length(LINES[1][1]) + length(LINES[2][1])],
    keep_alive: [0, length(LINES[4][1])],
  });
});

test('a WebSocket counts its head and greeting, frames, pings and goodbyes apart', () => {
  const { byKind, messages, exchanges } = dissect('websocket', SOCKET);
  assert.deepEqual(sides(byKind), {
    payload: [5, length(EVENT(1)) + length(EVENT(2))],
    framing: [6 + 8, 2 + 4 + 4],
    handshake: [length(UPGRADE), length(HANDSHAKE) + 2 + length(HELLO)],
    keep_alive: [8, 4],
  });
  assert.deepEqual(messages.map(({ direction, what }) => `${direction} ${what}`), ['down hello', 'down event', 'up publish', 'down ping', 'up pong', 'down event', 'up close', 'down close']);
  assert.equal(exchanges[0].status, 101);
});

test('a connection that breaks off leaves framing, and says so', () => {
  for (const [lane, script] of Object.entries(SCRIPTS)) {
    for (let cut = 1; cut < 40; cut += 3) {
      const last = bytes(...script.at(-1).slice(1));
      const dissector = dissect(lane, [...script.slice(0, -1), [script.at(-1)[0], last.slice(0, Math.min(cut, last.length))]]);
      dissector.end(9);
      assertWhole(dissector, `${lane} cut at ${cut}`);
    }
  }
  const request = dissect('sse', [['up', 'GET /rooms/r/sse HT']]);
  request.end(9);
  assert.deepEqual(request.spans.map(({ part, kind }) => [part, kind]), [['broken-off', 'framing']]);
});

test('what is no HTTP is counted, never understood', () => {
  const dissector = dissect('sse', [['up', '\x16\x03\x01\x00\r\n\r\nmore'], ['down', 'unasked']]);
  assertWhole(dissector, 'noise');
  assert.ok(dissector.spans.every(({ part, kind }) => part === 'unknown' && kind === 'framing'));
});

test('a refused upgrade goes on as HTTP', () => {
  const body = '{"title":"no"}';
  const dissector = dissect('websocket', [
    ['up', UPGRADE],
    ['down', `HTTP/1.1 403 Forbidden\r\ncontent-length: ${body.length}\r\n\r\n${body}`],
    ['up', GET('/rooms/r/long-poll')],
    ['down', sized(answer([EVENT(1)]))],
  ]);
  assertWhole(dissector, 'refused');
  assert.deepEqual(dissector.exchanges.map(({ status }) => status), [403, 200]);
});

test('old bytes and spans are let go of, sums stay', () => {
  const dissector = new Dissector('websocket', 64 * 1024);
  dissector.feed('up', bytes(UPGRADE), 0);
  dissector.feed('down', bytes(HANDSHAKE, ...frame(HELLO)), 0);
  const push = bytes(...frame(EVENT(1)));
  for (let i = 0; i < 60_000; i += 1) dissector.feed('down', push, i);
  const total = Object.values(dissector.byKind).reduce((sum, { up, down }) => sum + up + down, 0);
  assert.equal(total, dissector.log.up.end + dissector.log.down.end);
  assert.ok(dissector.forgotten > 0 && dissector.runs.length <= 80_000);
  assert.ok(dissector.log.down.end - dissector.log.down.start <= 64 * 1024);
  assert.equal(dissector.runs.at(-1).bytes.length, length(EVENT(1)));
  assert.match(dissector.runs[0].detail, /too old/);
});

test('a poll of Socket.IO is for the weightiest of its packets', () => {
  const dissector = dissect('socketio', PACKETS);
  const texts = PACKETS.map(([, ...parts]) => bytes(...parts).length);
  const all = (...at) => at.reduce((sum, one) => sum + texts[one], 0);
  const headOf = (at) => PACKETS[at][1].indexOf('\r\n\r\n') + 4;
  const events = length(EVENT(8, '峡谷 "]},')) + length(EVENT(9));
  const publish = length(PUBLISH) - length('421["publish",') - 1;
  const body = length(`2\x1e${TOLD(8, '峡谷 "]},')}\x1e${TOLD(9)}`);
  assert.deepEqual(sides(dissector.byKind), {
    payload: [publish, events],
    framing: [0, texts[9] - headOf(9) - body + 2 + texts[15]],
    http_headers: [headOf(6) + texts[8], headOf(7) + headOf(9)],
    // Of the last poll nobody knows what it would have brought.
    empty_polls: [texts[14], 0],
    handshake: [all(0, 2, 4), all(1, 3, 5)],
    keep_alive: [texts[10], texts[11] + 1],
    packets: [length(PUBLISH) - publish + 2, body - events - 1],
    probes: [texts[12], texts[13]],
  });
  assert.deepEqual(dissector.exchanges.map(({ isPoll, empty, events: offsets }) => [isPoll, empty, offsets]), [
    [true, false, []], [false, null, []], [true, false, []], [false, null, []],
    [true, false, [8, 9]], [true, true, []], [true, true, []], [true, null, []],
  ]);
});

test('a WebSocket of Socket.IO is tried out, and its frames are what their packets are', () => {
  const dissector = dissect('socketio', PACKET_FRAMES);
  const inFrame = (text) => length(text) + 2 + (length(text) > 125 ? 2 : 0);
  const up = (text) => inFrame(text) + 4;
  const publish = length(PUBLISH) - length('421["publish",') - 1;
  const placed = '{"id":10,"data":{"_placeholder":true,"num":0}}';
  const event = length(EVENT(8));
  const gap = '42["event",{"type":"gap","missed":1,"cursor":"e-9"},"峡谷"]';
  assert.deepEqual(sides(dissector.byKind), {
    payload: [publish, event + length(placed) + 3],
    framing: [6, 2 + 2],
    // Goodbyes are of the kind of greetings.
    handshake: [up(JOIN) + up('1'), inFrame(JOINED)],
    keep_alive: [up('3'), inFrame('2')],
    packets: [
      length(PUBLISH) - publish,
      length(TOLD(8)) - event + inFrame('431[{"cursor":"e-9","offset":9}]') + inFrame(gap) + length(`451-["event",,"r","e-10"]`) + 2,
    ],
    probes: [up('2probe') + up('5'), inFrame('3probe')],
    upgrade: [length(ENGINE('websocket', SID, ENGINE_UPGRADE)), length(HANDSHAKE)],
  });
  assert.deepEqual(dissector.messages.map(({ what, offset }) => (offset === null ? what : [what, offset])), [
    'probe', 'probe', 'probe', 'join', 'hello', ['event', 8], 'ping', 'pong', 'publish', 'ack', 'notice', ['event', 10], 'notice', 'notice',
  ]);
  const of = dissector.spans.filter(({ direction, part }) => direction === 'up' && /^[es]io-|^payload/.test(part)).map(({ label, value }) => [label, value]);
  assert.deepEqual(of.slice(-7), [
    ['Engine.IO type', '4 (message)'], ['Socket.IO type', '2 (EVENT)'], ['acknowledgement', '1'], ['array, event name', '["publish",'],
    ['payload', '{"room":"峡谷","type":"chat","data":["}",1]}'], ['further arguments', ']'], ['Engine.IO type', '1 (close)'],
  ]);
});

test('what Socket.IO puts around an event is what the model says, room and cursor included', () => {
  const pushed = [8, 9, 10, 11].map((id) => ['down', ...frame(TOLD(id, '峡'.repeat(id)))]);
  const dissector = dissect('socketio', [...PACKET_FRAMES.slice(0, 2), ...pushed]);
  const recording = { lanes: { socketio: { dissectors: [dissector], messages: dissector.messages } } };
  const told = packaged(recording);
  // 42["event",…,"峡谷","e-8"], and a frame's header of 2 or 4 bytes.
  const around = [8, 9, 10, 11].map((id) => 11 + length(`,"峡谷","e-${id}"]`) + (length(TOLD(id, '峡'.repeat(id))) > 125 ? 4 : 2));
  const mean = around.reduce((a, b) => a + b) / 4;
  assert.deepEqual(told, { around: mean, model: mean, n: 4 });
  // A byte more in one packet is seen.
  const longer = dissect('socketio', [...PACKET_FRAMES.slice(0, 2), ...pushed, ['down', ...frame(TOLD(12).replace(',"峡谷"', ', "峡谷"'))]]);
  const { around: seen, model } = packaged({ lanes: { socketio: { dissectors: [longer], messages: longer.messages } } });
  assert.ok(Math.abs(seen - model - 1 / 5) < 1e-9);
});

// Cookies of other programs on the host: masked whatever way the bytes are cut, told, and never taken for
// the page's own.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { initial } from '../../page/knobs.js';
import { Recording } from '../../page/trace.js';
import { CookieGuard, ownCookie } from '../../page/wire/cookies.js';

// The painter listens to the window for its colours.
globalThis.addEventListener ??= () => {};
const { exchangesCsv, toJson } = await import('../../page/export.js');

const poll = (cookie) => `GET /rooms/r/poll?cursor=a:b-1 HTTP/1.1\r\nHost: 127.0.0.1:4\r\n${cookie === null ? '' : `Cookie: ${cookie}\r\n`}Accept: a=b; c\r\n\r\n`;

/** What a guard lets through of a text that comes in pieces of `size` bytes, and what it found. */
function through(text, own, size = Infinity, guard = new CookieGuard(own)) {
  let out = '';
  for (let at = 0; at < text.length; at += size) out += Buffer.from(guard.take(Buffer.from(text.slice(at, at + size), 'latin1'))).toString('latin1');
  return { out, flaw: guard.flaw };
}

test('the page’s own cookie, or none, goes through as it is', () => {
  for (const own of [0, 4, 5, 400]) {
    const text = poll(ownCookie(own)).repeat(3);
    assert.equal(ownCookie(own)?.length ?? 0, own);
    for (const size of [1, 7, Infinity]) assert.deepEqual(through(text, own, size), { out: text, flaw: null });
  }
});

test('values of others are masked however the bytes are cut, and lengths stay', () => {
  const text = poll('sid=tOpSeCrEt; pad=xxxxxx; t="se=cr et"; b=');
  for (let size = 1; size <= text.length; size += 1) {
    const { out, flaw } = through(text, 10, size);
    assert.equal(flaw, 'foreign');
    assert.equal(out.length, text.length);
    assert.match(out, /^GET \/rooms\/r\/poll\?cursor=a:b-1 HTTP\/1\.1\r\nHost: 127\.0\.0\.1:4\r\nCookie: [^\r]+\r\nAccept: a=b; c\r\n\r\n$/);
    assert.match(out, /=\*{9}; pad=xxxxxx; .=\*{10}; .=\r\n/);
    assert.doesNotMatch(out, /tOp|SeC|rEt|se=|cr e/);
  }
  assert.match(through(text, 10).out, /Cookie: sid=\*{9}; pad=xxxxxx; t=\*{10}; b=\r\n/);
});

test('a cookie without a name is a value', () => {
  for (const size of [1, 3, Infinity]) {
    const { out, flaw } = through(poll('SECRET; pad=xx'), 6, size);
    assert.deepEqual([out.match(/Cookie: (.*)\r/)[1], flaw], ['******; pad=xx', 'foreign']);
  }
});

test('header names have no case, and a body is no head', () => {
  assert.match(through('GET / HTTP/1.1\r\ncOOKIE:a=secret\r\n\r\n', 0).out, /cOOKIE:a=\*{6}\r/);
  const post = 'POST / HTTP/1.1\r\nContent-Length: 14\r\n\r\nCookie: a=b\r\n\r';
  assert.deepEqual(through(`${post}${poll('a=b')}`, 0).out, `${post}${poll('a=*')}`);
  assert.equal(through(post, 0).flaw, null);
});

test('the page’s cookie must be there, once, and of its size', () => {
  assert.equal(through(poll(null), 10).flaw, 'missing');
  assert.equal(through(poll(ownCookie(11)), 10).flaw, 'other');
  assert.equal(through(poll(ownCookie(11)), 0).flaw, 'other');
  assert.equal(through(poll('pad=xxxxxx; pad=xxxxxx'), 10).flaw, 'other');
  const { out, flaw } = through(poll('pad=xxSECR'), 10);
  assert.equal(flaw, 'other');
  assert.match(out, /pad=xx\*{4}\r/);
  assert.equal(through(poll(ownCookie(10)) + poll('a=b') + poll(ownCookie(10)), 10).flaw, 'foreign');
});

test('frames after an upgrade are left alone', () => {
  const upgrade = 'GET /rooms/r/ws HTTP/1.1\r\nUpgrade: websocket\r\nCookie: a=b\r\n\r\n';
  const frames = '\r\nCookie: a=secret\r\n\r\n';
  const guard = new CookieGuard(0);
  assert.equal(through(upgrade, 0, Infinity, guard).out, upgrade.replace('a=b', 'a=*'));
  assert.equal(through(frames, 0, 5, guard).out, frames);
});

test('where records are missing, all is masked until a request has ended', () => {
  const guard = new CookieGuard(0);
  through('GET / HTTP/1.1\r\nCook', 0, Infinity, guard);
  guard.lose();
  const { out } = through(`tOpSeCrEt; b=c\r\nAccept: a\r\n\r\n${poll('a=secret')}`, 0, 4, guard);
  assert.doesNotMatch(out, /SeC|secret|b=c/);
  assert.ok(out.endsWith(poll('a=******').replace('Cookie: a', `Cookie: ${out.match(/Cookie: (.)/)[1]}`)));
});

test('a recording keeps and exports no value of another’s cookie, and its byte figures are void', () => {
  const recording = new Recording({ ...initial(), cookie: 20 }, ['interval-polling']);
  recording.startedMs = 0;
  const text = poll(`${ownCookie(20)}; sid=tOpSeCrEt`);
  const cut = text.indexOf('SeC');
  [text.slice(0, cut), text.slice(cut)].forEach((piece, at) => recording.wire([
    { lane: 'interval-polling', connection: 1, at_ms: at, what: 'up', bytes: Buffer.from(piece, 'latin1').toString('base64') },
  ]));
  recording.end(9);
  const lane = recording.lanes['interval-polling'];
  assert.match(recording.bytesVoid, /another program.*private window/);
  assert.equal(lane.bytes.at(-1).up, text.length);
  const json = toJson(recording, null);
  const bytes = Buffer.from(JSON.parse(json).lanes['interval-polling'].connections[0].up.base64, 'base64').toString('latin1');
  assert.equal(bytes.length, text.length);
  assert.ok(bytes.includes(`${ownCookie(20)}; sid=*********`));
  assert.doesNotMatch(JSON.stringify(lane.connections.get(1).dissector.spans) + json, /tOp|SeC|rEt/);
});

test('after the end a recording takes no more bytes', () => {
  const recording = new Recording(initial(), ['sse']);
  recording.end(1);
  const late = (connection, what) => recording.wire([{ lane: 'sse', connection, at_ms: 2, what, bytes: 'AAAA' }]);
  late(1, 'up');
  late(2, 'ended');
  assert.equal(recording.lanes.sse.connections.size, 0);
});

test('a trace that is not the meter’s is found', () => {
  const recording = new Recording(initial(), ['sse', 'websocket']);
  recording.wire([{ lane: 'sse', connection: 1, at_ms: 1, what: 'up', bytes: 'R0VU' }]);
  recording.meter({ sse: { rx: 3, tx: 0 }, websocket: { rx: 0, tx: 0 } });
  assert.deepEqual(recording.unequal, []);
  recording.meter({ websocket: { rx: 0, tx: 7 } });
  assert.deepEqual(recording.unequal, ['websocket']);
});

test('a cell that a spreadsheet would cut or compute is quoted or marked', () => {
  const exchange = (target) => ({ method: 'GET', target, status: 200, events: [] });
  const connections = new Map([[1, { dissector: { exchanges: ['a;b', 'a\tb', 'a,b', 'a"b', '=1+1', 'plain'].map(exchange) } }]]);
  const rows = exchangesCsv({ lanes: { sse: { connections } } }).split('\r\n').slice(1, -1).map((row) => row.slice('sse,1,GET,'.length, -',200,,,,,,,,,'.length));
  assert.deepEqual(rows, ['"a;b"', '"a\tb"', '"a,b"', '"a""b"', "'=1+1", 'plain']);
});

test('the cookie of the chat is told apart from those of other programs', () => {
  const { out, flaw } = through(poll('pushlab_session=1.abc; pad=xxxxxx'), 10);
  assert.equal(flaw, 'chat');
  assert.match(out, /pushlab_session=\*{5}; pad=x{6}/);
  assert.equal(through(poll('pushlab_session=1.abc; sid=1'), 0).flaw, 'foreign', 'the graver is said');
});

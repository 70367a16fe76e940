// The codecs that the dissector is made of, against the examples of their specifications.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Body } from '../../page/wire/chunked.js';
import { answerBody, answerHead, headEnd, headLines } from '../../page/wire/http1.js';
import { eventsOf, messageOf } from '../../page/wire/message.js';
import { Blocks } from '../../page/wire/sse.js';
import { acceptFor, closeReason, frameHeader, unmask } from '../../page/wire/websocket.js';

const utf8 = new TextEncoder();
const bytes = (text) => utf8.encode(text);
const read = (run) => new TextDecoder().decode(run);

/** RFC 6455 §5.7 */
test('frames of the specification', () => {
  const hello = [0x48, 0x65, 0x6c, 0x6c, 0x6f];
  const cases = [
    [[0x81, 0x05, ...hello], { fin: true, opcode: 1, masked: false, length: 5, size: 2 }],
    [[0x81, 0x85, 0x37, 0xfa, 0x21, 0x3d, 0x7f, 0x9f, 0x4d, 0x51, 0x58], { fin: true, opcode: 1, masked: true, length: 5, size: 6 }],
    [[0x01, 0x03, 0x48, 0x65, 0x6c], { fin: false, opcode: 1, masked: false, length: 3, size: 2 }],
    [[0x80, 0x02, 0x6c, 0x6f], { fin: true, opcode: 0, masked: false, length: 2, size: 2 }],
    [[0x89, 0x05, ...hello], { fin: true, opcode: 9, masked: false, length: 5, size: 2 }],
    [[0x8a, 0x85, 0x37, 0xfa, 0x21, 0x3d, 0x7f, 0x9f, 0x4d, 0x51, 0x58], { fin: true, opcode: 10, masked: true, length: 5, size: 6 }],
    [[0x82, 0x7e, 0x01, 0x00], { fin: true, opcode: 2, masked: false, length: 256, size: 4, lengthBytes: 2 }],
    [[0x82, 0x7f, 0, 0, 0, 0, 0, 1, 0, 0], { fin: true, opcode: 2, masked: false, length: 65_536, size: 10, lengthBytes: 8 }],
  ];
  for (const [frame, expected] of cases) {
    const header = frameHeader(Uint8Array.from(frame));
    for (const [key, value] of Object.entries(expected)) assert.equal(header[key], value, key);
    for (let cut = 0; cut < expected.size; cut += 1) assert.equal(frameHeader(Uint8Array.from(frame.slice(0, cut))), null);
    if (header.masked) assert.equal(read(unmask(Uint8Array.from(frame.slice(6)), header.key)), 'Hello');
  }
  assert.deepEqual(closeReason(Uint8Array.from([0x03, 0xe8, 0x62, 0x79, 0x65])), { code: 1000, reason: 'bye' });
});

/** RFC 6455 §1.3 */
test('the accept key of the specification', async () => {
  const { accept, digest } = await acceptFor('dGhlIHNhbXBsZSBub25jZQ==');
  assert.equal(accept, 's3pPLMBiTxaQ9kYGzzhZRbK+xOo=');
  assert.deepEqual([...digest.slice(0, 4)], [0xb3, 0x7a, 0x4f, 0x2c]);
});

test('heads end at their first empty line and have one body', () => {
  assert.equal(headEnd(bytes('a\r\n\r\nrest')), 5);
  assert.equal(headEnd(bytes('a\r\n\n\r\n\r\n')), 8);
  assert.equal(headEnd(bytes('a\r\n')), -1);
  const body = (text, method = 'GET') => answerBody(answerHead(bytes(text)), method);
  assert.deepEqual(body('HTTP/1.1 200 OK\r\nContent-Length: 7\r\n\r\n'), { length: 7 });
  assert.deepEqual(body('HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\nContent-Length: 7\r\n\r\n'), { chunked: true });
  assert.deepEqual(body('HTTP/1.1 204 No Content\r\nContent-Length: 7\r\n\r\n'), { length: 0 });
  assert.deepEqual(body('HTTP/1.1 200 OK\r\nContent-Length: 7\r\n\r\n', 'HEAD'), { length: 0 });
  assert.deepEqual(body('HTTP/1.1 200\r\n\r\n'), { toEnd: true });
  assert.equal(answerHead(bytes('HTTP/2 200\r\n\r\n')), null);
  const lines = headLines(bytes('GET / HTTP/1.1\r\nHost: x\r\n\r\n'));
  assert.deepEqual(lines.map(({ part }) => part), ['request-line', 'header', 'head-end']);
  assert.deepEqual([lines[1].name, lines[1].value, lines[2].to], ['Host', 'x', 27]);
});

/** RFC 9112 §7.1, an extension and a trailer included. */
test('chunks', () => {
  const steps = (text) => {
    const body = new Body({ chunked: true });
    const found = [];
    let input = bytes(text);
    while (!body.isDone) {
      const { what, bytes: taken } = body.step(input);
      found.push(`${what} ${taken}`);
      if (taken === 0 || what === 'bad') break;
      input = input.slice(taken);
    }
    return found;
  };
  assert.deepEqual(steps('5;a=b\r\nhello\r\n0\r\nX: y\r\n\r\n'), ['chunk-size 7', 'data 5', 'chunk-end 2', 'chunk-size 3', 'trailer 6', 'chunk-end 2']);
  assert.deepEqual(steps('xyz\r\n'), ['bad 5']);
  assert.deepEqual(steps('+5\r\n'), ['bad 4']);
  assert.deepEqual(steps('3\r\nabcde'), ['chunk-size 3', 'data 3', 'bad 2']);
  assert.deepEqual(steps('3'), ['more 0']);
});

/** After web-platform-tests `eventsource/`, as loadgen/src/net/event_stream.rs has them. */
test('SSE data is read as browsers read it', () => {
  const cases = [
    ['data:a\n\n', ['a']],
    ['data: a\r\n\r\n', ['a']],
    ['data:\ta\r\rx', ['\ta']],
    ['data:  a\n\n', [' a']],
    ['data\n\n', ['']],
    ['data\ndata\n\n', ['\n']],
    ['data:a\r\ndata:b\ndata:c\rdata:d\r\n\n', ['a\nb\nc\nd']],
    ['data:a\n\ndata:b\r\rdata:c\r\n\r\n', ['a', 'b', 'c']],
    ['\ufeffdata:a\n\n', ['a']],
    ['\ufeff\ufeffdata:a\n\n', []],
    ['Data:a\ndata\0:b\n data:c\nda-ta:d\n\n', []],
    ['event:x\ndata:a\n\ndata:b\n\n', ['b']],
    ['data:unfinished\n', []],
    ['data:峡谷\n\n', ['峡谷']],
    ['\n\n\n', []],
  ];
  for (const [text, expected] of cases) {
    const blocks = new Blocks();
    const found = [];
    let input = bytes(text);
    for (let block = blocks.next(input); block; block = blocks.next(input)) {
      assert.equal(block.parts.reduce((sum, part) => sum + part.length, 0), block.length, text);
      if (block.data) found.push(read(block.data));
      input = input.slice(block.length);
    }
    assert.deepEqual(found, expected, JSON.stringify(text));
  }
});

test('messages are told apart as the server’s wire module does', () => {
  const of = (text) => messageOf(bytes(text));
  assert.deepEqual(of('{"id":7,"type":"chat","data":1}'), { what: 'event', offset: 7 });
  assert.deepEqual(of('{"type":"chat","id":8,"data":{"id":1}}'), { what: 'event', offset: 8 });
  assert.deepEqual(of('{"type":"hello","cursor":"a-4","missed":0}'), { what: 'hello', offset: null });
  assert.deepEqual(of('{"type":"gap","missed":null,"cursor":"a-4"}'), { what: 'gap', offset: null });
  for (const text of ['', '{"id":}', '[]', 'null', '{"id":"7"}', 'x', '{"type":"list"}']) assert.equal(of(text), null, text);
});

test('the events of a poll are found by bytes, whatever their texts hold', () => {
  const cases = [
    ['{"cursor":"e-2","missed":0,"events":[]}', []],
    ['{"cursor":"events","missed":0,"events":[ {"id":1,"data":"],{\\"\\\\"} ,{"id":2,"data":[1,[2]]} ]}', ['{"id":1,"data":"],{\\"\\\\"}', '{"id":2,"data":[1,[2]]}']],
    ['{"events":[{"id":1,"data":"峡谷"}],"cursor":"e-1","missed":3,"more":true}', ['{"id":1,"data":"峡谷"}']],
    ['{"x":{"events":[1]},"events":[{"id":5}],"cursor":"e"}', ['{"id":5}']],
  ];
  for (const [text, expected] of cases) {
    const body = bytes(text);
    assert.deepEqual(eventsOf(body).map(({ from, to }) => read(body.subarray(from, to))), expected, text);
  }
  for (const text of ['', '[]', '{"cursor":1,"events":[]}', '{"cursor":"a"}', '{"title":"no"}']) assert.equal(eventsOf(bytes(text)), null, text);
});

// Links: what goes out comes back, and what somebody else wrote sets nothing that a knob cannot have.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { initial, KNOBS, LANES } from '../../page/knobs.js';
import { follow, fragmentOf, readFragment } from '../../page/share.js';

test('a link carries every knob, the seed and the trouble', () => {
  const knobs = { ...initial(), rate: 10, arrivals: 'burst', seed: 2 ** 31 - 1, rtt_ms: 0, cookie: 2000 };
  const chosen = { trouble: { sse: { idle: '2000', delay: '' }, websocket: { upgrade: 'swallow' } }, bounds: { heartbeat: '1000' } };
  const read = readFragment(fragmentOf({ knobs, chosen }));
  assert.deepEqual(read, {
    knobs,
    chosen: { trouble: { sse: { idle: '2000' }, websocket: { upgrade: 'swallow' } }, bounds: { heartbeat: '1000' } },
    refused: 0,
  });
  assert.equal(readFragment('#/race'), null);
  assert.equal(readFragment('#/lessons/l02?'), null);
});

const HOSTILE = [
  'rate=1e9', 'rate=NaN', 'rate=-1', 'rate=', 'rate=0x10000', 'payload=Infinity', 'seed=1e400', 'arrivals=__proto__', 'arrivals=constructor',
  'arrivals=<img src=x onerror=alert(1)>', '<img src=x onerror=alert(1)>=1', '__proto__.polluted=1', 'constructor.prototype=1',
  'sse.upgrade=refuse', 'sse.idle=1', 'sse.toString=1', 'nowhere.idle=2000', 'run.history=-1', 'run.__proto__=1', 'a.b.c=1', 'background=100000', '%ff=%00',
];

test('hostile links change nothing and say so', () => {
  for (const part of HOSTILE) {
    const read = readFragment(`#/race?${part}`);
    assert.deepEqual([read.knobs, read.chosen.bounds], [{}, {}], part);
    assert.ok(Object.values(read.chosen.trouble).every((own) => Object.keys(own).length === 0), part);
    assert.equal(read.refused, 1, part);
  }
  assert.equal({}.polluted, undefined);
  assert.deepEqual(readFragment(`#/race?rate=5&${'x'.repeat(5000)}=1`).knobs, {}, 'a link that long is not read');
});

test('the words for the reader name the trouble that a link brings', () => {
  const lab = { turn() {} };
  assert.equal(follow(lab, '#/race?rate=5&seed=3&sse.idle=1000&sse.silent=on&run.heartbeat=600000'),
    'This link set 2 knobs. It also switched on trouble. Server-sent events: idle cut after 1 s, silent drop; the run: no heartbeat. Press Run to see it.');
  const everywhere = Object.keys(LANES).map((lane) => `${lane}.delay=250`).join('&');
  assert.match(follow(lab, `#/race?${everywhere}`), /trouble\. Every lane: delay \+250 ms\. Press/);
  assert.doesNotMatch(follow(lab, '#/race?rate=5'), /trouble/);
});

test('the words for the reader never repeat the link', () => {
  const lab = { turned: {}, turn(name, value) { this.turned[name] = value; } };
  const words = follow(lab, '#/race?rate=5&room=<img src=x onerror=alert(1)>');
  assert.deepEqual(lab.turned, { rate: 5 });
  assert.match(words, /set 1 knob\. 1 further part is no value/);
  assert.ok(!words.includes('<'));
  assert.equal(KNOBS.some(({ name }) => name === 'room'), false);
});

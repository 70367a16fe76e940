// The race without a browser: what a recording counts, what a ladder draws of it, and which values the
// knobs let in.

import assert from 'node:assert/strict';
import test from 'node:test';
import { bins } from '../../page/draw/curves.js';
import { GUTTER, paintLadder, shortTime } from '../../page/draw/ladder.js';
import { near } from '../../page/draw/near.js';
import { KNOBS, clean, initial } from '../../page/knobs.js';
import { Recording, firstAfter, quantile } from '../../page/trace.js';

const encode = (text) => Buffer.from(text, 'latin1').toString('base64');
const request = 'GET /rooms/r/poll?cursor=e-0 HTTP/1.1\r\nHost: a\r\n\r\n';
const empty = 'HTTP/1.1 204 No Content\r\ndate: x\r\n\r\n';

function answer(...ids) {
  const events = ids.map((id) => `{"id":${id},"type":"tick","data":"x"}`);
  const body = `{"cursor":"e-${ids.at(-1)}","missed":0,"events":[${events}]}`;
  return `HTTP/1.1 200 OK\r\ncontent-length: ${body.length}\r\n\r\n${body}`;
}

/** Two polls a second apart from 1,000 ms on: the first is empty, the second brings events 1 and 2. */
function polled() {
  const recording = new Recording({ ...initial() }, ['interval-polling']);
  recording.startedMs = 1000;
  const wire = (at, what, text) => recording.wire([{ lane: 'interval-polling', connection: 1, at_ms: at, what, bytes: encode(text) }]);
  const seen = (at, more) => recording.seen({ lane: 'interval-polling', at, ...more });
  seen(1000, { state: 'asking' });
  wire(1050, 'up', request);
  wire(1051, 'down', empty);
  seen(1101, { state: 'answered' });
  seen(2000, { state: 'asking' });
  wire(2050, 'up', request);
  wire(2051, 'down', answer(1, 2));
  seen(2101, { state: 'answered' });
  seen(2101, { offset: 1 });
  recording.published([{ offset: 1, planned_ms: 1500, sent_ms: 1500.2 }, { offset: 2, planned_ms: 1900, sent_ms: 1900.1 }]);
  seen(2101, { offset: 2 });
  return recording;
}

test('latency counts from the planned instant, also where the receipt came to the page first', () => {
  const lane = polled().lanes['interval-polling'];
  assert.deepEqual(lane.receipts.map((receipt) => receipt.latencyMs), [601, 201]);
  assert.equal(lane.leftAt(2), 2051);
});

test('figures are those of the instant that is looked at', () => {
  const recording = polled();
  const lane = recording.lanes['interval-polling'];
  const early = lane.figures(2050.5);
  assert.deepEqual([early.requests, early.empty, early.delivered, early.p50], [2, 1, 0, null]);
  assert.deepEqual(early.waiting, { sinceMs: 2050 });
  assert.equal(early.up, 2 * request.length);
  assert.equal(early.down, empty.length);
  const late = lane.figures();
  assert.deepEqual([late.requests, late.empty, late.delivered, late.p50, late.max], [2, 1, 2, 201, 601]);
  assert.equal(late.waiting, null);
  assert.equal(late.perEvent, (late.up + late.down) / 2);
  const kinds = Object.values(lane.byKind).reduce((sum, { up, down }) => sum + up + down, 0);
  assert.equal(kinds, late.up + late.down);
});

test('a request on a connection that was cut waits no longer', () => {
  const recording = polled();
  const lane = recording.lanes['interval-polling'];
  recording.wire([
    { lane: 'interval-polling', connection: 2, at_ms: 3000, what: 'up', bytes: encode(request) },
    { lane: 'interval-polling', connection: 2, at_ms: 3500, what: 'ended' },
  ]);
  assert.deepEqual(lane.figures(3400).waiting, { sinceMs: 3000 });
  assert.equal(lane.figures(3600).waiting, null);
});

test('lost, twice and out of order are counted one by one', () => {
  const recording = new Recording({ ...initial() }, ['sse']);
  recording.published([1, 2, 3, 4].map((offset) => ({ offset, planned_ms: offset, sent_ms: offset })));
  for (const offset of [1, 3, 2, 3]) recording.seen({ lane: 'sse', at: 10, offset });
  recording.end(20);
  const { delivered, duplicated, outOfOrder, lost, expected } = recording.lanes.sse;
  assert.deepEqual([delivered, duplicated, outOfOrder, lost, expected], [3, 1, 1, 1, 4]);
  assert.equal(recording.lanes.sse.figures().n, 3);
});

test('a run waits for its own events, whatever else comes into the room', () => {
  const recording = new Recording({ ...initial() }, ['sse']);
  recording.published([1, 3].map((offset) => ({ offset, planned_ms: offset, sent_ms: offset })));
  for (const offset of [1, 2]) recording.seen({ lane: 'sse', at: 10, offset });
  assert.equal(recording.isComplete, false);
  recording.seen({ lane: 'sse', at: 11, offset: 3 });
  assert.equal(recording.isComplete, true);
});

test('a request that the browser made by itself is not drawn from an older one', () => {
  const recording = new Recording({ ...initial() }, ['sse']);
  const lane = recording.lanes.sse;
  for (const [at, state] of [[1000, 'asking'], [1100, 'open'], [4000, 'lost']]) recording.seen({ lane: 'sse', at, state });
  assert.equal(lane.askedFor({ requestAt: 1050 }), 1000);
  assert.equal(lane.askedFor({ requestAt: 7000 }), 7000);
});

test('the clock offset is taken into a receipt once', () => {
  const recording = new Recording({ ...initial() }, ['sse']);
  recording.clock = { offsetMs: 250, errorMs: 1 };
  recording.published([{ offset: 1, planned_ms: 1000, sent_ms: 1000 }]);
  recording.seen({ lane: 'sse', at: 760, offset: 1 });
  assert.equal(recording.lanes.sse.receipts[0].latencyMs, 10);
});

test('the first reason that makes a run void stands', () => {
  const recording = new Recording({ ...initial() }, ['sse']);
  recording.makeVoid('the tab was hidden');
  recording.makeVoid('the page stood still');
  assert.equal(recording.void, 'the tab was hidden');
});

/** Notes what is drawn by its colour. */
class Notes {
  width = GUTTER + 400;
  height = 108;
  drawn = {};
  #note = (flat, { fill, stroke }) => { (this.drawn[fill ?? stroke] ??= []).push(...flat); };
  lines(flat, style) { this.#note(flat, style); }
  rects(flat, style) { this.#note(flat, style); }
  dots(flat, radius, style) { this.#note(flat, style); }
  text() {}
}

test('a ladder draws what waits from its planned instant until it leaves', () => {
  const recording = polled();
  const view = { from: 1000, to: 3000, until: 3000, origin: 1000 };
  const notes = new Notes();
  paintLadder(notes, recording.lanes['interval-polling'], recording, view);
  const x = (at) => GUTTER + (at - 1000) / 5;
  const [from, , wide] = notes.drawn.waits;
  assert.equal(from, x(1500));
  assert.ok(Math.abs(from + wide - x(2051)) < 1e-9);
  // The empty poll is grey: up from 1,000 to 1,050, down from 1,051 to 1,101.
  const grey = notes.drawn.muted;
  for (const at of [1000, 1050, 1051, 1101]) assert.ok(grey.includes(x(at)), `${at}`);
  const early = new Notes();
  paintLadder(early, recording.lanes['interval-polling'], recording, { ...view, until: 1700 });
  assert.ok(Math.abs(early.drawn.waits[0] + early.drawn.waits[2] - x(1700)) < 1e-9);
  assert.deepEqual(early.drawn['kind-payload'], []);
});

test('a mark tells its way', () => {
  const recording = polled();
  const lane = recording.lanes['interval-polling'];
  const view = { from: 1000, to: 3000, until: 3000, origin: 1000 };
  const at = (ms, y) => near(lane, recording, view, { x: GUTTER + (ms - 1000) / 5, y, width: GUTTER + 400, height: 108 });
  assert.equal(at(1500, 20), 'Event 1: published 0.500 s, waited 551 ms at the server, then 50 ms on the way: 601 ms in all');
  assert.match(at(1050, 90), /answered empty after 1\.0 ms/);
  assert.equal(at(2700, 90), null);
});

test('knobs let in numbers within their range and listed choices alone', () => {
  assert.equal(clean('rate', '5'), 5);
  assert.equal(clean('payload', 17.6), 18);
  for (const [name, value] of [
    ['rate', 0], ['rate', 1e9], ['rate', NaN], ['rate', '<img src=x>'], ['rate', ''], ['rate', null], ['rate', true], ['rate', [5]], ['rate', {}],
    ['arrivals', 'toString'], ['arrivals', '__proto__'], ['background_transport', 'constructor'], ['seed', -1], ['seed', 2 ** 40],
    ['no-such-knob', 1], ['__proto__', 1],
  ]) assert.equal(clean(name, value), null, `${name} ${String(value)}`);
  for (const knob of KNOBS) assert.equal(clean(knob.name, knob.initial), knob.initial, knob.name);
});

test('histograms keep what lies outside their axis', () => {
  const counts = bins([-3, 0, 0.2, 100, 1e6]);
  assert.equal(counts[0], 3);
  assert.equal(counts.at(-1), 1);
  assert.equal(counts.reduce((sum, count) => sum + count, 0), 5);
});

test('small arithmetic', () => {
  const list = [{ at: 1 }, { at: 2 }, { at: 2 }, { at: 5 }];
  assert.deepEqual([0, 1, 2, 4, 5].map((at) => firstAfter(list, at, (one) => one.at)), [0, 1, 3, 3, 4]);
  assert.equal(quantile([], 0.5), null);
  assert.equal(quantile([1, 2, 3, 4], 0.5), 2);
  assert.equal(quantile([1, 2, 3, 4], 0.95), 4);
  assert.deepEqual([0.44, 9.94, 9.96, 994, 996, 9949, 12345].map(shortTime), ['0.4 ms', '9.9 ms', '10 ms', '994 ms', '1.00 s', '9.95 s', '12.3 s']);
});

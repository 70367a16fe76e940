// Lessons are whole, and their judges can say all three things: recordings here are made up, so that what
// is true of them is known.
import test from 'node:test';
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { STEPS } from '../../page/lessons/course.js';
import { LESSONS, lesson } from '../../page/lessons/index.js';
import { recordable } from '../../page/lessons/recorded.js';
import { fromResults, modelRows } from '../../page/lessons/results.js';
import { verdictOf } from '../../page/lessons/run.js';
import { ticks } from '../../page/lessons/plot.js';
import { place } from '../../page/views/course.js';
import { DOES_NOT, HOLDS, TOO_FEW } from '../../page/verdict.js';

const floor = { mean: 1, allowed: 2, tail: 1, n: 200 };

/** A draw that is the same each time. */
function draws(seed = 1) {
  let state = seed;
  return () => (state = (state * 1103515245 + 12345) % 2147483648) / 2147483648;
}

/** n events 20 ms apart, received by each lane after what `delay(at)` says. */
function recording(n, delays, more = {}) {
  const events = Array.from({ length: n }, (_, at) => ({ offset: at + 1, plannedMs: at * 20 }));
  const lanes = Object.fromEntries(Object.entries(delays).map(([lane, delay]) => [lane, {
    receipts: events.map(({ offset }) => ({ offset, latencyMs: delay(offset) })), exchanges: [], delivered: n, expected: n, lost: 0, ...more,
  }]));
  return { events, lanes, parameters: {} };
}

const judge = async (id, recordings, more = {}) => verdictOf(await lesson(id).judge({ recordings, parameters: lesson(id).parameters, floor, ...more }));

test('every lesson is whole', () => {
  assert.equal(new Set(LESSONS.map(one => one.id)).size, 22);
  for (const one of LESSONS) {
    assert.ok(one.claim && one.topic && one.title && one.topic !== one.title && one.number && one.taught.length > 0 && one.why.length >= 2, one.id);
    assert.ok(one.question(one.parameters ?? {}).endsWith('?') || one.question(one.parameters ?? {}).endsWith(')'), one.id);
    assert.ok(one.scenario || ['l19', 'l20'].includes(one.id), `${one.id} has a scenario`);
    const { guess } = one;
    if (guess.kind === 'choice') assert.ok(guess.options.some(([value]) => value === guess.right), one.id);
    else {
      const model = one.model?.(one.parameters ?? {});
      assert.ok(model === undefined || (model >= guess.min && model <= guess.max), `${one.id}: the slider reaches the answer ${model}`);
    }
    if (one.knob) assert.ok(one.knob.values.includes(one.parameters[one.knob.name]), one.id);
  }
  for (const step of STEPS) for (const id of step.lessons) assert.ok(lesson(id), id);
  assert.equal(STEPS.reduce((sum, step) => sum + step.minutes, 0), 25);
});

test('L2 holds for even waits, does not for late ones, and says nothing of few', async () => {
  const draw = draws();
  const even = () => 1 + 1000 * draw();
  const pushed = () => 1;
  assert.equal(await judge('l02', [recording(1200, { 'interval-polling': even, websocket: pushed })]), HOLDS);
  assert.equal(await judge('l02', [recording(1200, { 'interval-polling': () => even() + 60, websocket: pushed })]), DOES_NOT);
  assert.equal(await judge('l02', [recording(400, { 'interval-polling': even, websocket: pushed })]), TOO_FEW);
});

test('L10 compares event by event', async () => {
  const draw = draws(7);
  const noise = Array.from({ length: 1300 }, () => 20 * draw());
  const socket = offset => 10 + noise[offset];
  assert.equal(await judge('l10', [recording(1200, { websocket: socket, sse: offset => socket(offset) + 0.2 })]), HOLDS);
  assert.equal(await judge('l10', [recording(1200, { websocket: socket, sse: offset => socket(offset) + 5 })]), DOES_NOT);
});

test('L1 counts polls within the span of events alone', async () => {
  const draw = draws(3);
  const made = recording(400, { 'interval-polling': () => 5 });
  // Events 20 ms apart are 50 a second; at T = 50 ms the model says e^(−2.5).
  made.lanes['interval-polling'].exchanges = Array.from({ length: 160 }, (_, at) => ({ target: '/rooms/a/poll?cursor=x', requestAt: at * 50, answerEnd: at * 50 + 1, empty: draw() < Math.exp(-2.5) }));
  assert.equal(await judge('l01', [made]), HOLDS);
  for (const exchange of made.lanes['interval-polling'].exchanges) exchange.empty = true;
  assert.equal(await judge('l01', [made]), DOES_NOT);
});

test('L17 asks of SSE that nothing is lost', async () => {
  const made = lost => {
    const one = recording(320, { sse: () => 1, websocket: () => 1 });
    Object.assign(one.lanes.sse, { lost, duplicated: 0, reconnects: 1 });
    Object.assign(one.lanes.websocket, { lost: 250, states: [{ state: 'open', atMs: 0 }] });
    return one;
  };
  assert.equal(await judge('l17', [made(0)]), HOLDS);
  assert.equal(await judge('l17', [made(1)]), DOES_NOT);
});

test('the generator’s verdict is its expectations', () => {
  const results = JSON.parse(readFileSync(new URL('../../../reports/example/results.json', import.meta.url)));
  const found = fromResults(results, { label: 'p99', unit: 'ms', figure: () => 7, answer: 'yes' });
  assert.equal(verdictOf(found), HOLDS);
  assert.equal(found.answer, 'yes');
  assert.equal(found.rows[0].measured, 7);
  assert.equal(found.n, results.trials.reduce((sum, trial) => sum + trial.delivered, 0));
  assert.equal(fromResults(results, { of: 'connections' }).n, results.trials.reduce((sum, trial) => sum + trial.clients, 0));
  assert.equal(found.rows.length, results.expectations.length + 1);
  assert.ok(modelRows(results).every(row => row.verdict === HOLDS));
  results.expectations[0].holds = false;
  assert.equal(verdictOf(fromResults(results)), DOES_NOT);
  assert.equal(fromResults(results, { answer: 'yes' }).answer, null);
  results.expectations[0].holds = true;
  results.verdict = { valid: false, reasons: ['the generator was busy'] };
  assert.equal(verdictOf(fromResults(results)), TOO_FEW);
});

test('what a link says of the course is a step or the first', () => {
  assert.deepEqual(place('#/course/3/present'), { step: 3, presents: true });
  assert.deepEqual(place('#/course/99'), { step: 1, presents: false });
  assert.deepEqual(place('#/course/<img onerror=alert(1)>'), { step: 1, presents: false });
  assert.equal(place('#/race'), null);
});

test('a run of every lesson is shipped, and each came to its verdict', async () => {
  const { machine, lessons } = JSON.parse(readFileSync(new URL('../../page/lessons/recorded.json', import.meta.url)));
  assert.match(machine, /\d cores of .+ \d{4}-\d\d-\d\d$/);
  assert.deepEqual(Object.keys(lessons).sort(), LESSONS.map(({ id }) => id).sort());
  for (const [id, found] of Object.entries(lessons)) assert.equal(verdictOf(found), HOLDS, id);
});

test('a recorded run is small and keeps its shape', () => {
  const values = Array.from({ length: 5000 }, (_, at) => at);
  const kept = recordable({ rows: [], n: 5000, curves: [{ lane: 'sse', values, law: { from: 1, width: 2, atOnce: 0.5, quantile: () => 0 } }] });
  assert.equal(kept.curves[0].values.length, 200);
  assert.deepEqual([kept.curves[0].values[0], kept.curves[0].values.at(-1)], [0, 4999]);
  assert.deepEqual(kept.curves[0].law, [1, 2, 0.5]);
});

test('an axis is parted at round values', () => {
  assert.deepEqual(ticks(0, 10), [0, 2, 4, 6, 8, 10]);
  assert.deepEqual(ticks(470, 530), [480, 500, 520]);
});

// One owner at a time: who has the lab, who is refused, and whose words of the generator are heard.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { pauseWithin, when } from '../../page/hold.js';
import { Lab } from '../../page/lab.js';
import { generate } from '../../page/lessons/run.js';
import { follow } from '../../page/share.js';

function ready() {
  const lab = new Lab();
  lab.state = 'ready';
  return lab;
}

test('a second owner is refused with a sentence, a part of the first is not', () => {
  const lab = ready();
  const states = [];
  lab.addEventListener('state', () => states.push(lab.state));
  const lesson = lab.occupy('lesson L20');
  assert.throws(() => lab.occupy('a run'), { message: 'The lab is busy with lesson L20. Wait for its end, or stop it.' });
  const part = lab.occupy('a run', lesson);
  const innermost = lab.occupy('seven streams', part);
  innermost.release();
  part.release();
  assert.deepEqual([lab.state, lab.busyWith], ['running', 'lesson L20']);
  lesson.release();
  lesson.release();
  assert.deepEqual([lab.state, lab.busyWith, states], ['ready', null, ['running', 'ready']]);
  const next = lab.occupy('a run');
  assert.throws(() => lab.occupy('a run', lesson), /busy with a run/, 'a hold that has ended is none');
  lesson.release();
  assert.equal(lab.busyWith, 'a run');
  next.release();
});

test('a lab that is off cannot be had, and stopping tells the owner and all its parts', () => {
  const lab = new Lab();
  assert.throws(() => lab.occupy('a run'), /The lab is connecting/);
  lab.state = 'ready';
  const hold = lab.occupy('a lesson');
  const part = lab.occupy('a run', hold);
  lab.stop();
  assert.ok(part.signal.aborted);
  assert.throws(() => lab.occupy('a run', hold), /Stopped/);
  assert.equal(lab.state, 'running', 'until it is released');
});

test('who waits no longer listens no longer', async () => {
  const target = new EventTarget();
  let looks = 0;
  const end = new AbortController();
  const waits = when(target, 'change', () => { looks += 1; return looks === 3; }, end.signal);
  target.dispatchEvent(new Event('change'));
  end.abort();
  await waits;
  target.dispatchEvent(new Event('change'));
  assert.equal(looks, 2);
  const open = new AbortController();
  const held = when(target, 'change', () => { looks += 1; return looks >= 4; }, open.signal);
  target.dispatchEvent(new Event('change'));
  await held;
  target.dispatchEvent(new Event('change'));
  assert.equal(looks, 4);
  await assert.rejects(pauseWithin(10, end.signal));
});

/** A lab whose generator says what the test lets it say. */
function withGenerator() {
  const lab = ready();
  lab.sent = [];
  lab.send = (message) => lab.sent.push(message);
  lab.says = (run, state, more = {}) => lab.dispatchEvent(new CustomEvent('generator', { detail: { run, state, ...more } }));
  return lab;
}

test('a run of the generator hears its own run alone', async () => {
  const lab = withGenerator();
  lab.generator.seen.add('old/1');
  const run = generate(lab, 'lessons/l12');
  await assert.rejects(generate(lab, 'lessons/l13'), /busy with loadgen’s run of “lessons\/l12”/);
  assert.equal(lab.sent.length, 1);
  lab.says('old/1', 'stopped');
  lab.says('other/1', 'stopped');
  lab.says('own/1', 'started');
  lab.says('other/1', 'done', { results: 'of another' });
  lab.says('own/1', 'done', { results: 'its own' });
  assert.equal(await run, 'its own');
  assert.equal(lab.state, 'ready');
});

test('a stopped run of the generator has the lab until it has ended', async () => {
  const lab = withGenerator();
  const run = generate(lab, 'lessons/l12');
  lab.says('own/1', 'started');
  lab.stop();
  assert.deepEqual(lab.sent.at(-1), { do: 'generate', stop: true });
  assert.throws(() => lab.occupy('a run'), /busy/);
  lab.says('own/1', 'stopped');
  await assert.rejects(run, { message: 'Stopped.' });
  assert.equal(lab.state, 'ready');
});

test('a link that is followed during a run says that the run goes on', () => {
  const lab = ready();
  lab.occupy('a run');
  assert.match(follow(lab, '#/race?rate=5'), /What runs now goes on as it was/);
});

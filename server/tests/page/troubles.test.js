// Trouble as it is chosen, told to the server and judged afterwards.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { BOUNDS, boundsOf, consequences, troubleOf, TROUBLES, wordsIn, wordsOf } from '../../page/troubles.js';

test('only what can be chosen reaches the server', () => {
  const chosen = {
    sse: { delay: '500', idle: '2000', upgrade: 'refuse', buffer: '1e9', stall: 200, __proto__: 'x' },
    websocket: { upgrade: 'swallow', silent: 'on', stall: '500' },
    nowhere: { delay: '500' },
  };
  assert.deepEqual(troubleOf(chosen, ['sse', 'websocket', 'long-polling']), {
    sse: { delay_ms: 500, idle_cut_ms: 2000 },
    websocket: { silent_drop: true, stall: { every_ms: 2000, for_ms: 500 }, block_upgrade: 'swallow' },
    'long-polling': {},
  });
  assert.deepEqual(boundsOf({ heartbeat: '1000', history: '', resume: 'no', other: '1' }), { heartbeat_ms: 1000, resume: false });
  assert.deepEqual(boundsOf({ heartbeat: '-1', history: '<img>' }), {});
});

test('every choice has words, and they are the same of what was told to the server', () => {
  for (const list of [TROUBLES, BOUNDS]) {
    for (const one of list) {
      for (const [value] of one.options.filter(([own]) => own !== '')) {
        const words = wordsOf(list, { [one.name]: value });
        assert.equal(words.length, 1);
        assert.deepEqual(wordsIn(list, one.apply(value)), words);
      }
    }
  }
  assert.deepEqual(wordsOf(TROUBLES, { idle: '1000', delay: '', stall: '7' }), ['idle cut after 1 s']);
  assert.deepEqual(wordsIn(TROUBLES, { delay_ms: 3, silent_drop: true }), ['silent drop'], 'a lesson may have a delay of its own');
  assert.deepEqual(wordsIn(BOUNDS), []);
});

test('what a cut cost: time to notice and to come back, what was made up for and what is missing', () => {
  const seen = new Set([1, 2, 4]);
  const lane = {
    faults: [{ what: 'restart', atMs: 100 }, { what: 'cut', atMs: 101 }, { what: 'back', atMs: 140 }, { what: 'blocked-upgrade', atMs: 150 }, { what: 'silent-drop', atMs: 1000 }],
    states: [{ state: 'lost', atMs: 50 }, { state: 'open', atMs: 60 }, { state: 'lost', atMs: 130 }, { state: 'asking', atMs: 200 }, { state: 'open', atMs: 300 }],
    has: (offset) => seen.has(offset),
  };
  const events = [[1, 90], [2, 110], [3, 200], [4, 290], [5, 1200]].map(([offset, plannedMs]) => ({ offset, plannedMs }));
  assert.deepEqual(consequences(lane, events), [
    { what: 'restart', atMs: 100, noticedMs: 30, backMs: 200, resumed: 2, missing: 1 },
    { what: 'silent-drop', atMs: 1000, noticedMs: null, backMs: null, resumed: null, missing: 1 },
  ]);
});

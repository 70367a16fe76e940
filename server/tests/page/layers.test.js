// The layers of a byte: the published figures come out of their formulas, and a recording's kinds
// into layers without a byte lost.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { costOf, ratioOf, ticker } from '../../page/wire/layers.js';

/** MODEL §3, kaazing: 435 → 40 → 8.6, and 1.0 at ten events a second. */
test('the published ratio melts from layer to layer', () => {
  const rows = ticker();
  assert.deepEqual(rows.map(({ sides }) => sides), [[871, 2], [930, 23], [1086, 127], [1275, 1270]]);
  assert.deepEqual(rows.map(({ ratio }) => ratio.toFixed(1)), ['435.5', '40.4', '8.6', '1.0']);
});

const lane = (kinds, more) => ({
  byKind: Object.fromEntries(Object.entries(kinds).map(([kind, [up, down]]) => [kind, { up, down }])),
  exchanges: [], messages: [], delivered: 0, ...more,
});

test('each layer has all bytes of the one below it', () => {
  const polling = lane(
    { payload: [0, 210], framing: [0, 90], http_headers: [4000, 1000], empty_polls: [500, 100], handshake: [0, 0] },
    { delivered: 10, exchanges: Array.from({ length: 12 }, (_, at) => ({ empty: at > 9 })) },
  );
  const websocket = lane(
    { payload: [0, 210], framing: [0, 20], handshake: [500, 350], keep_alive: [6, 2] },
    { delivered: 10, exchanges: [{ empty: null }], messages: [{ what: 'hello' }, ...Array.from({ length: 10 }, () => ({ what: 'event' }))] },
  );
  const sum = (one, layer) => costOf(one, layer).running + costOf(one, layer).once;
  assert.deepEqual(['header', 'app', 'ip'].map((layer) => sum(polling, layer)), [5690, 5900, 5900 + 12 * 3 * 52]);
  assert.deepEqual(['header', 'app', 'ip'].map((layer) => sum(websocket, layer)), [878, 1088, 1088 + 10 * 2 * 52]);
  const { ratio } = ratioOf({ lanes: { 'interval-polling': polling, websocket } }, 'app');
  assert.equal(ratio, 5900 / 238);
  assert.equal(ratioOf({ lanes: { websocket } }, 'app'), null);
  assert.equal(ratioOf(null, 'app'), null);
});

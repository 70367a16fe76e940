// The worked table of the model, and its verdicts.
import test from 'node:test';
import assert from 'node:assert/strict';
import { breakEven, broadcast, clientsWithin, framing, headOfLine, law, longPolling, polling, push } from '../../page/model.js';
import { DOES_NOT, HOLDS, TOO_FEW, mean, quantile, quantileOf, share, together } from '../../page/verdict.js';

const near = (found, wanted, off, what) => assert.ok(Math.abs(found - wanted) <= off, `${what}: ${found}, not ${wanted}`);

// Mean ms · app B/s · IP B/s at d = 50 ms, T = 1 s, S = 21, headers 909.
const TABLE = [
  [0.1, [550, 911, 1067, 0.905], [50.5, 93, 109], [3.5, 13.9], [2.8, 13.2], [2.3, 12.7], [3.1, 13.5]],
  [1, [550, 930, 1086, 0.368], [55.0, 926, 1081], [35, 139], [28, 132], [23, 127], [31, 135]],
  [10, [550, 1119, 1275, 0], [86.6, 6855, 7996], [350, 1390], [280, 1320], [230, 1270], [310, 1350]],
];

test('the worked table comes out', () => {
  for (const [rate, poll, long, ...pushed] of TABLE) {
    const at = { rate, d: 0.05, T: 1, R: 0.1, S: 21, heads: 909 };
    near(polling.latency(at).mean * 1000, poll[0], 0.5, `polling mean at ${rate}`);
    near(polling.appBytes(at), poll[1], 0.5, `polling app at ${rate}`);
    near(polling.ipBytes(at), poll[2], 0.5, `polling ip at ${rate}`);
    near(polling.emptyShare(at), poll[3], 0.0005, `empty share at ${rate}`);
    near(longPolling.latency(at).mean * 1000, long[0], 0.05, `long polling mean at ${rate}`);
    near(longPolling.appBytes(at), long[1], 0.6, `long polling app at ${rate}`);
    near(longPolling.ipBytes(at), long[2], 0.6, `long polling ip at ${rate}`);
    const around = [framing.sse(21), framing.stream(21), framing.websocket(21), framing.socketio(21, 'm')];
    assert.deepEqual(around, [14, 7, 2, 10]);
    around.forEach((h, kind) => {
      near(push.appBytes({ rate, S: 21, h }), pushed[kind][0], 0.05, `push ${kind} app at ${rate}`);
      near(push.ipBytes({ rate, S: 21, h }), pushed[kind][1], 0.05, `push ${kind} ip at ${rate}`);
    });
  }
});

test('framing follows RFC 6455 and RFC 9112', () => {
  assert.deepEqual([125, 126, 65535, 65536].map(framing.websocket), [2, 4, 4, 10]);
  assert.deepEqual([15, 16, 255, 256, 4095, 4096].map(framing.chunk), [5, 6, 6, 7, 7, 8]);
  assert.equal(framing.sse(21, 9), 23);
});

test('long polling runs from one transit to two, and to three at most', () => {
  const at = rate => longPolling.latency({ rate, d: 0.05, R: 0.1 });
  near(at(0.001).mean, 0.05, 1e-5, 'idle');
  near(at(10).mean / 0.05, 1.73, 0.005, 'λR = 1');
  near(at(10000).mean, 0.1, 1e-4, 'flooded');
  near(at(10000).max, 0.15, 1e-9, 'max');
  assert.equal(at(5).quantile(0.5), 0.05);
  assert.ok(at(6).quantile(0.5) > 0.05, 'p50 leaves d above λR = 0.567');
  near(longPolling.requests({ rate: 1000, R: 0.1 }), 10, 0.001, 'capacity');
  near(longPolling.requests({ rate: 0, R: 0.1, H: 24.9 }), 0.04, 1e-12, 'idle with a hold');
  near(longPolling.emptyShare({ rate: 0.1, R: 0.1, H: 24.9 }), Math.exp(-2.5), 1e-12, 'empty with a hold');
});

test('a latest-value server and a ring tell of the shares the model says', () => {
  near(polling.latestShare({ rate: 2, T: 1 }), (1 - Math.exp(-2)) / 2, 1e-12, 'latest');
  near(polling.ringShare({ rate: 2, T: 1, ring: 1 }), polling.latestShare({ rate: 2, T: 1 }), 1e-12, 'ring of 1');
  near(polling.ringShare({ rate: 2, T: 1, ring: 60 }), 1, 1e-9, 'a ring that is long enough');
  near(polling.latestShare({ rate: 0.02, T: 1, arrivals: 'constant' }), 1, 1e-12, 'on a beat');
});

test('what sets transports beside one another', () => {
  near(breakEven({ heads: 909, h: 2 }), 10.05, 0.005, '909 B');
  near(breakEven({ heads: 538, h: 2 }), 6.5, 0.05, '538 B');
  near(breakEven({ heads: 909, h: 2, segments: 1.5 }), 13.3, 0.05, 'delayed ACKs');
  assert.equal(clientsWithin({ requestsPerS: 2520, acceptable: 10 }), 25200);
  near(headOfLine({ bytes: 125000, bitsPerS: 1e6 }), 1, 1e-12, 'head of line');
  near(broadcast({ clients: 1000, each: 1e-5 }).quantile(0.99), 0.0099, 1e-12, 'broadcast');
  near(push.bufferedLatency({ rate: 50, buffer: 4096, message: 160 }).mean, 4096 / 16000, 1e-12, 'buffered');
});

test('a law is its own distribution', () => {
  const mixed = law(50, 100, 0.25);
  for (const q of [0.3, 0.5, 0.9]) near(mixed.cumulative(mixed.quantile(q)), q, 1e-12, `q ${q}`);
  assert.equal(mixed.cumulative(49), 0);
  near(law(0, 1).deviation, 1 / Math.sqrt(12), 1e-12, 'even');
  assert.equal(law(7).deviation, 0);
});

test('verdicts: holds, does not, too few', () => {
  const even = law(0, 1000);
  assert.equal(mean({ measured: 505, law: even, n: 1100 }).verdict, HOLDS);
  assert.equal(mean({ measured: 560, law: even, n: 1100 }).verdict, DOES_NOT);
  assert.equal(mean({ measured: 505, law: even, n: 999 }).verdict, TOO_FEW);
  assert.equal(mean({ measured: NaN, law: even, n: 5000 }).verdict, TOO_FEW);
  assert.equal(quantile({ measured: 990, law: even, q: 0.99, n: 1100 }).verdict, HOLDS);
  assert.equal(quantile({ measured: 900, law: even, q: 0.99, n: 1100 }).verdict, DOES_NOT);
  assert.equal(share({ measured: 0.4, model: 0.368, n: 400 }).verdict, HOLDS);
  assert.equal(share({ measured: 0.5, model: 0.368, n: 400 }).verdict, DOES_NOT);
  assert.equal(share({ measured: 0.5, model: 0.368, n: 10 }).verdict, TOO_FEW);
  assert.equal(share({ measured: 0, model: 0, n: 10 }).verdict, HOLDS);
  assert.equal(together([{ verdict: HOLDS }, { verdict: TOO_FEW }]), TOO_FEW);
  assert.equal(together([{ verdict: TOO_FEW }, { verdict: DOES_NOT }]), DOES_NOT);
  near(quantileOf([4, 1, 3, 2], 0.5), 2.5, 1e-12, 'median');
});

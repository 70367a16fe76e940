// The reference run's histograms, decoded here, against the figures that loadgen wrote beside them.
import test from 'node:test';
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { deflateSync } from 'node:zlib';
import { Histogram, decode } from '../../page/hdr.js';

const results = JSON.parse(readFileSync(new URL('../../../reports/example/results.json', import.meta.url)));

test('every histogram of the reference run says what its summary says', async () => {
  let seen = 0;
  for (const trial of results.trials) {
    for (const figures of [...Object.values(trial.latency_us), trial.generator.control_us]) {
      if (!figures.hdr || figures.negative > 0 || figures.count === 0) continue;
      const histogram = await decode(figures.hdr);
      assert.equal(histogram.count, figures.count);
      for (const [name, q] of [['p50', 0.5], ['p75', 0.75], ['p90', 0.9], ['p95', 0.95], ['p99', 0.99]]) {
        assert.equal(histogram.quantile(q), figures[name], `${trial.name} ${name}`);
      }
      seen += 1;
    }
  }
  assert.ok(seen > 50, `${seen} histograms`);
});

test('runs are merged by their counts', async () => {
  const of = results.trials.filter(trial => trial.name === 'sse').map(trial => trial.latency_us.delivery);
  const merged = Histogram.merged(await Promise.all(of.map(figures => decode(figures.hdr))));
  assert.equal(merged.count, of.reduce((sum, figures) => sum + figures.count, 0));
  const cumulative = merged.cumulative();
  assert.equal(cumulative.at(-1)[1], 1);
  assert.ok(cumulative.every(([value, share], at) => at === 0 || (value > cumulative[at - 1][0] && share > cumulative[at - 1][1])));
});

test('what is no histogram is refused', async () => {
  await assert.rejects(decode(btoa('nothing of the kind')), /histogram/);
});

test('what inflates without end is refused', async () => {
  const body = deflateSync(Buffer.alloc(20 * 2 ** 20));
  const head = Buffer.alloc(8);
  head.writeUInt32BE(0x1c849304 | 0x10, 0);
  head.writeUInt32BE(body.length, 4);
  await assert.rejects(decode(Buffer.concat([head, body]).toString('base64')), /more than 16 MB/);
});

// All lanes at 50 events a second: the page draws without missing its frames. Headless chromium on a
// busy machine misses some by itself, so the bound is generous; the figures are printed, those of a weak
// laptop without a bound, for here it has no graphics processor either.

import assert from 'node:assert/strict';
import { openTab } from '../browser.mjs';
import { ready } from '../page.mjs';

const RUN = { rate: 50, arrivals: 'poisson', duration_s: 8, rtt_ms: 50, interval_ms: 200, payload: 128 };
/** A weak laptop, as Lighthouse takes one: the page's thread is slowed so many times. */
const WEAK = 4;

export default async function frames(browser, lab) {
  const idle = await measure(browser, lab, null);
  const busy = await measure(browser, lab, RUN);
  const slowed = await measure(browser, lab, RUN, WEAK);
  for (const [what, { n, p50, p95, max, long }] of Object.entries({ idle, busy, slowed })) {
    console.log(`frames, ${what}: n ${n}, p50 ${p50.toFixed(1)} ms, p95 ${p95.toFixed(1)} ms, max ${max.toFixed(1)} ms, long tasks ${long}`);
  }
  assert.ok(busy.n > 100, 'the page hardly drew');
  assert.ok(busy.p95 <= Math.max(34, 2 * idle.p95), `frames take ${busy.p95.toFixed(1)} ms at p95`);
}

async function measure(browser, lab, parameters, slower = 1) {
  const { tab, complaints, close } = await openTab(browser, lab.url, '/#/race', { width: 1280, height: 900 });
  await ready(tab);
  const debug = await tab.context().newCDPSession(tab);
  await debug.send('Emulation.setCPUThrottlingRate', { rate: slower });
  const figures = await tab.evaluate(async parameters => {
    const { lab } = await import('/page/main.js');
    let long = 0;
    new PerformanceObserver(list => { long += list.getEntries().length; }).observe({ type: 'longtask' });
    const deltas = [];
    let last = null;
    let goes = true;
    requestAnimationFrame(function frame(at) {
      if (last !== null) deltas.push(at - last);
      last = at;
      if (goes) requestAnimationFrame(frame);
    });
    if (parameters) await lab.run(parameters);
    else await new Promise(done => setTimeout(done, 3000));
    goes = false;
    deltas.sort((one, other) => one - other);
    const at = share => deltas[Math.floor(share * (deltas.length - 1))];
    return { n: deltas.length, p50: at(0.5), p95: at(0.95), max: at(1), long };
  }, parameters);
  assert.deepEqual(complaints, []);
  await close();
  return figures;
}

// Not a check: makes the README's pictures from a real run, into LAB_OUT. An animation of the race, and
// still pictures of what stands after it. To be run on a quiet machine with an optimised build.

import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { animate } from '../animation.mjs';
import { openTab } from '../browser.mjs';
import { judged } from '../lessons.mjs';
import { ready } from '../page.mjs';

const RUN = { rate: 2, arrivals: 'poisson', payload: 64, interval_ms: 1000, rtt_ms: 100, duration_s: 9, seed: 7 };
const FRAME_MS = 250;

export default async function pictures(browser, lab) {
  await mkdir(lab.out, { recursive: true });
  const keep = (name, bytes) => writeFile(join(lab.out, name), bytes);
  const { tab, close } = await openTab(browser, lab.url, '/#/race', { width: 1180, height: 1340 });
  await ready(tab);
  const running = tab.evaluate(async parameters => {
    const { lab } = await import('/page/main.js');
    await lab.run(parameters);
  }, RUN);
  // The words above the lanes grow when a run ends; the picture follows the lanes.
  const lanes = tab.locator('.race-lanes, .lanes').first();
  const { width, height } = await lanes.boundingBox();
  const shot = async () => {
    const { x, y } = await lanes.boundingBox();
    return tab.screenshot({ clip: { x: x - 10, y, width: width + 20, height } });
  };
  const frames = await film(shot, running);
  await tab.waitForTimeout(800);
  const blank = await browser.newPage();
  const moving = await animate(blank, [...frames, { png: await shot(), ms: 3000 }], 0.6);
  await keep('race.webp', moving);
  console.log(`pictures: ${frames.length} frames, ${(moving.length / 1024).toFixed(0)} KiB`);

  await tab.setViewportSize({ width: 1180, height: 860 });
  await tab.evaluate(() => { location.hash = '#/wire'; });
  await tab.waitForTimeout(1500);
  // Past the two of the handshake: a frame with its bit fields.
  const list = tab.locator('.wire-list');
  await list.press('Home');
  for (let press = 0; press < 3; press += 1) await list.press('ArrowDown');
  await tab.waitForTimeout(300);
  await keep('wire.png', await tab.screenshot());

  await tab.evaluate(() => { location.hash = '#/lessons/l02'; });
  await judged(tab, 'l02', '.screen-lessons', async card => {
    const slider = card.locator('.guess input');
    await slider.focus();
    for (let press = 0; press < 4; press += 1) await tab.keyboard.press('ArrowLeft');
    await card.locator('button.run').click();
  });
  await tab.waitForTimeout(500);
  await keep('lesson.png', await tab.screenshot());
  await close();
}

/** Screenshots while `running` goes on, each with how long it stood. */
async function film(shot, running) {
  const frames = [];
  let goes = true;
  running.finally(() => { goes = false; });
  while (goes) {
    const began = performance.now();
    const png = await shot();
    await new Promise(done => setTimeout(done, Math.max(0, FRAME_MS - (performance.now() - began))));
    frames.push({ png, ms: Math.round(performance.now() - began) });
  }
  await running;
  return frames;
}

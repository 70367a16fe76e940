// The course as a teacher walks it: presenter's view, by the keyboard alone, each lesson of each step to
// its verdict.

import assert from 'node:assert/strict';
import { openTab } from '../browser.mjs';
import { judged, unforeseen } from '../lessons.mjs';
import { ready } from '../page.mjs';

export default async function course(browser, lab) {
  const { tab, complaints, close } = await openTab(browser, lab.url, '/#/course/1/present');
  await ready(tab);
  const steps = await tab.evaluate(async () => (await import('/page/lessons/course.js')).STEPS.map(step => step.lessons));
  assert.equal(steps.length, 8);
  const faults = [];
  for (const [at, lessons] of steps.entries()) {
    assert.equal(await tab.evaluate(() => location.hash), `#/course/${at + 1}/present`);
    for (const [number, id] of lessons.entries()) {
      if (number > 0) await tab.locator('.screen-course .stage button[aria-pressed]').nth(number).click();
      const fault = await judged(tab, id, '.screen-course', async () => {
        await tab.locator('body').press('s');
        await tab.locator('body').press('r');
      });
      if (fault) faults.push(fault);
    }
    await tab.locator('main').focus();
    await tab.keyboard.press('ArrowRight');
  }
  assert.match(await tab.locator('.screen-course .next-step').innerText(), /Done/);
  assert.deepEqual(faults, []);
  assert.deepEqual(unforeseen(complaints), []);
  await close();
}

// Every lesson that is not in the course: a guess with its own control, the run, the verdict.

import assert from 'node:assert/strict';
import { openTab } from '../browser.mjs';
import { judged, unforeseen } from '../lessons.mjs';
import { ready } from '../page.mjs';

export default async function lessons(browser, lab) {
  const { tab, complaints, close } = await openTab(browser, lab.url, '/#/lessons');
  await ready(tab);
  const ids = process.env.LAB_LESSONS?.split(',') ?? await tab.evaluate(async () => {
    const { LESSONS } = await import('/page/lessons/index.js');
    const { STEPS } = await import('/page/lessons/course.js');
    const inCourse = new Set(STEPS.flatMap(step => step.lessons));
    return LESSONS.map(lesson => lesson.id).filter(id => !inCourse.has(id));
  });
  assert.ok(ids.length > 0);
  const faults = [];
  for (const id of ids) {
    await tab.evaluate(id => { location.hash = `#/lessons/${id}`; }, id);
    const fault = await judged(tab, id, '.screen-lessons', async card => {
      await guess(tab, card);
      await card.locator('button.run').click();
    });
    if (fault) faults.push(fault);
  }
  assert.deepEqual(faults, []);
  assert.deepEqual(unforeseen(complaints), []);
  await close();
}

/** A slider is moved by the keyboard, a choice is taken. */
async function guess(tab, card) {
  const slider = card.locator('.guess input[type="range"]');
  if (await slider.count()) {
    await slider.focus();
    await tab.keyboard.press('ArrowRight');
  } else {
    await card.locator('.guess input[type="radio"]').first().check();
  }
}

// Not a check: walks every lesson on this machine and keeps what was judged in LAB_OUT/recorded.json, which
// the page ships as `server/page/lessons/recorded.json`. To be run on a quiet machine with an optimised build.

import { mkdir, writeFile } from 'node:fs/promises';
import { cpus, release, type } from 'node:os';
import { join } from 'node:path';
import { openTab } from '../browser.mjs';
import { judged } from '../lessons.mjs';
import { ready } from '../page.mjs';

export default async function record(browser, lab) {
  await mkdir(lab.out, { recursive: true });
  const { tab, close } = await openTab(browser, lab.url, '/#/lessons');
  await ready(tab);
  const ids = await tab.evaluate(async () => {
    addEventListener('judged', event => { globalThis.lastJudged = event.detail; });
    return (await import('/page/lessons/index.js')).LESSONS.map(lesson => lesson.id);
  });
  const lessons = {};
  for (const id of ids) {
    await tab.evaluate(id => { location.hash = `#/lessons/${id}`; }, id);
    const fault = await judged(tab, id, '.screen-lessons', async card => {
      const skip = card.locator('.skip-guess');
      if (await skip.isVisible()) await skip.click();
      await card.locator('button.run').click();
    });
    if (fault) throw new Error(fault);
    lessons[id] = await tab.evaluate(() => globalThis.lastJudged);
  }
  const [{ model }] = cpus();
  const machine = `${cpus().length} cores of ${model}, ${type()} ${release().split('-')[0]}, Chromium ${browser.version()}, ${new Date().toISOString().slice(0, 10)}`;
  await writeFile(join(lab.out, 'recorded.json'), `${JSON.stringify({ machine, lessons })}\n`);
  await close();
}

// The page loads, draws something, and the browser has nothing to say against it.

import assert from 'node:assert/strict';
import { openTab } from '../browser.mjs';

export default async function smoke(browser, lab) {
  const { tab, complaints, close } = await openTab(browser, lab.url);
  assert.match(await tab.title(), /pushlab/);
  const text = await tab.locator('body').innerText();
  assert.ok(text.trim().length > 0, 'the page is empty');
  assert.deepEqual(complaints, []);
  await close();
}

// Every screen, before and after a run, at three widths in both colour schemes: a screenshot each,
// nothing that overflows, no complaint of the browser, no violation that axe-core knows of WCAG 2.2 A
// and AA, and a focus that can be seen on everything that Tab reaches.

import assert from 'node:assert/strict';
import { createRequire } from 'node:module';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { openTab } from '../browser.mjs';
import { live, say, unforeseen } from '../chat.mjs';
import { ready, run } from '../page.mjs';

/** A screen's address, and what is done there before it is looked at. */
const SCREENS = {
  race: ['/#/race'],
  'race-ran': ['/#/race', tab => run(tab, RUN)],
  wire: ['/#/wire'],
  'wire-ran': ['/#/wire', tab => run(tab, RUN)],
  course: ['/#/course'],
  presenter: ['/#/course/2/present'],
  lessons: ['/#/lessons'],
  'lesson-verdict': ['/#/lessons/l01', verdict],
  paper: ['/#/paper'],
  reports: ['/#/reports'],
  teach: ['/page/teach.html'],
  'chat-door': ['/chat'],
  chat: ['/chat', chat],
};
const RUN = { rate: 4, arrivals: 'poisson', duration_s: 5, rtt_ms: 100, interval_ms: 1000 };
const WIDTHS = { 390: 844, 1280: 800, 1920: 1080 };
const TAGS = ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'];

export default async function screens(browser, lab) {
  const axe = await readFile(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');
  const faults = new Faults();
  const wanted = process.env.LAB_SCREENS?.split(',') ?? Object.keys(SCREENS);
  for (const name of wanted) {
    const [path, prepare] = SCREENS[name];
    const { tab, complaints, close } = await openTab(browser, lab.url, path, { reducedMotion: 'reduce' });
    await tab.locator('main h1').first().waitFor();
    await prepare?.(tab);
    for (const [width, height] of Object.entries(WIDTHS)) {
      for (const colorScheme of ['light', 'dark']) {
        const where = `${name} ${width} ${colorScheme}`;
        await tab.setViewportSize({ width: Number(width), height });
        await tab.emulateMedia({ colorScheme, reducedMotion: 'reduce' });
        await tab.evaluate(back);
        await tab.waitForTimeout(1200);
        if (lab.out) await whole(tab, Number(width), height, join(lab.out, 'screens', `${name}-${width}-${colorScheme}.png`));
        faults.note(where, await overflow(tab));
        faults.note(where, await violations(tab, axe));
        if (width !== '1920') faults.note(where, await focus(tab));
      }
    }
    faults.note(name, unforeseen(complaints));
    await close();
  }
  assert.equal(faults.found.size, 0, `${faults}`);
}

/** A picture of all of it: what is scrolled away is not painted, so the window grows. */
async function whole(tab, width, height, path) {
  const tall = await tab.evaluate(() => document.documentElement.scrollHeight);
  await tab.setViewportSize({ width, height: Math.max(height, tall) });
  await tab.waitForTimeout(300);
  await tab.screenshot({ path });
  await tab.setViewportSize({ width, height });
  await tab.waitForTimeout(100);
}

/** A room with lines of two, one of them refused. */
async function chat(tab) {
  await tab.locator('#name').fill('瑶');
  await tab.getByRole('button', { name: 'Enter' }).click();
  await live(tab, 'websocket');
  for (const text of ['First line.', '峡谷见', '长'.repeat(30_000)]) await say(tab, text);
  await tab.evaluate(() => fetch('/rooms/KPL/events', {
    method: 'POST', credentials: 'omit', headers: { 'content-type': 'application/json' }, body: '{"type":"chat","data":"A line without a name."}',
  }));
  await tab.locator('#log .line').nth(2).waitFor();
  await tab.locator('[data-line="refused"]').waitFor();
}

async function verdict(tab) {
  await ready(tab);
  const card = tab.locator('article[data-lesson="l01"]');
  await card.locator('.skip-guess').click();
  await card.locator('button.run').click();
  await tab.locator('article[data-lesson="l01"][data-verdict]').waitFor({ timeout: 120_000 });
}

/** Scrolls what the last round of Tab scrolled; axe takes a link left of the page for one to skip by. */
function back() {
  scrollTo(0, 0);
  for (const element of document.querySelectorAll('*')) element.scrollLeft = 0;
}

/** Each fault once, with the places where it was seen. */
class Faults {
  found = new Map();

  note(where, texts) {
    for (const text of new Set(texts)) this.found.set(text, [...this.found.get(text) ?? [], where]);
  }

  toString() {
    return [...this.found].map(([text, places]) => `${text}\n    at ${places.join(', ')}`).join('\n');
  }
}

/** Elements that reach beyond the right edge and are not within something that scrolls. */
function overflow(tab) {
  return tab.evaluate(() => {
    const edge = document.documentElement.clientWidth;
    if (document.documentElement.scrollWidth <= edge) return [];
    const beyond = [...document.body.querySelectorAll('*')]
      .filter(element => element.getBoundingClientRect().right > edge + 1)
      .slice(0, 3)
      .map(element => `${element.tagName.toLowerCase()}.${element.className}`);
    return [`overflows to ${document.documentElement.scrollWidth} px: ${beyond.join(', ')}`];
  });
}

/** axe is evaluated by the debugger, which the page's own policy does not bind. */
async function violations(tab, axe) {
  await tab.evaluate(axe);
  const found = await tab.evaluate(tags => globalThis.axe.run(document, { runOnly: tags }), TAGS);
  return found.violations.map(({ id, help, nodes }) =>
    `${id} (${help}): ${nodes.slice(0, 3).map(node => node.target.join(' ')).join(' | ')}`);
}

/** Presses Tab until it has come round, and looks whether each stop changed its look on focus. */
async function focus(tab) {
  const faults = [];
  for (let press = 0; press < 60; press += 1) {
    await tab.keyboard.press('Tab');
    const stop = await tab.evaluate(() => {
      const element = document.activeElement;
      if (!element || element === document.body) return null;
      const look = from => {
        const { outlineStyle, outlineWidth, boxShadow, borderColor, backgroundColor } = from;
        return JSON.stringify({ outlineStyle, outlineWidth, boxShadow, borderColor, backgroundColor });
      };
      const focused = getComputedStyle(element);
      const outline = focused.outlineStyle !== 'none' && parseFloat(focused.outlineWidth) >= 2;
      const at = look(focused);
      element.blur();
      const changed = at !== look(getComputedStyle(element));
      element.focus({ focusVisible: true, preventScroll: true });
      const { width, height } = element.getBoundingClientRect();
      return {
        name: `${element.tagName.toLowerCase()}${element.id && `#${element.id}`} "${
          (element.getAttribute('aria-label') ?? element.textContent ?? '').trim().slice(0, 30)}"`,
        seen: (outline || changed) && width > 0 && height > 0,
      };
    });
    if (!stop) break;
    if (!stop.seen) faults.push(`no visible focus on ${stop.name}`);
  }
  return faults;
}

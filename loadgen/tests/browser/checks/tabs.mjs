// Tabs come and go: ten at once, one closed in the middle of its run, one put to sleep. A closed tab
// leaves nothing at the server: descriptors, threads and rooms are back where they were.

import assert from 'node:assert/strict';
import { readdir, readFile } from 'node:fs/promises';
import { openTab } from '../browser.mjs';
import { ready, run, usage } from '../page.mjs';

const SHORT = { rate: 20, arrivals: 'constant', duration_s: 3, rtt_ms: 20, interval_ms: 200 };

export default async function tabs(browser, lab) {
  await once(browser, lab);
  const before = await held(lab);
  await tenAtOnce(browser, lab);
  await closedInTheMiddle(browser, lab);
  await back(lab, before);
  await hidden(browser, lab);
  await asleep(browser, lab);
  await back(lab, before);
}

/** What a first session alone brings (the allocator's, the resolver's) is no leak. */
async function once(browser, lab) {
  const { tab, close } = await openTab(browser, lab.url);
  await run(tab, SHORT);
  await close();
  await settled(lab);
}

async function tenAtOnce(browser, lab) {
  const opened = await Promise.all(Array.from({ length: 10 }, () => openTab(browser, lab.url)));
  const recordings = await Promise.all(opened.map(({ tab }) => run(tab, SHORT)));
  for (const recording of recordings) {
    assert.equal(recording.published, 60);
    for (const [kind, lane] of Object.entries(recording.lanes)) {
      const { delivered, lost, duplicated } = lane;
      assert.deepEqual({ kind, delivered, lost, duplicated }, { kind, delivered: 60, lost: 0, duplicated: 0 });
    }
  }
  for (const { complaints } of opened) assert.deepEqual(complaints, []);
  await Promise.all(opened.map(({ close }) => close()));
}

async function closedInTheMiddle(browser, lab) {
  const { tab, close } = await openTab(browser, lab.url);
  await ready(tab);
  await tab.evaluate(async parameters => {
    const { lab } = await import('/page/main.js');
    lab.run(parameters).catch(() => {});
  }, { ...SHORT, duration_s: 60, rate: 50 });
  await tab.waitForTimeout(1500);
  const { rooms } = await usage(lab);
  assert.ok(rooms >= 1, 'nothing ran');
  await close();
}

/** Headless chromium hides no tab, so what a hidden one is told is told here. */
async function hidden(browser, lab) {
  const { tab, close } = await openTab(browser, lab.url);
  await ready(tab);
  const running = run(tab, SHORT);
  await tab.waitForTimeout(1500);
  await tab.evaluate(() => {
    Object.defineProperty(document, 'hidden', { get: () => true });
    document.dispatchEvent(new Event('visibilitychange'));
  });
  const recording = await running;
  assert.match(recording.void ?? '', /background/, 'a hidden tab measured nothing');
  await close();
}

/** A phone that sleeps stops the page's process; so does SIGSTOP. */
async function asleep(browser, lab) {
  const { tab, close } = await openTab(browser, lab.url);
  await ready(tab);
  const pids = await renderers(browser);
  const running = run(tab, { ...SHORT, duration_s: 6 });
  await new Promise(done => setTimeout(done, 1500));
  for (const pid of pids) process.kill(pid, 'SIGSTOP');
  await new Promise(done => setTimeout(done, 3000));
  for (const pid of pids) process.kill(pid, 'SIGCONT');
  const recording = await running;
  assert.match(recording.void ?? '', /stood still/, 'a page that slept measured nothing');
  await close();
}

async function renderers(browser) {
  const session = await browser.newBrowserCDPSession();
  const { processInfo } = await session.send('SystemInfo.getProcessInfo');
  await session.detach();
  return processInfo.filter(one => one.type === 'renderer').map(one => one.id);
}

async function held(lab) {
  const { rooms } = await usage(lab);
  const status = await readFile(`/proc/${lab.pid}/status`, 'utf8');
  const threads = Number(/^Threads:\s+(\d+)/m.exec(status)[1]);
  const descriptors = (await readdir(`/proc/${lab.pid}/fd`)).length;
  return { rooms, threads, descriptors };
}

/** Until two looks half a second apart are equal, as they are once keep-alive connections have ended. */
async function settled(lab) {
  for (let last = '', tries = 0; tries < 40; tries += 1) {
    const now = JSON.stringify(await held(lab));
    if (now === last) return;
    last = now;
    await new Promise(done => setTimeout(done, 500));
  }
}

async function back(lab, before) {
  let now;
  for (let tries = 0; tries < 40; tries += 1) {
    now = await held(lab);
    if (now.rooms <= before.rooms && now.threads <= before.threads && now.descriptors <= before.descriptors) return;
    await new Promise(done => setTimeout(done, 250));
  }
  assert.deepEqual(now, before, 'the server keeps what closed tabs had');
}

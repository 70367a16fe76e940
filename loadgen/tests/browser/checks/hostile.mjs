// Addresses and events that mean harm: no script runs, no element comes of them, and the page works on.

import assert from 'node:assert/strict';
import { openTab } from '../browser.mjs';
import { ready, run } from '../page.mjs';

const HARM = '<img src=x onerror="globalThis.harmed=1;alert(1)"><script>globalThis.harmed=1</script>';
const encoded = encodeURIComponent(HARM);

const ADDRESSES = [
  `/#/${HARM}`,
  `/#/${encoded}`,
  `/#/lessons/${encoded}`,
  '/#/lessons/__proto__',
  '/#/lessons/constructor',
  '/#/lessons/../../lab/usage',
  `/#/course/${encoded}`,
  '/#/course/99999999999999999999',
  `/#/paper/${encoded}`,
  `/#/reports/${encoded}`,
  '/#/reports/..%2f..%2f..%2fetc%2fpasswd',
  '/#/__proto__',
  '/#/toString',
  '/#/%E0%A4%A',
  '/#javascript:alert(1)',
  `/#/race?rate=${encoded}&payload=1e99&seed=NaN&arrivals=${encoded}&lanes=__proto__&room=${encoded}`,
  '/#/race?rate=-1&duration_s=1e308&interval_ms=0&rtt_ms=Infinity&cookie=1e9&background=1e9',
  `/#/race?__proto__[harmed]=1&constructor.prototype.harmed=1&${encoded}=${encoded}`,
  `/#/race?sse.idle=${encoded}&${encoded}.idle=1&run.heartbeat=-1&__proto__.idle=2000&sse.__proto__=1&websocket.block=${encoded}`,
  `/?${encoded}#/race`,
];

export default async function hostile(browser, lab) {
  for (const address of ADDRESSES) {
    const { tab, complaints, close } = await openTab(browser, lab.url, address);
    await unharmed(tab, complaints, address);
    await close();
  }
  await events(browser, lab);
  await session(browser, lab);
  await cookies(browser, lab);
}

async function unharmed(tab, complaints, where) {
  // Time for a script to run, then for the screen to be there on a busy machine.
  await tab.waitForTimeout(200);
  await tab.locator('main section:not([hidden]) h1').first().waitFor({ timeout: 10_000 }).catch(() => {});
  const state = await tab.evaluate(() => ({
    harmed: globalThis.harmed ?? ({}).harmed ?? null,
    images: document.querySelectorAll('img[src="x"], [onerror], main script').length,
    screen: document.querySelector('main section:not([hidden])')?.innerText.trim().length ?? 0,
    heading: document.querySelectorAll('main section:not([hidden]) h1').length,
  }));
  assert.equal(state.harmed, null, `${where}: a script ran`);
  assert.equal(state.images, 0, `${where}: an element came of it`);
  assert.ok(state.screen > 0 && state.heading === 1, `${where}: no screen is shown`);
  assert.deepEqual(complaints, [], where);
}

/** Events of any data and type come into the room from outside while the lanes run. */
async function events(browser, lab) {
  const { tab, complaints, close } = await openTab(browser, lab.url, '/#/race');
  await ready(tab);
  const running = run(tab, { rate: 5, arrivals: 'constant', duration_s: 4, rtt_ms: 0, interval_ms: 200 });
  await tab.waitForTimeout(1500);
  const room = await tab.evaluate(async () => (await import('/page/main.js')).lab.info.room);
  const bodies = [
    { type: HARM.slice(0, 64), data: HARM },
    { type: 'tick', data: { __proto__: { harmed: 1 }, id: HARM, type: HARM } },
    { type: 'tick', data: '\u2028\u2029\u0000\uFEFF峡谷\u202E</script>' },
    { type: 'tick', data: 'data: x\n\nid: 999\n\nevent: hello\n\n' },
    { type: 'tick', data: [[[[[[[[]]]]]]]] },
  ];
  for (const body of bodies) {
    const answer = await fetch(new URL(`/rooms/${room}/events`, lab.url), {
      method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify(body),
    });
    assert.ok(answer.status === 201 || answer.status === 400, `${answer.status} ${await answer.text()}`);
  }
  const recording = await running;
  for (const [kind, lane] of Object.entries(recording.lanes)) {
    assert.deepEqual([kind, lane.lost, lane.duplicated], [kind, 0, 0]);
  }
  await unharmed(tab, complaints, 'hostile events, race');
  for (const screen of ['wire', 'lessons', 'race']) {
    await tab.evaluate(screen => { location.hash = `#/${screen}`; }, screen);
    await tab.waitForTimeout(500);
    await unharmed(tab, complaints, `hostile events, ${screen}`);
  }
  await close();
}

/** What the page's session refuses it says, and the page works on. */
async function session(browser, lab) {
  const { tab, complaints, close } = await openTab(browser, lab.url, '/#/race');
  await ready(tab);
  await tab.evaluate(async harm => {
    const { lab } = await import('/page/main.js');
    const refused = [];
    lab.addEventListener('refused', ({ detail }) => refused.push(detail));
    lab.send({ do: harm });
    lab.send({ do: 'publish', rate: 1e9, arrivals: 'poisson', payload: 1e9, seed: 1, duration_s: 1e9 });
    lab.send({ do: 'lane', lane: harm, rtt_ms: -1 });
    lab.send({ do: 'generate', scenario: '../../../etc/passwd' });
    lab.send({ do: 'generate', scenario: harm });
    await new Promise(done => setTimeout(done, 500));
    if (refused.length !== 5) throw new Error(`${refused.length} of 5 were refused`);
  }, HARM);
  await unharmed(tab, complaints, 'refused commands');
  const recording = await run(tab, { rate: 10, arrivals: 'constant', duration_s: 1, rtt_ms: 0, interval_ms: 200 });
  assert.equal(recording.lanes.websocket.delivered, 10);
  await close();
}

/** Cookies know no ports: another program's go out on the lanes, and are neither shown nor kept nor counted. */
async function cookies(browser, lab) {
  const { tab, complaints, close } = await openTab(browser, lab.url, '/#/race');
  await ready(tab);
  const { hostname: domain } = new URL(lab.url);
  await tab.context().addCookies([{ name: 'sid', value: 'tOpSeCrEt', domain, path: '/', httpOnly: true }]);
  const recording = await run(tab, { rate: 5, arrivals: 'constant', duration_s: 1, rtt_ms: 0, interval_ms: 200, cookie: 100 });
  assert.match(recording.bytesVoid ?? '', /cookies of another program/);
  const heads = await tab.evaluate(async () => {
    const { lab } = await import('/page/main.js');
    const { toJson } = await import('/page/export.js');
    return JSON.parse(toJson(lab.recording, null)).lanes;
  });
  for (const [kind, { connections }] of Object.entries(heads)) {
    const up = connections.map(one => atob(one.up.base64)).join('');
    assert.match(up, /Cookie: [^\r]*sid=\*{9}/i, kind);
    assert.match(up, /pad=x{96}/, kind);
    assert.doesNotMatch(up, /tOpSeCrEt/, kind);
  }
  assert.deepEqual(complaints, []);
  await close();
}

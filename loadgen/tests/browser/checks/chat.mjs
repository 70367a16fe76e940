// The chat room with people in it: six transports in one talk, a change of transport in the middle of it, a
// server that is stopped and started again, lines that are refused, names and lines that mean harm, and
// what stands where one left off.

import assert from 'node:assert/strict';
import { openTab } from '../browser.mjs';
import { come, here, lines, live, say, serve, take, texts, unforeseen, until } from '../chat.mjs';
import { run } from '../page.mjs';

const TRANSPORTS = ['interval-polling', 'long-polling', 'http-streaming', 'sse', 'websocket', 'socketio'];
const HARM = '<img src=x onerror="globalThis.harmed=1;alert(1)"><script>globalThis.harmed=1</script>';

export default async function chat(browser, lab) {
  const server = await serve(lab);
  try {
    for (const part of [talk, change, refused, harm, unread, many, roomsAndLeaving, lanes, phone, crowd]) {
      const began = performance.now();
      await part(browser, server.url);
      console.log(`chat, ${part.name}: ok (${((performance.now() - began) / 1000).toFixed(1)} s)`);
    }
  } finally {
    await server.stop();
  }
  for (const part of [restart, stranger, withoutLab]) {
    const began = performance.now();
    await part(browser, lab);
    console.log(`chat, ${part.name}: ok (${((performance.now() - began) / 1000).toFixed(1)} s)`);
  }
}

/** Everybody comes over another transport; all read the same lines in the same order, once. */
async function talk(browser, url) {
  const people = [];
  for (const over of TRANSPORTS) people.push(await come(browser, url, { name: `瑶 ${over}`, room: '峡谷', over }));
  const names = people.map(({ name }) => name).toSorted();
  for (const { tab, name } of people) {
    await until(async () => (await here(tab)).toSorted(), names, `who is here, on ${name}`);
    assert.equal((await here(tab))[0], name, 'oneself first');
  }
  for (const { tab, name } of people) {
    await say(tab, `${name} speaks`);
    await until(() => tab.locator('#pending .line').count(), 0, 'the line came back');
  }
  const wanted = people.map(({ name }) => [name, `${name} speaks`]);
  for (const { tab, name } of people) {
    await until(() => lines(tab), wanted, `all lines, on ${name}`);
    assert.deepEqual(await tab.locator('#log .line.own .text').allTextContents(), [`${name} speaks`], 'own lines are marked');
  }
  await people[0].close();
  await until(async () => (await here(people[1].tab)).toSorted(), names.filter((name) => name !== people[0].name), 'one has left', 60_000);
  for (const { complaints } of people) assert.deepEqual(unforeseen(complaints), []);
  for (const { close } of people.slice(1)) await close();
}

/** One speaks without a pause while both go through all transports. */
async function change(browser, url) {
  const speaker = await come(browser, url, { name: 'speaker', room: 'change' });
  const reader = await come(browser, url, { name: 'reader', room: 'change' });
  const wanted = [];
  for (let round = 0; round < 3; round += 1) {
    for (const [at, over] of TRANSPORTS.entries()) {
      for (let n = 0; n < 3; n += 1) {
        wanted.push(`line ${wanted.length}`);
        await say(speaker.tab, wanted.at(-1));
      }
      await take(reader.tab, over);
      await take(speaker.tab, TRANSPORTS[(at + 2 + round) % TRANSPORTS.length]);
    }
  }
  for (const { tab, name, complaints } of [speaker, reader]) {
    await until(() => texts(tab), wanted, `every line once and in order, at the ${name}’s`);
    assert.deepEqual(unforeseen(complaints), []);
  }
  await speaker.close();
  await reader.close();
}

/** Stopped and started again on its port with its keys; meanwhile both type. */
async function restart(browser, lab) {
  let server = await serve(lab);
  const { url, port } = server;
  const people = [
    await come(browser, url, { name: '亚瑟', over: 'websocket' }),
    await come(browser, url, { name: '妲己', over: 'sse' }),
    await come(browser, url, { name: '后羿', over: 'long-polling' }),
    await come(browser, url, { name: '瑶', over: 'socketio' }),
  ];
  const wanted = [];
  for (const { tab, name } of people) {
    await say(tab, `${name} before`);
    wanted.push(`${name} before`);
    await until(() => texts(people[0].tab), wanted, 'before');
  }
  // These go out while the server goes down: before, after, or half.
  for (const { tab, name } of people) {
    await say(tab, `${name} in the middle`);
    wanted.push(`${name} in the middle`);
  }
  assert.equal(await server.stop(), 0, 'SIGTERM ends in order');
  for (const { tab, name } of people) {
    for (const n of [1, 2]) {
      await say(tab, `${name} away ${n}`);
      wanted.push(`${name} away ${n}`);
    }
    await until(async () => (await tab.locator('#pending .why').last().textContent()).trim().startsWith('Waits for the connection'), true, 'what is typed now waits');
  }
  for (const { tab } of people) {
    await tab.waitForFunction(() => /reconnecting in \d+ s \(try \d+\)/.test(document.getElementById('state').innerText), null, { timeout: 20_000 });
  }
  await new Promise((done) => setTimeout(done, 2000));
  server = await serve(lab, { on: port });
  await people[0].tab.locator('#now').click({ timeout: 2000 }).catch(() => {});
  const names = people.map(({ name }) => name).toSorted();
  for (const { tab, name } of people) {
    await until(async () => (await texts(tab)).toSorted(), wanted.toSorted(), `each line once, at ${name}’s`, 40_000);
    for (const other of people) {
      const own = (await texts(tab)).filter((text) => text.startsWith(other.name));
      assert.deepEqual(own, wanted.filter((text) => text.startsWith(other.name)), `${other.name}’s lines in their order, at ${name}’s`);
    }
    assert.equal(await tab.locator('.grave', { hasText: 'The server was restarted: earlier history is gone' }).count(), 1, 'it is said, once');
    await until(async () => (await here(tab)).toSorted(), names, `who is here, at ${name}’s`);
    assert.equal(await tab.locator('#pending .line').count(), 0);
    assert.equal(await tab.locator('#my-name').textContent(), name, 'the cookie still holds');
  }
  await say(people[2].tab, 'after');
  for (const { tab } of people) await until(async () => (await texts(tab)).at(-1), 'after', 'it goes on');
  for (const { close } of people) await close();
  await server.stop();
}

/** A server with other keys knows nobody: the page says so, and what was typed is sent under the new name. */
async function stranger(browser, lab) {
  let server = await serve(lab);
  const { url, port } = server;
  const people = [];
  for (const over of TRANSPORTS) people.push(await come(browser, url, { name: `old ${over}`, over }));
  await server.stop();
  for (const { tab, over } of people) await say(tab, `typed, ${over}`);
  server = await serve(lab, { on: port, keys: 'other keys than those that signed the cookies' });
  for (const { tab, name } of people) {
    await tab.locator('#door').waitFor();
    assert.match(await tab.locator('#door-why').textContent(), /does not know you any more/);
    assert.equal(await tab.locator('#name').inputValue(), name);
    await tab.getByRole('button', { name: 'Enter' }).click();
  }
  const wanted = TRANSPORTS.map((over) => `typed, ${over}`).toSorted();
  for (const { tab, name } of people) {
    await until(async () => (await texts(tab)).toSorted(), wanted, `each line once, at ${name}’s`);
    assert.deepEqual(await tab.locator('#log .line.own .text').allTextContents(), [`typed, ${name.slice(4)}`]);
    await until(async () => (await here(tab)).toSorted(), people.map((one) => one.name).toSorted(), 'who is here');
  }
  for (const { close } of people) await close();
  await server.stop();
}

/** A line that the server does not take stands there with the reason, and holds up nobody. */
async function refused(browser, url) {
  const { tab, close } = await come(browser, url, { name: 'long', room: 'refused' });
  for (const over of ['websocket', 'sse', 'socketio']) {
    await take(tab, over);
    await live(tab, over);
    await say(tab, '长'.repeat(30_000));
    await say(tab, `short, over ${over}`);
    await until(async () => (await texts(tab)).at(-1), `short, over ${over}`, 'the next line is not held up');
    const why = tab.locator('#pending [data-line="refused"] .why');
    assert.match(await why.textContent(), /too long/);
    await why.getByRole('button', { name: 'Retry' }).click();
    await why.getByRole('button', { name: 'Discard' }).click();
    assert.equal(await tab.locator('#pending .line').count(), 0);
  }
  await close();
}

/** Names, lines, types and rooms of strangers are text. */
async function harm(browser, url) {
  const reader = await come(browser, url, { name: 'reader', room: HARM.slice(0, 60) });
  const writer = await come(browser, url, { name: '</b><script>x</script>', room: HARM.slice(0, 60), over: 'long-polling' });
  await say(writer.tab, HARM);
  await say(writer.tab, 'zero\u0000 \u202Eright to left\u2028 {"type":"hello"} __proto__');
  const path = `/rooms/${encodeURIComponent(HARM.slice(0, 60))}/events`;
  for (const body of [
    { type: 'chat', data: HARM },
    { type: 'chat', data: { text: HARM, nonce: HARM, sent: '__proto__', user: { name: HARM } } },
    { type: 'chat', data: { text: { toString: HARM }, sent: 1e300 } },
    { type: 'chat', data: [[[[null]]]] },
    { type: HARM.slice(0, 64), data: HARM },
  ]) {
    const answer = await fetch(new URL(path, url), { method: 'POST', body: JSON.stringify(body), headers: { 'content-type': 'application/json' } });
    assert.equal(answer.status, 201, await answer.text());
  }
  await until(async () => (await texts(reader.tab)).length, 6, 'all came');
  await until(() => reader.tab.locator('#log .said', { hasText: 'An event of the type' }).count(), 1, 'other types are told');
  for (const { tab, complaints } of [reader, writer]) {
    const state = await tab.evaluate(() => ({
      harmed: globalThis.harmed ?? ({}).harmed ?? null,
      elements: document.querySelectorAll('img, #view script, #view b, [onerror]').length,
    }));
    assert.deepEqual(state, { harmed: null, elements: 0 });
    assert.deepEqual(unforeseen(complaints), []);
  }
  await writer.close();
  await reader.close();
}

/** Headless chromium hides no tab, so what a hidden one is told is told here. */
async function unread(browser, url) {
  const reader = await come(browser, url, { name: 'reader', room: 'unread' });
  const writer = await come(browser, url, { name: 'writer', room: 'unread', over: 'http-streaming' });
  await say(writer.tab, 'read');
  await until(() => texts(reader.tab), ['read'], 'one line');
  await hide(reader.tab, true);
  await say(writer.tab, 'unread 1');
  await say(writer.tab, 'unread 2');
  await until(() => reader.tab.title(), '(2) unread · Chat · pushlab', 'the title counts');
  const after = () => reader.tab.evaluate(() => {
    const marks = document.querySelectorAll('#log .new');
    return [marks.length, marks[0]?.nextElementSibling?.querySelector('.text').textContent];
  });
  await until(after, [1, 'unread 1'], 'the mark stands where one left off');
  await hide(reader.tab, false);
  await until(() => reader.tab.title(), 'unread · Chat · pushlab', 'somebody looks');
  // Another room and back: what was said meanwhile is new.
  await reader.tab.waitForTimeout(500);
  await reader.tab.locator('#other').fill('elsewhere');
  await reader.tab.getByRole('button', { name: 'Go' }).click();
  await until(() => reader.tab.locator('#room-name').textContent(), 'elsewhere', 'another room');
  await say(writer.tab, 'unread 3');
  await until(async () => (await texts(writer.tab)).at(-1), 'unread 3', 'said');
  await reader.tab.locator('#rooms a', { hasText: 'unread' }).click();
  await until(after, [1, 'unread 3'], 'the mark stands where one left the room');
  await writer.close();
  await reader.close();
}

const hide = (tab, hidden) => tab.evaluate((hidden) => {
  Object.defineProperty(document, 'hidden', { get: () => hidden, configurable: true });
  document.dispatchEvent(new Event('visibilitychange'));
}, hidden);

/** A long history is read to its end on every transport, and the page keeps the last lines. */
async function many(browser, url) {
  const all = 2600;
  const publish = (n) => fetch(new URL('/rooms/many/events', url), {
    method: 'POST', body: JSON.stringify({ type: 'chat', data: `line ${n}` }), headers: { 'content-type': 'application/json' },
  });
  for (let n = 0; n < all; n += 20) await Promise.all(Array.from({ length: 20 }, (_, one) => publish(n + one)));
  for (const over of ['websocket', 'long-polling', 'socketio']) {
    const { tab, close, complaints } = await come(browser, url, { name: 'late', room: 'many', over });
    await say(tab, `and mine, over ${over}`);
    await until(async () => (await texts(tab)).at(-1), `and mine, over ${over}`, 'the end');
    const kept = await tab.evaluate(() => [document.querySelectorAll('#log > *').length, document.querySelector('#log > p').textContent]);
    assert.deepEqual(kept, [2001, 'This page keeps the last 2,000 lines; older ones are no longer shown.']);
    assert.deepEqual(unforeseen(complaints), []);
    await close();
  }
}

/** KPL first, the others remembered, a reload that knows who one is, and a door that is closed behind one. */
async function roomsAndLeaving(browser, url) {
  const { tab, close, complaints } = await come(browser, url, { name: '  云缨  ', room: 'KPL' });
  await tab.locator('#other').fill('峡'.repeat(22));
  await tab.getByRole('button', { name: 'Go' }).click();
  assert.match(await tab.locator('#go-why').textContent(), /at most 64 bytes.*has 66/);
  await tab.locator('#other').fill('峡谷');
  await tab.getByRole('button', { name: 'Go' }).click();
  await until(() => tab.locator('#room-name').textContent(), '峡谷', 'another room');
  assert.match(tab.url(), /#\/%E5%B3%A1%E8%B0%B7$/);
  await tab.reload();
  await live(tab, 'websocket');
  assert.equal(await tab.locator('#my-name').textContent(), '云缨');
  assert.deepEqual((await tab.locator('#rooms a').allTextContents()).slice(0, 2), ['KPL', '峡谷']);
  await tab.goBack();
  await until(() => tab.locator('#room-name').textContent(), 'KPL', 'the way back');
  await tab.getByRole('button', { name: 'Leave the chat' }).click();
  await tab.locator('#door').waitFor();
  assert.equal(await tab.locator('#name').inputValue(), '云缨', 'the name for next time');
  const session = await tab.evaluate(async () => (await fetch('/session')).status);
  assert.equal(session, 204);
  assert.deepEqual(unforeseen(complaints), []);
  await close();
}

/** The chat's cookie goes to the lab's lanes as well; the lab says so, and how to be rid of it. */
async function lanes(browser, url) {
  const { tab, close, complaints } = await come(browser, url, { name: 'racer' });
  await tab.getByRole('link', { name: 'Lab', exact: true }).click();
  const short = { rate: 5, arrivals: 'constant', duration_s: 1, rtt_ms: 0, interval_ms: 200 };
  assert.match((await run(tab, short)).bytesVoid, /cookie of this server’s chat room/);
  await tab.locator('#chat-cookie').getByRole('button', { name: 'Leave the chat' }).click();
  await tab.locator('#chat-cookie').waitFor({ state: 'hidden' });
  assert.equal(await tab.evaluate(async () => (await fetch('/session')).status), 204);
  assert.equal((await run(tab, short)).bytesVoid, null);
  assert.deepEqual(unforeseen(complaints), []);
  await close();
}

/** On a phone rooms and members are drawers: what opened one closes it, and so does the talk beside it. */
async function phone(browser, url) {
  for (const width of [320, 390, 700]) {
    const { tab, close, complaints } = await come(browser, url, { name: '云缨', room: 'phone', width, height: 780, hasTouch: true, isMobile: true });
    for (const [button, panel] of [['#show-rooms', '#rooms-panel'], ['#show-members', '#members-panel']]) {
      const isOpen = async () => [await tab.locator(panel).isVisible(), await tab.locator(button).getAttribute('aria-expanded')];
      const focused = () => tab.evaluate(() => `#${document.activeElement.id}`);
      // A tap that something else lies over fails.
      const tap = () => tab.locator(button).tap({ timeout: 5000 });
      await tap();
      assert.deepEqual(await isOpen(), [true, 'true'], `${button} at ${width}`);
      await tap();
      assert.deepEqual([await isOpen(), await focused()], [[false, 'false'], button], `${button} again, at ${width}`);
      await tap();
      const box = await tab.locator('#scroll').boundingBox();
      const right = button === '#show-rooms';
      await tab.touchscreen.tap(right ? box.x + box.width - 4 : box.x + 4, box.y + box.height - 4);
      assert.deepEqual(await isOpen(), [false, 'false'], `the talk beside ${panel}, at ${width}`);
    }
    assert.deepEqual(unforeseen(complaints), []);
    await close();
  }
}

/** Where the lab is off nothing leads to it, and who asks for it is in the chat. */
async function withoutLab(browser, lab) {
  const server = await serve(lab, { flags: ['--lab', 'off'] });
  const { tab, close, complaints } = await openTab(browser, server.url, '/');
  assert.equal(new URL(tab.url()).pathname, '/chat');
  await tab.locator('#door').waitFor();
  await tab.locator('#to-lab').waitFor({ state: 'hidden' });
  assert.equal(await tab.locator('#brand').getAttribute('href'), '/chat');
  assert.deepEqual(unforeseen(complaints), []);
  await close();
  await server.stop();
}

/** HTTP/1.1 gives a browser six connections to a server: five tabs that hold one are told, six are stuck. */
async function crowd(browser, url) {
  const first = await come(browser, url, { name: 'six tabs', room: 'crowd', over: 'sse' });
  const tabs = [first.tab];
  const more = async () => {
    const tab = await first.tab.context().newPage();
    await tab.goto(first.tab.url());
    await tab.locator('#room').waitFor();
    await take(tab, 'sse');
    await tab.waitForFunction(() => document.getElementById('state').dataset.state === 'live');
    tabs.push(tab);
  };
  while (tabs.length < 5) await more();
  const told = (tab) => tab.locator('#crowd:visible').count().then((shown) => (shown ? tab.locator('#crowd').textContent() : ''));
  for (const tab of tabs) await until(async () => /With one tab more.*hold 5 of them/.test(await told(tab)), true, 'five are tight');
  await say(tabs[0], 'there is one left');
  await until(() => texts(tabs[4]), ['there is one left'], 'it goes');
  await more();
  for (const tab of tabs) await until(async () => /Lines have to wait.*hold 6 of them/.test(await told(tab)), true, 'six are a crowd');
  await say(tabs[0], 'this one waits');
  await until(() => tabs[0].locator('#pending .why').innerText().then((words) => /no answer for 8 s/.test(words)), true, 'no connection is left');
  await take(tabs[5], 'websocket');
  for (const tab of tabs) await until(async () => (await texts(tab)).at(-1), 'this one waits', 'one tab on WebSocket sets it free', 40_000);
  for (const tab of tabs) assert.deepEqual((await texts(tab)).filter((text) => text === 'this one waits').length, 1);
  await first.close();
}

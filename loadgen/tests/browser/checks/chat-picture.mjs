// Not a check: makes the README's picture of the chat room, into LAB_OUT. Four people on four transports,
// and one of them over a phone's width beside it.

import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { come, here, live, say, serve, take, texts, until } from '../chat.mjs';

const TALK = [
  [0, 'Dragon in thirty seconds. Who is coming?'],
  [1, 'On my way, over the middle lane.'],
  [2, '我也来，等我。'],
  [3, 'I ask once a second whether it has begun. It has not.'],
  [0, 'You poll, 后羿. We know.'],
];

export default async function picture(browser, lab) {
  await mkdir(lab.out, { recursive: true });
  const server = await serve(lab);
  try {
    const people = [
      await come(browser, server.url, { name: '瑶', over: 'websocket', width: 1080, height: 620 }),
      await come(browser, server.url, { name: 'Arthur', over: 'sse' }),
      await come(browser, server.url, { name: '妲己', over: 'long-polling' }),
      await come(browser, server.url, { name: '后羿', over: 'interval-polling' }),
    ];
    const { tab } = people[0];
    for (const [who, text] of TALK) {
      await say(people[who].tab, text);
      await until(async () => (await texts(tab)).at(-1), text, 'said');
    }
    await until(async () => (await here(tab)).length, people.length, 'all are here');
    await take(tab, 'http-streaming');
    await live(tab, 'http-streaming');
    await tab.waitForTimeout(500);
    await tab.screenshot({ path: join(lab.out, 'chat.png') });
    for (const { close } of people) await close();
  } finally {
    await server.stop();
  }
}

// A byte is a byte: the kinds that the page cuts a run into add up to the meter of this session, the
// meter to what /lab/usage grew by, and each event costs what loadgen measures for the same event.
//
// loadgen sends lean heads, so it is given the browser's: `headers = { request, response }` with the
// bytes that this browser's heads really had. A cursor grows with the digits of an offset; where it
// matters only events 10 to 99 are compared. An event has 64 bytes of data in both.

import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { openTab } from '../browser.mjs';
import { ready, run, usage } from '../page.mjs';

const RUN = { rate: 10, arrivals: 'constant', payload: 64, duration_s: 11, interval_ms: 250, rtt_ms: 0, cookie: 400 };
const SLOW = { ...RUN, rate: 1, duration_s: 6 };
/** Socket.IO names the room with each event; this is loadgen's only one. */
const ROOM = 'room-0';

export default async function bytes(browser, lab) {
  const { tab, complaints, close } = await openTab(browser, lab.url, '/#/race');
  await ready(tab);
  const before = await usage(lab);
  const busy = await run(tab, RUN);
  await theScreenShows(tab, busy);
  const costs = await tab.evaluate(costsPerEvent, ROOM);
  const slow = await run(tab, SLOW, ['interval-polling']);
  const after = await usage(lab);
  assert.deepEqual(complaints, []);
  await close();
  for (const recording of [busy, slow]) {
    assert.deepEqual([recording.void, recording.bytesVoid], [null, null]);
  }
  kindsAreTheMeter(busy);
  kindsAreTheMeter(slow);
  metersAreTheUsage(before, after, [busy, slow]);
  await loadgenAgrees(lab, costs);
}

function kindsAreTheMeter({ lanes }) {
  for (const [kind, { byKind, meter, delivered, expected }] of Object.entries(lanes)) {
    assert.ok(delivered > 0 && delivered === expected, `${kind}: ${delivered} of ${expected}`);
    const sum = direction => Object.values(byKind).reduce((total, bytes) => total + bytes[direction], 0);
    assert.deepEqual({ kind, up: sum('up'), down: sum('down') }, { kind, up: meter.rx, down: meter.tx });
    console.log(`bytes, ${kind}: kinds ${sum('up')} up, ${sum('down')} down; meter ${meter.rx}, ${meter.tx}`);
  }
}

/** The race's lists of figures, which round from 10 kB on. */
async function theScreenShows(tab, { lanes }) {
  // Figures follow the run's end within a frame or two.
  await tab.waitForTimeout(1500);
  const shown = await tab.locator('article.lane').evaluateAll(articles => articles.map(article => Object.fromEntries(
    [...article.querySelectorAll('dt')].map(name => [name.textContent.trim(), name.nextElementSibling.textContent.trim()]))));
  const count = text => {
    const [, number, unit] = /^([\d,.]+) (B|kB|MB)$/.exec(text) ?? assert.fail(`not bytes: ${text}`);
    return { bytes: Number(number.replaceAll(',', '')) * { B: 1, kB: 1e3, MB: 1e6 }[unit], within: { B: 0, kB: 50, MB: 50_000 }[unit] };
  };
  for (const [at, [kind, { meter }]] of Object.entries(lanes).entries()) {
    for (const [words, metered] of [['bytes up', meter.rx], ['bytes down', meter.tx]]) {
      const { bytes, within } = count(shown[at][words]);
      assert.ok(Math.abs(bytes - metered) <= within, `${kind}: the screen says ${shown[at][words]} ${words}, the meter ${metered}`);
    }
  }
}

/** Nobody but this page uses the transports of this server. */
function metersAreTheUsage(before, after, recordings) {
  for (const kind of Object.keys(recordings[0].lanes)) {
    const grew = what => after.transports[kind][what] - (before.transports[kind]?.[what] ?? 0);
    const meters = recordings.map(({ lanes }) => lanes[kind]?.meter).filter(Boolean);
    const sum = what => meters.reduce((total, meter) => total + meter[what], 0);
    assert.deepEqual({ kind, rx: grew('rx'), tx: grew('tx') }, { kind, rx: sum('rx'), tx: sum('tx') });
  }
}

/** In the tab: heads, and what an exchange or message with events 10 to 99 cost, by its events; were the room
 *  called as loadgen's is. */
async function costsPerEvent(room) {
  const { lab } = await import('/page/main.js');
  const costs = {};
  const longer = new TextEncoder().encode(lab.info.room).length - room.length;
  for (const [kind, lane] of Object.entries(lab.recording.lanes)) {
    const named = kind === 'socketio' ? longer : 0;
    const of = costs[kind] = { heads: [], cost: {} };
    const note = (events, bytes) => { of.cost[events] = [...new Set([...of.cost[events] ?? [], bytes])]; };
    for (const { dissector } of lane.connections.values()) {
      for (const exchange of dissector.exchanges) {
        const all = exchange.events.length > 0 && exchange.events.every(offset => offset > 11 && offset < 100);
        if (all && kind.endsWith('polling')) note(exchange.events.length, exchange.up + exchange.down);
      }
      for (const message of dissector.messages) {
        if (message.what === 'event' && message.offset > 11 && message.offset < 100) note(1, message.bytes - named);
      }
      const heads = dissector.runs.filter(run => ['request-head', 'answer-head'].includes(run.part));
      of.heads.push(...heads.map(run => ({ direction: run.direction, bytes: run.to - run.from, at: run.at })));
    }
  }
  return costs;
}

async function loadgenAgrees(lab, costs) {
  const heads = kind => ['up', 'down'].map(direction => most(costs[kind].heads
    .filter(head => head.direction === direction)
    .map(head => head.bytes)));
  const kinds = ['http-streaming', 'sse', 'websocket', 'socketio', 'long-polling'];
  let busy;
  for (let tries = 1; tries <= 3; tries += 1) {
    busy = await measure(lab, {
      'interval-polling': heads('interval-polling'),
      'long-polling': heads('long-polling'),
      'http-streaming': null,
      sse: null,
      websocket: null,
      socketio: null,
    });
    // On a busy machine an event is counted within loadgen's window whose bytes were read before it.
    if (kinds.every(kind => costs[kind].cost[1].includes(busy[kind].bytes.per_delivery))) break;
    console.log(`bytes: an event lay on the edge of loadgen's window (try ${tries})`);
  }
  for (const kind of kinds) {
    assert.deepEqual({ kind, cost: costs[kind].cost[1] }, { kind, cost: [busy[kind].bytes.per_delivery] });
  }
  const batch = Math.max(...Object.keys(costs['interval-polling'].cost));
  const { most: dearest } = busy['interval-polling'].bytes.exchanges.with_event_bytes;
  assert.deepEqual(costs['interval-polling'].cost[batch], [dearest], `a poll with ${batch} events`);
  for (const [kind, { cost }] of Object.entries(costs)) {
    console.log(`bytes, ${kind}: bytes by events in one answer ${JSON.stringify(cost)}, as loadgen measures`);
  }
}

/** The value that is there most often. */
function most(values) {
  const counts = new Map();
  for (const value of values) counts.set(value, (counts.get(value) ?? 0) + 1);
  return [...counts].toSorted(([, one], [, other]) => other - one)[0][0];
}

/** loadgen's trials by transport, at the run's parameters; `heads` = [request, response] or null. */
async function measure(lab, heads) {
  const folder = await mkdtemp(join(tmpdir(), 'pushlab-bytes-'));
  const transports = Object.entries(heads).map(([kind, sizes]) => [
    '[[transports]]',
    `kind = "${kind}"`,
    kind === 'interval-polling' ? `interval = "${RUN.interval_ms}ms"` : '',
    sizes ? `headers = { request = ${sizes[0]}, response = ${sizes[1]} }` : '',
  ].join('\n'));
  await writeFile(join(folder, 'bytes.toml'), `name = "bytes"
seed = 7
[load]
clients = 1
rooms = 1
warm_up = "1s"
duration = "5s"
repeats = 1
[publish]
rate = "${RUN.rate}/s"
arrivals = "constant"
payload = "${RUN.payload}B"
by = "publisher"
${transports.join('\n')}
`);
  const out = join(folder, 'out');
  try {
    await promisify(execFile)(lab.loadgen, ['run', join(folder, 'bytes.toml'), '--out', out]);
  } catch (error) {
    // 96: the machine was too busy to measure time. Bytes are what they are.
    if (error.code !== 96) throw error;
  }
  const results = JSON.parse(await readFile(join(out, 'results.json'), 'utf8'));
  await rm(folder, { recursive: true });
  return Object.fromEntries(results.trials.map(trial => [trial.transport, trial]));
}

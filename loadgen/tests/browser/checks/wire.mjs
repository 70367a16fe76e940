// The wire view shows what went over the wire: the bytes of every lane connection, as the page has them
// from the server's meter, against what a SOCKS proxy carried for this browser and, where tcpdump may
// capture, against a packet capture of loopback. Three witnesses, not one of whom knows another.

import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { launch, openTab } from '../browser.mjs';
import { start as capture } from '../capture.mjs';
import { ready } from '../page.mjs';
import { record } from '../recorder.mjs';

/** What a session of Socket.IO consists of, from its first poll to the events on its WebSocket. */
const PACKETS = ['eio-type', 'eio-open', 'eio-data', 'sio-type', 'sio-ack', 'sio-data', 'sio-name', 'sio-more', 'payload', 'ws-bits'];

const RUN = { rate: 10, arrivals: 'poisson', duration_s: 4, rtt_ms: 20, interval_ms: 250, payload: 200, cookie: 300 };

export default async function wire(_, lab) {
  const recorder = await record();
  const captured = await capture();
  if (!captured) console.log('wire: tcpdump is not there or may not capture; the proxy alone is witness');
  const browser = await launch({ proxy: { server: recorder.address, bypass: '<-loopback>' } });
  try {
    const { tab, complaints, close } = await openTab(browser, lab.url, '/#/wire');
    await ready(tab);
    const page = await tab.evaluate(bytesOfRun, RUN);
    await close();
    assert.deepEqual(complaints, []);
    // What was on its way has come.
    await new Promise(done => setTimeout(done, 300));
    const packets = await captured?.stop();
    for (const [kind, lane] of Object.entries(page)) {
      const shown = lane.connections.map(digest).toSorted();
      assert.ok(shown.length > 0, `${kind}: no connection`);
      assert.deepEqual(shown, recorder.to(lane.port).map(digest).toSorted(), `${kind}: the proxy saw others`);
      if (packets) {
        const those = packets.filter(one => one.server === lane.port && one.up.length + one.down.length > 0);
        assert.deepEqual(shown, those.map(digest).toSorted(), `${kind}: tcpdump saw others`);
      }
      assert.deepEqual(lane.holes, [], `${kind}: spans that do not follow one another, or say nothing`);
      console.log(`wire, ${kind}: ${shown.join('; ')}${packets ? ' (proxy and tcpdump)' : ' (proxy)'}`);
    }
    assert.deepEqual(PACKETS.filter((part) => !page.socketio.parts.includes(part)), [], 'parts of Socket.IO that the page does not tell');
  } finally {
    await captured?.stop();
    await browser.close();
    recorder.close();
  }
}

/** In the tab: runs, and gives each lane's port and the bytes of its connections. */
async function bytesOfRun(parameters) {
  const { lab } = await import('/page/main.js');
  const recording = await lab.run(parameters);
  const text = bytes => Array.from(bytes, byte => byte.toString(16).padStart(2, '0')).join('');
  return Object.fromEntries(Object.entries(recording.lanes).map(([kind, lane]) => {
    const connections = [];
    const holes = [];
    const parts = new Set();
    for (const { dissector } of lane.connections.values()) {
      const whole = {};
      for (const direction of ['up', 'down']) {
        const log = dissector.log[direction];
        whole[direction] = text(log.slice(0, log.end));
        let at = 0;
        for (const span of dissector.spans.filter(span => span.direction === direction)) {
          if (span.from !== at) holes.push(`${direction} ${at} to ${span.from}`);
          if (span.part === 'unknown') holes.push(`${direction} ${span.from} is not understood`);
          parts.add(span.part);
          at = span.to;
        }
        if (at !== log.end) holes.push(`${direction} ${at} to the end, ${log.end}`);
      }
      if (whole.up.length + whole.down.length > 0) connections.push(whole);
    }
    return [kind, { port: lab.info.lanes[kind].port, connections, holes, parts: [...parts] }];
  }));
}

/** Lengths and a hash, short enough to be read in a failure. */
function digest({ up, down }) {
  const one = bytes => {
    const buffer = typeof bytes === 'string' ? Buffer.from(bytes, 'hex') : bytes;
    return `${buffer.length} B ${createHash('sha256').update(buffer).digest('hex').slice(0, 12)}`;
  };
  return `up ${one(up)}, down ${one(down)}`;
}

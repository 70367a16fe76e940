// Lessons that no ordinary run shows: a fallback, a heap of streams, events sent one by one. They use the
// page's own clients and the browser's own objects against the session's lanes, and clean up behind them.

import { subscribe as longPolling } from '../clients/long_polling.js';
import { subscribe as socketio } from '../clients/socketio.js';
import { subscribe as websocket } from '../clients/websocket.js';
import { pauseWithin } from '../hold.js';

/** Has the lab for `act(signal)`, as a part of what `within` holds or on its own. */
async function alone(lab, what, within, act) {
  const hold = lab.occupy(what, within);
  try {
    return await act(hold.signal);
  } finally {
    hold.release();
  }
}

/** A fresh room on lanes without trouble. */
async function fresh(lab, signal, lanes, rtt_ms = 0) {
  const before = lab.info;
  lab.send({ do: 'reset' });
  for (let waited = 0; lab.info === before; waited += 20) {
    if (waited > 5000) throw new Error('The lab did not give a fresh room within 5 s.');
    await pauseWithin(20, signal);
  }
  lab.send({ do: 'room', history: null, heartbeat_ms: null });
  for (const lane of lanes) {
    lab.send({ do: 'cut', lane });
    lab.send({ do: 'lane', lane, rtt_ms, trouble: {} });
  }
}

const place = (lab, lane) => ({ url: `http://${location.hostname}:${lab.info.lanes[lane].port}`, room: encodeURIComponent(lab.info.room) });

/** 'event' when the first one comes, 'lost' when the connection fails, 'late' when patience ends. */
function first(subscribe, options, patience, signal) {
  const stop = new AbortController();
  return new Promise((resolve, reject) => {
    const late = setTimeout(() => resolve('late'), patience);
    stop.signal.addEventListener('abort', () => clearTimeout(late));
    signal.addEventListener('abort', () => reject(signal.reason), { signal: stop.signal });
    subscribe({ ...options, signal: stop.signal, onEvent: () => resolve('event'), onState: state => { if (state === 'lost') resolve('lost'); } });
  }).finally(() => stop.abort());
}

/** Each way to a first event: its own lane, its client, and what the box does to upgrades on that lane. */
const WAYS = {
  swallowed: [['websocket', websocket, 'swallow'], ['long-polling', longPolling, null]],
  refused: [['websocket', websocket, 'refuse'], ['long-polling', longPolling, null]],
  pollingFirst: [['long-polling', longPolling, null]],
  socketio: [['socketio', socketio, 'swallow']],
};
const WAY_LANES = ['websocket', 'long-polling', 'socketio'];

/** How long until the first event, in ms, on each of the ways; who has another way waits `patience` for the first. */
export function fallback(lab, { rate, rtt_ms, duration_s, payload }, patience, within = null) {
  return alone(lab, 'a try of the fallback', within, async signal => {
    const seen = {};
    try {
      for (const [name, ways] of Object.entries(WAYS)) {
        await fresh(lab, signal, WAY_LANES, rtt_ms);
        for (const [lane, , block] of ways) if (block) lab.send({ do: 'lane', lane, rtt_ms, trouble: { block_upgrade: block } });
        lab.send({ do: 'publish', rate, arrivals: 'constant', payload, seed: 7, duration_s });
        await pauseWithin(300, signal);
        const began = performance.now();
        let came = null;
        for (const [at, [lane, subscribe]] of ways.entries()) {
          const isLast = at === ways.length - 1;
          came = await first(subscribe, { ...place(lab, lane), hold: 25 }, isLast ? 10_000 : patience, signal);
          if (came === 'event') break;
        }
        seen[name] = came === 'event' ? performance.now() - began : NaN;
        lab.send({ do: 'stop' });
      }
      await fresh(lab, signal, WAY_LANES);
      return seen;
    } finally {
      lab.send({ do: 'stop' });
    }
  });
}

/** The data of events as they came over the WebSocket lane; each is published by hand. */
export function received(lab, texts, within = null) {
  return alone(lab, 'events that are sent by hand', within, async signal => {
    await fresh(lab, signal, ['websocket']);
    const stop = new AbortController();
    const came = [];
    const whole = new Promise((resolve, reject) => {
      const late = setTimeout(() => reject(new Error(`${came.length} of ${texts.length} events came within 15 s.`)), 15_000);
      stop.signal.addEventListener('abort', () => clearTimeout(late));
      signal.addEventListener('abort', () => reject(signal.reason), { signal: stop.signal });
      websocket({
        ...place(lab, 'websocket'), signal: stop.signal,
        onEvent: event => { if (came.push(event.data) === texts.length) resolve(came); },
        onState: state => { if (state === 'open') for (const data of texts) lab.send({ do: 'event', data }); },
      });
    });
    return whole.finally(() => stop.abort());
  });
}

const opened = sources => sources.filter(source => source.readyState === EventSource.OPEN).length;

/** Seven EventSources on one port, a WebSocket beside them, and what happens when one stream ends. */
export function sevenStreams(lab, within = null) {
  return alone(lab, 'seven streams', within, async signal => {
    await fresh(lab, signal, ['sse']);
    await pauseWithin(300, signal);
    const { url, room } = place(lab, 'sse');
    const sources = Array.from({ length: 7 }, (_, which) => new EventSource(`${url}/rooms/${room}/sse?tab=${which}`, { withCredentials: true }));
    try {
      await pauseWithin(3000, signal);
      const open = opened(sources);
      const began = performance.now();
      const socket = new WebSocket(`${url.replace(/^http/, 'ws')}/rooms/${room}/ws`);
      const isOpen = await Promise.race([
        new Promise(resolve => { socket.onopen = () => resolve(true); socket.onerror = () => resolve(false); }),
        pauseWithin(3000, signal).then(() => false),
      ]).finally(() => socket.close());
      const socketMs = performance.now() - began;
      sources.find(source => source.readyState === EventSource.OPEN)?.close();
      await pauseWithin(1500, signal);
      return { asked: sources.length, open, socket: isOpen ? 1 : 0, socketMs, afterClosing: opened(sources) };
    } finally {
      for (const source of sources) source.close();
    }
  });
}

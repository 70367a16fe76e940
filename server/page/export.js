// A recording as a file: JSON with all of it, CSV with a row for each receipt or exchange, SVG with the
// ladders and the ribbon. Recording in, text out; nothing is rounded but in the picture.

import { paintLadder, LADDER_HEIGHT } from './draw/ladder.js';
import { SvgPainter, wrap } from './draw/painter.js';
import { LANES } from './knobs.js';
import { paintRibbon } from './views/ribbon.js';

const SVG_WIDTH = 1200;
/** More of a run than this cannot be read on one ladder. */
const SVG_MOST_MS = 8000;

export function toJson(recording, server) {
  const { parameters, seed, startedMs, endedMs, measuredFromMs, clock, events, bytesVoid, remarks } = recording;
  const lanes = Object.fromEntries(Object.entries(recording.lanes).map(([kind, lane]) => [kind, laneOf(lane)]));
  const whole = {
    format: 'pushlab-recording', version: 1, server, browser: globalThis.navigator?.userAgent ?? null,
    parameters, seed, startedMs, endedMs, measuredFromMs, void: recording.void, bytesVoid, remarks, clock, events, lanes,
  };
  return JSON.stringify(whole, null, 1);
}

function laneOf(lane) {
  const { receipts, states, faults, meter, lost, duplicated, outOfOrder, missed, reconnects, delivered, expected, byKind } = lane;
  const connections = [...lane.connections].map(([id, { openedMs, endedMs, dissector }]) => ({
    id, openedMs, endedMs,
    exchanges: dissector.exchanges,
    messages: dissector.messages,
    byKind: dissector.byKind,
    up: bytesOf(dissector.log.up),
    down: bytesOf(dissector.log.down),
  }));
  return { receipts, states, faults, meter, lost, duplicated, outOfOrder, missed, reconnects, delivered, expected, byKind, connections };
}

/** `from` is not 0 where the oldest bytes were let go of. */
function bytesOf(log) {
  return { from: log.start, to: log.end, base64: base64(log.slice(log.start, log.end)) };
}

function base64(bytes) {
  let text = '';
  // In runs, for a call takes only so many arguments.
  for (let at = 0; at < bytes.length; at += 0x8000) text += String.fromCharCode(...bytes.subarray(at, at + 0x8000));
  return btoa(text);
}

export function receiptsCsv(recording) {
  const rows = Object.entries(recording.lanes).flatMap(([kind, lane]) =>
    lane.receipts.map(({ offset, plannedMs, atMs, latencyMs, repeated }) => [kind, offset, plannedMs, atMs, latencyMs, repeated]));
  return csv([['lane', 'offset', 'planned_ms', 'received_ms', 'latency_ms', 'repeated'], ...rows]);
}

export function exchangesCsv(recording) {
  const rows = Object.entries(recording.lanes).flatMap(([kind, lane]) => [...lane.connections].flatMap(([id, { dissector }]) =>
    dissector.exchanges.map((one) => [kind, id, one.method, one.target, one.status, one.requestAt, one.requestEnd, one.answerAt, one.answerEnd, one.held, one.up, one.down, one.empty, one.events.join(' ')])));
  const names = ['lane', 'connection', 'method', 'target', 'status', 'request_ms', 'request_end_ms', 'answer_ms', 'answer_end_ms', 'held_ms', 'bytes_up', 'bytes_down', 'empty', 'events'];
  return csv([names, ...rows]);
}

/** RFC 4180, and semicolons and tabs, which some spreadsheets part cells by. A text that a spreadsheet would take for a formula is marked as text. */
function csv(rows) {
  const cell = (value) => {
    if (value === null || value === undefined) return '';
    const text = typeof value === 'string' && /^[=+\-@\t\r]/.test(value) ? `'${value}` : String(value);
    return /[",;\t\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
  };
  return rows.map((row) => `${row.map(cell).join(',')}\r\n`).join('');
}

export function toSvg(recording, layer = 'app') {
  const { startedMs, endedMs, measuredFromMs } = recording;
  const from = Math.max(startedMs, (measuredFromMs ?? startedMs) - 200);
  const to = Math.min(endedMs, from + SVG_MOST_MS);
  const parts = [];
  let y = 16;
  const put = (height, draw) => {
    const painter = new SvgPainter(SVG_WIDTH - 32, height);
    painter.begin();
    draw(painter);
    parts.push(painter.group(16, y));
    y += height;
  };
  const seconds = (at) => ((at - startedMs) / 1000).toFixed(1);
  const { rate, arrivals, payload, rtt_ms: rtt, seed } = recording.parameters;
  put(30, (painter) => painter.text(0, 14, `pushlab: ${seconds(from)} to ${seconds(to)} s of ${seconds(endedMs)} s, ${rate} events/s (${arrivals}), ${payload} B, round trip ${rtt} ms, seed ${seed}${recording.void ? `. VOID: ${recording.void}` : ''}`, { size: 12 }));
  for (const [kind, lane] of Object.entries(recording.lanes)) {
    put(22, (painter) => painter.text(0, 15, LANES[kind].title, { fill: 'ink', size: 13, weight: 600 }));
    put(LADDER_HEIGHT, (painter) => paintLadder(painter, lane, recording, { from, until: to, to, origin: startedMs }));
  }
  put(28 + Object.keys(recording.lanes).length * 24 + 16, (painter) => paintRibbon(painter, recording, layer, 10));
  return wrap(SVG_WIDTH, y + 16, parts.join(''));
}

// The ladder of one lane: the server's line above, the client's below, time to the right. Each request
// climbs, each answer and push comes down, at the instants that the trace has; nothing is animated. What
// waits is drawn too: an event at the server (waits), or a request at the server (held).

import { firstAfter } from '../trace.js';

export const LADDER_HEIGHT = 98;
/** Left of the drawing, where the two lines have their names. */
export const GUTTER = 50;
const LABELS = 10;
const PUBLISHED = 21;
const SERVER = 34;
const CLIENT = 76;
const FIGURES = 91;
/** How far back something may have begun that still reaches into view. */
const REACH_MS = 30_000;

/** `view` = {from, until, to, origin}: the window from…to, of which nothing after `until` is known. */
export function paintLadder(painter, lane, recording, view) {
  const scale = (painter.width - GUTTER) / (view.to - view.from);
  const x = (at) => GUTTER + (at - view.from) * scale;
  const marks = {
    published: [], waits: [], held: [], gaps: [], asks: [], empties: [], emptyEnds: [], pushes: [], arrivals: [],
    handshakes: [], alive: [], faults: [],
  };
  const labels = [];
  grid(painter, view, x);
  exchanges(lane, view, x, marks);
  messages(lane, view, x, marks);
  events(lane, recording, view, x, marks);
  receipts(lane, view, x, marks, labels, painter.width);
  for (const fault of lane.faults) {
    if (fault.atMs >= view.from && fault.atMs <= view.until) marks.faults.push(x(fault.atMs), LABELS + 4, x(fault.atMs), CLIENT);
  }
  painter.rects(marks.gaps, { fill: 'waits', alpha: 0.16 });
  painter.rects(marks.held, { fill: 'held' });
  painter.rects(marks.waits, { fill: 'waits', alpha: 0.85 });
  painter.lines([GUTTER, SERVER, x(view.until), SERVER, GUTTER, CLIENT, x(view.until), CLIENT], { stroke: 'muted', width: 1 });
  painter.lines(marks.asks, { stroke: 'kind-http-headers', width: 1.25 });
  painter.lines(marks.empties, { stroke: 'muted', width: 1, alpha: 0.65 });
  painter.dots(marks.emptyEnds, 2.2, { stroke: 'muted', width: 1 });
  painter.lines(marks.handshakes, { stroke: 'kind-handshake', width: 1.75 });
  painter.lines(marks.alive, { stroke: 'kind-keep-alive', width: 1.25, dash: [3, 2] });
  painter.lines(marks.pushes, { stroke: 'kind-payload', width: 1.75 });
  painter.dots(marks.arrivals, 2.6, { fill: 'kind-payload' });
  painter.lines(marks.published, { stroke: 'ink', width: 1.5 });
  painter.lines(marks.faults, { stroke: 'warn', width: 2, dash: [4, 3] });
  if (view.until < view.to) painter.lines([x(view.until), LABELS + 4, x(view.until), CLIENT + 6], { stroke: 'accent', width: 1 });
  paintFrame(painter);
  for (const { at, words } of labels) painter.text(at, FIGURES, words, { align: 'center', size: 10.5, fill: 'ink' });
}

/** The names of the two lines, over what comes in from the left; drawn alone where nothing is recorded. */
export function paintFrame(painter, isEmpty = false) {
  painter.rects([0, 0, GUTTER, painter.height], { fill: 'paper' });
  painter.text(0, SERVER + 4, 'server', { size: 11 });
  painter.text(0, CLIENT + 4, 'browser', { size: 11 });
  if (isEmpty) painter.lines([GUTTER, SERVER, painter.width, SERVER, GUTTER, CLIENT, painter.width, CLIENT], { stroke: 'grid', width: 1 });
}

function grid(painter, view, x) {
  const steps = [0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 30, 60];
  const span = (view.to - view.from) / 1000;
  const room = Math.max(2, painter.width / 90);
  const step = steps.find((each) => span / each <= room) ?? 60;
  const flat = [];
  const first = Math.max(0, Math.ceil((view.from - view.origin) / 1000 / step));
  for (let n = first; n * step * 1000 + view.origin <= view.to; n += 1) {
    const at = x(view.origin + n * step * 1000);
    flat.push(at, LABELS + 4, at, CLIENT);
    if (at < painter.width - 28) painter.text(at + 3, LABELS, `${Number((n * step).toFixed(1))} s`, { size: 10 });
  }
  painter.lines(flat, { stroke: 'grid', width: 1 });
}

function exchanges(lane, view, x, marks) {
  const end = Math.min(view.to, view.until);
  let before = null;
  for (const { endedMs, dissector } of lane.connections.values()) {
    const over = Math.min(end, endedMs ?? end);
    const list = dissector.exchanges;
    const first = Math.max(0, firstAfter(list, view.from - REACH_MS, (one) => one.requestAt) - 1);
    for (let at = first; at < list.length && list[at].requestAt <= end; at += 1) {
      const one = list[at];
      const isPolling = one.isPoll;
      const known = one.answerAt !== null && one.answerAt <= end;
      const done = known && (isPolling ? one.answerEnd !== null && one.answerEnd <= end : true);
      const left = known ? one.answerAt : over;
      if (left < view.from - 2000) { before = done ? one : null; continue; }
      const asked = lane.askedFor(one);
      const ask = [x(asked), CLIENT, x(one.requestAt), SERVER];
      const isEmpty = done && one.empty;
      // A session opens by polls that bring no event, and yet are not empty.
      const isOpening = !isPolling || (lane.kind === 'socketio' && done && !isEmpty && one.events.length === 0);
      if (isOpening) marks.handshakes.push(...ask);
      else if (isEmpty) marks.empties.push(...ask);
      else marks.asks.push(...ask);
      const wait = x(left) - x(one.requestAt);
      if (isPolling && wait > 0.75) marks.held.push(x(one.requestAt), SERVER + 2, wait, 6);
      if (known) {
        const arrived = Math.min(lane.answeredAt(one), end);
        const answer = [x(one.answerAt), SERVER, x(arrived), CLIENT];
        if (isOpening) marks.handshakes.push(...answer);
        else if (isEmpty || (done && one.events.length === 0)) {
          marks.empties.push(...answer);
          marks.emptyEnds.push(x(arrived), CLIENT);
        } else marks.pushes.push(...answer);
      }
      // Between an answer and the next request nobody waits at the server.
      if (lane.kind === 'long-polling' && before) {
        const from = x(before.answerAt);
        const wide = x(one.requestAt) - from;
        if (wide > 0.75 && one.requestAt - before.answerAt < 5000) marks.gaps.push(from, SERVER, wide, CLIENT - SERVER);
      }
      before = done ? one : null;
    }
  }
}

function messages(lane, view, x, marks) {
  const end = Math.min(view.to, view.until);
  for (const { dissector } of lane.connections.values()) {
    const list = dissector.messages;
    for (let at = Math.max(0, firstAfter(list, view.from - 3000, (one) => one.at) - 1); at < list.length && list[at].at <= end; at += 1) {
      const one = list[at];
      if (one.direction === 'up') {
        if (one.what === 'pong' || one.what === 'ping') marks.alive.push(x(one.at), CLIENT, x(one.at), SERVER);
        continue;
      }
      if (one.what === 'event') {
        const receipt = lane.receiptOf(one.offset);
        const arrived = Math.min(receipt?.atMs ?? one.at, end);
        marks.pushes.push(x(one.at), SERVER, x(arrived), CLIENT);
      } else if (one.what === 'heartbeat' || one.what === 'ping') {
        marks.alive.push(x(one.at), SERVER, x(one.at), CLIENT);
      }
    }
  }
}

function events(lane, recording, view, x, marks) {
  const end = Math.min(view.to, view.until);
  const list = recording.events;
  for (let at = firstAfter(list, view.from - REACH_MS, (one) => one.plannedMs); at < list.length && list[at].plannedMs <= end; at += 1) {
    const { offset, plannedMs } = list[at];
    const left = Math.min(lane.leftAt(offset) ?? end, end);
    if (plannedMs >= view.from - 5) marks.published.push(x(plannedMs), PUBLISHED - 5, x(plannedMs), SERVER);
    if (left < view.from) continue;
    const from = Math.max(plannedMs, view.from);
    const wide = x(left) - x(from);
    if (wide > 0.75) marks.waits.push(x(from), SERVER - 9, wide, 7);
  }
}

function receipts(lane, view, x, marks, labels, width) {
  const end = Math.min(view.to, view.until);
  const list = lane.receipts;
  let free = -Infinity;
  for (let at = firstAfter(list, view.from, (one) => one.atMs); at < list.length && list[at].atMs <= end; at += 1) {
    const one = list[at];
    const place = x(one.atMs);
    marks.arrivals.push(place, CLIENT);
    if (one.latencyMs === null || place - 24 < Math.max(free, GUTTER) || place + 24 > width) continue;
    labels.push({ at: place, words: shortTime(one.latencyMs) });
    free = place + 24;
  }
}

/** Three digits and a unit at most. */
export function shortTime(milliseconds) {
  if (milliseconds === null) return '–';
  if (Math.abs(milliseconds) >= 9950) return `${(milliseconds / 1000).toFixed(1)} s`;
  if (Math.abs(milliseconds) >= 995) return `${(milliseconds / 1000).toFixed(2)} s`;
  if (Math.abs(milliseconds) >= 9.95) return `${Math.round(milliseconds)} ms`;
  return `${milliseconds.toFixed(1)} ms`;
}

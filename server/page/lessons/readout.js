// What a lesson reads off a recording: latencies, polls, gaps, bytes. Each takes a Recording and a lane
// and returns values; nothing is judged here, and what was not seen is not made up.

import { framing } from '../model.js';

/** From the first published event to the last: what lies outside is ramp and drain. */
export function span(recording) {
  const planned = recording.events.map(event => event.plannedMs);
  const from = Math.min(...planned);
  const to = Math.max(...planned);
  return { from, to, seconds: (to - from) / 1000, rate: planned.length > 1 ? (planned.length - 1) * 1000 / (to - from) : 0 };
}

export const latencies = (recording, lane) =>
  recording.lanes[lane].receipts.map(receipt => receipt.latencyMs).filter(Number.isFinite);

/** From the server's socket to the program, in ms, event by event: the line, and what the browser adds. */
export const legs = (recording, lane) => {
  const one = recording.lanes[lane];
  return one.receipts.map(receipt => receipt.atMs - one.leftAt(receipt.offset)).filter(Number.isFinite);
};

/** Polls that were asked while events were published. */
export function polls(recording, lane) {
  const { from, to } = span(recording);
  return recording.lanes[lane].exchanges.filter(exchange =>
    exchange.answerEnd !== undefined && exchange.answerEnd !== null && exchange.requestAt >= from && exchange.requestAt <= to
    && /\/(long-)?poll\?/.test(exchange.target));
}

export const emptyShare = exchanges => exchanges.filter(exchange => exchange.empty).length / exchanges.length;

/** From the end of an answer to the next request, in seconds, as the server's own socket saw it: R. */
export function gaps(exchanges) {
  const sorted = [...exchanges].sort((a, b) => a.requestAt - b.requestAt);
  return sorted.slice(1).map((next, at) => (next.requestAt - sorted[at].answerEnd) / 1000);
}

/** Requests a second, from the first to the last of them. */
export function perSecond(exchanges) {
  const at = exchanges.map(exchange => exchange.requestAt).sort((a, b) => a - b);
  return (at.length - 1) * 1000 / (at.at(-1) - at[0]);
}

/** Bytes of both directions by kind. */
export function bytes(recording, lane) {
  const kinds = recording.lanes[lane].byKind;
  return Object.fromEntries(Object.entries(kinds).map(([kind, { up, down }]) => [kind, up + down]));
}

export const sum = values => values.reduce((total, value) => total + value, 0);

/** Latency of each event on two lanes, one minus the other: the events are the same. */
export function paired(recording, lane, other) {
  const at = new Map(recording.lanes[other].receipts.map(receipt => [receipt.offset, receipt.latencyMs]));
  return recording.lanes[lane].receipts
    .filter(receipt => at.has(receipt.offset))
    .map(receipt => receipt.latencyMs - at.get(receipt.offset));
}

/** Pushed events of a stream or socket: [{offset, bytes, at}]. */
export const pushes = (recording, lane) =>
  recording.lanes[lane].messages.filter(message => message.direction === 'down' && message.what === 'event');

export const connections = (recording, lane) => recording.lanes[lane].connections.size;

/** Header bytes of one exchange, request and answer: of the first that brought an event, and of the first
 * that was empty. NaN for what never was. */
export function headSizes(recording, lane) {
  const { exchanges, dissectors } = recording.lanes[lane];
  const full = exchanges.find(exchange => exchange.events.length > 0);
  const answer = dissectors.flatMap(one => one.runs)
    .find(run => run.direction === 'down' && run.part === 'answer-head' && run.kind === 'http_headers');
  const empty = exchanges.find(exchange => exchange.status === 204);
  return {
    full: full && answer ? full.up + answer.to - answer.from : NaN,
    empty: empty ? empty.up + empty.down : NaN,
  };
}

/** Bytes of an event on a pushing lane, and of the frame around each. */
export function framed(recording, lane) {
  const events = pushes(recording, lane);
  const each = bytes(recording, lane).payload / events.length;
  return { each, around: sum(events.map(event => event.bytes)) / events.length - each, n: events.length };
}

/** Events that Socket.IO pushed over its WebSocket: bytes around each, and what MODEL (5) makes of the same events
 * with their room and cursor, of which the first packet tells how long they are. */
export function packaged(recording) {
  const { dissectors } = recording.lanes.socketio;
  const spans = dissectors.flatMap(one => one.runs).filter(run => run.direction === 'down');
  const first = spans.find(run => run.part === 'sio-more' && run.note);
  const events = pushes(recording, 'socketio');
  if (!first || events.length === 0) return { around: NaN, model: NaN, n: 0 };
  const [, room, cursor] = JSON.parse(`[0${new TextDecoder().decode(first.bytes)}`);
  const epoch = cursor.lastIndexOf('-') + 1;
  const encoded = text => new TextEncoder().encode(text).length;
  const more = offset => encoded(`,${JSON.stringify(room)},"${cursor.slice(0, epoch)}${offset}"`);
  const payloads = spans.filter(run => run.part === 'payload' && run.note).map(run => run.to - run.from);
  const modelled = events.map(({ offset }, at) => framing.socketio(payloads[at], 'event', more(offset)));
  return { around: (sum(events.map(event => event.bytes)) - sum(payloads)) / events.length, model: sum(modelled) / events.length, n: events.length };
}

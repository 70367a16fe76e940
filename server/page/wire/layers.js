// What an event costs on three layers: headers and framing alone, with its payload as the socket carried
// it, and with the IP and TCP headers of its segments. The first two are counted, the third is computed
// from the count of exchanges. Pure.

import { KINDS } from './runs.js';

/** IP and TCP header of one segment: 20 + 20, and 12 for timestamps. */
export const SEGMENT_BYTES = 52;
/** Request, answer, and an ACK of it; a push and its ACK. */
const SEGMENTS = { poll: 3, push: 2 };

/** What a connection pays at its beginning, and never again. */
const ONCE = new Set(['handshake', 'probes', 'upgrade']);

export const LAYERS = {
  header: { title: 'Headers alone', words: 'What a delivered event cost in headers, framing, empty answers and greetings, without its payload.' },
  app: { title: 'With the payload', words: 'All that the sockets carried for a delivered event, both ways.' },
  ip: { title: 'With TCP and IP', words: `All that the sockets carried, and ${SEGMENT_BYTES} B for each segment: computed, ${SEGMENTS.poll} segments a poll and ${SEGMENTS.push} a push.` },
};

/** One lane's bytes on a layer: `{pieces: [{kind, bytes}], running, once, delivered, isComputed}`.
 * `once` is what a connection pays at its beginning, `running` all else. */
export function costOf(lane, layer) {
  const byKind = lane.byKind;
  const pieces = KINDS.map((kind) => ({ kind, bytes: (byKind[kind]?.up ?? 0) + (byKind[kind]?.down ?? 0) }));
  if (layer === 'header') pieces.find(({ kind }) => kind === 'payload').bytes = 0;
  if (layer === 'ip') pieces.push({ kind: 'tcp_ip', bytes: segmentsOf(lane) * SEGMENT_BYTES });
  const total = pieces.reduce((sum, { bytes }) => sum + bytes, 0);
  const once = pieces.filter(({ kind }) => ONCE.has(kind)).reduce((sum, { bytes }) => sum + bytes, 0);
  return {
    pieces: pieces.filter(({ bytes }) => bytes > 0),
    running: total - once,
    once,
    delivered: lane.delivered,
    isComputed: layer === 'ip',
  };
}

function segmentsOf(lane) {
  const polls = lane.exchanges.filter(({ empty }) => empty !== null).length;
  const pushes = lane.messages.filter(({ what }) => what !== 'hello').length;
  return polls * SEGMENTS.poll + pushes * SEGMENTS.push;
}

/** Interval polling over WebSocket on one layer, without what is paid once; null without either. */
export function ratioOf(recording, layer) {
  const polling = recording?.lanes['interval-polling'];
  const websocket = recording?.lanes.websocket;
  if (!polling?.delivered || !websocket?.delivered) return null;
  const [asked, pushed] = [costOf(polling, layer), costOf(websocket, layer)];
  const perEvent = ({ running, delivered }) => running / delivered;
  return { polling: perEvent(asked), websocket: perEvent(pushed), ratio: perEvent(asked) / perEvent(pushed) };
}

/** Kaazing's stock ticker: one poll and one event a second, 21 bytes; a request of 716 bytes and an
 * answer of 193 with their line ends, which the published 871 leaves out. Per client and second. */
const TICKER = { published: 871, headers: 909, payload: 21, frame: 2 };

/** 435 → 40 → 8.6 → 1: computed, with what it is computed from. */
export function ticker() {
  const { published, headers, payload, frame } = TICKER;
  const ip = (rate) => [headers + rate * payload + SEGMENTS.poll * SEGMENT_BYTES, rate * (payload + frame + SEGMENTS.push * SEGMENT_BYTES)];
  return [
    { layer: 'header', title: 'Headers alone, as published', sides: [published, frame] },
    { layer: 'app', title: 'With the payload', sides: [headers + payload, frame + payload] },
    { layer: 'ip', title: 'With TCP and IP', sides: ip(1) },
    { layer: 'ip', title: 'The same at 10 events a second', sides: ip(10), rate: 10 },
  ].map((row) => ({ ...row, ratio: row.sides[0] / row.sides[1] }));
}

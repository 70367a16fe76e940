// One direction of a WebSocket after its handshake: frames cut from the bytes, messages put together
// from their fragments, each byte given its kind. Frames may carry messages of a room, or packets of Engine.IO.

import { messageOf } from './message.js';
import { packetOf } from './packets.js';
import { closeReason, frameHeader, isControl, keyFrom, unmask } from './websocket.js';

const CONTROL = new Map([
  [0x8, { what: 'close', kind: 'framing' }],
  [0x9, { what: 'ping', kind: 'keep_alive' }],
  [0xa, { what: 'pong', kind: 'keep_alive' }],
]);

export class Frames {
  #direction;
  #runs;
  #messages;
  #isFirst;
  #carriesPackets;
  /** Fragments of the message that has not ended: their contents and the runs that carry them. */
  #open = null;

  constructor(direction, runs, messages, { carriesPackets = false } = {}) {
    this.#direction = direction;
    this.#runs = runs;
    this.#messages = messages;
    this.#carriesPackets = carriesPackets;
    // The first of a room is its greeting; a packet says itself what it is.
    this.#isFirst = !carriesPackets;
  }

  /** Understands the frame at the front of `input`, which begins at `from`; 0 while it is not whole. */
  take(input, from, at) {
    const header = frameHeader(input);
    if (!header || input.length < header.size + header.length) return 0;
    const payload = unmask(input.subarray(header.size, header.size + header.length), header.key);
    if (isControl(header.opcode)) this.#control(header, payload, from, at);
    else if (this.#carriesPackets && header.fin && !this.#open) this.#packet(header, payload, from, at);
    else this.#data(header, payload, from, at);
    return header.size + header.length;
  }

  /** The connection ended within a frame. */
  breakOff(input, from, at) {
    const header = frameHeader(input);
    if (!header) return void this.#runs.write(this.#direction, from, from + input.length, at, 'framing', 'broken-off');
    const kind = CONTROL.get(header.opcode)?.kind;
    this.#write(header, from, Math.min(input.length, header.size + header.length), at, kind ?? this.#headerKind(), kind ?? 'payload');
  }

  #headerKind() {
    return this.#isFirst && this.#direction === 'down' ? 'handshake' : 'framing';
  }

  #write(header, from, length, at, kind, payloadKind) {
    const runs = this.#runs;
    runs.write(this.#direction, from, from + header.size, at, kind, 'ws-header', header);
    if (length === header.size) return null;
    const part = isControl(header.opcode) ? 'ws-control' : 'payload';
    return runs.write(this.#direction, from + header.size, from + length, at, payloadKind, part, header);
  }

  #control(header, payload, from, at) {
    const { what, kind } = CONTROL.get(header.opcode) ?? { what: 'notice', kind: 'framing' };
    const bytes = header.size + header.length;
    this.#write(header, from, bytes, at, kind, kind);
    const message = { at, direction: this.#direction, what, offset: null, bytes };
    if (what === 'close') Object.assign(message, closeReason(payload));
    this.#messages.push(message);
  }

  /** Of an event's frame the header is framing; any other is of one kind, header and all. */
  #packet(header, payload, from, at) {
    const { what, offset, kind, parts } = packetOf(payload, this.#direction, header.opcode === 0x2);
    const carries = what === 'event' || what === 'publish';
    this.#runs.write(this.#direction, from, from + header.size, at, carries ? 'framing' : kind, 'ws-header', header);
    let reached = 0;
    for (const { length, part, kind: own } of parts) {
      const begins = from + header.size + reached;
      const note = { ...header, key: keyFrom(header.key, reached) };
      this.#runs.write(this.#direction, begins, begins + length, at, own, part, note);
      reached += length;
    }
    this.#messages.push({ at, direction: this.#direction, what, offset, bytes: header.size + header.length });
  }

  #data(header, payload, from, at) {
    const bytes = header.size + header.length;
    const run = this.#write(header, from, bytes, at, this.#headerKind(), 'payload');
    this.#isFirst = false;
    this.#open ??= { runs: [], content: [], bytes: 0 };
    if (run) this.#open.runs.push(run);
    this.#open.content.push(payload);
    this.#open.bytes += bytes;
    if (header.fin) this.#message(at);
  }

  #message(at) {
    const { runs, content, bytes } = this.#open;
    this.#open = null;
    const whole = content.length === 1 ? content[0] : Uint8Array.from(content.flatMap((part) => [...part]));
    // Every data frame that a client sends is a publish.
    const isUp = this.#direction === 'up';
    const ofRoom = () => (isUp ? { what: 'publish', offset: null } : messageOf(whole));
    const known = this.#carriesPackets ? packetOf(whole, this.#direction) : ofRoom();
    const what = known?.what ?? 'notice';
    const kind = { event: 'payload', publish: 'payload', hello: 'handshake' }[what] ?? 'framing';
    for (const run of runs) if (run.kind !== kind) this.#runs.relabel(run, kind);
    this.#messages.push({ at, direction: this.#direction, what, offset: known?.offset ?? null, bytes });
  }
}

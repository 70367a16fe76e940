// The recording of one run: what was published, what each lane's client received, and each lane's bytes
// as the server's meter saw them, cut into requests and messages by the dissector. All instants are
// milliseconds since the Unix epoch by the server's clock. It draws nothing and asks nobody.

import { CookieGuard, FLAWS } from './wire/cookies.js';
import { Dissector } from './wire/dissector.js';

/** Where in a sorted list the first entry after `at` is. */
export function firstAfter(list, at, key) {
  let low = 0;
  let high = list.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (key(list[middle]) > at) high = middle;
    else low = middle + 1;
  }
  return low;
}

export function quantile(sorted, share) {
  if (sorted.length === 0) return null;
  return sorted[Math.min(sorted.length - 1, Math.max(0, Math.ceil(share * sorted.length) - 1))];
}

class Lane {
  receipts = [];
  connections = new Map();
  meter = { rx: 0, tx: 0, opened: 0, open: 0 };
  faults = [];
  /** What the client told of itself: {atMs, state, missed}. */
  states = [];
  /** Bytes so far after each piece: {at, up, down}. */
  bytes = [];
  duplicated = 0;
  outOfOrder = 0;
  missed = 0;
  reconnects = 0;
  delivered = 0;
  expected = 0;
  lost = 0;
  #receipts = new Map();
  #greatest = 0;
  #asks = [];
  #answers = [];
  /** Offset → when the server's socket took it. */
  #left = new Map();
  #read = new Map();
  #guards = new Map();
  #cookie;
  #hasHoles = false;

  /** `cookie` is the size of the one that the page has set. */
  constructor(kind, cookie = 0) {
    this.kind = kind;
    this.#cookie = cookie;
  }

  receive(offset, atMs, plannedMs) {
    const repeated = this.#receipts.has(offset);
    if (repeated) this.duplicated += 1;
    else this.delivered += 1;
    if (offset < this.#greatest) this.outOfOrder += 1;
    this.#greatest = Math.max(this.#greatest, offset);
    const receipt = { offset, atMs, plannedMs, latencyMs: plannedMs === undefined ? null : atMs - plannedMs, repeated };
    this.receipts.push(receipt);
    if (!repeated) this.#receipts.set(offset, receipt);
  }

  has(offset) {
    return this.#receipts.has(offset);
  }

  receiptOf(offset) {
    return this.#receipts.get(offset);
  }

  /**
   * When the client sent this request: its last word before the server read it. Where that word has had its
   * answer, the browser asked by itself, as EventSource does after a break, and the server's instant stands.
   */
  askedFor(exchange) {
    // Of what a Socket.IO session posts, its client tells nothing.
    if (this.kind === 'socketio' && !exchange.isPoll) return exchange.requestAt;
    const last = (list) => list[firstAfter(list, exchange.requestAt, (at) => at) - 1];
    const asked = last(this.#asks);
    return asked === undefined || last(this.#answers) > asked ? exchange.requestAt : asked;
  }

  /** When the client had the answer: its first word after the server wrote it. */
  answeredAt(exchange) {
    if (this.kind === 'socketio') return this.receiptOf(exchange.events?.[0])?.atMs ?? exchange.answerAt;
    const at = firstAfter(this.#answers, exchange.answerAt, (answered) => answered);
    return this.#answers[at] ?? exchange.answerAt;
  }

  /** When the server's socket took an event; undefined while it has not. */
  leftAt(offset) {
    return this.#left.get(offset);
  }

  tell(atMs, state, missed) {
    this.states.push({ atMs, state, missed });
    this.missed += missed ?? 0;
    if (state === 'asking') this.#asks.push(atMs);
    if (state === 'answered' || state === 'open') this.#answers.push(atMs);
    if (state === 'lost') this.reconnects += 1;
  }

  /** Records are missing: of what a connection carries next, nobody knows what it is. */
  lose() {
    this.#hasHoles = true;
    for (const guard of this.#guards.values()) guard.lose();
  }

  /** A name in FLAWS where the cookies of a request are not the page's own, else null. */
  wire(record) {
    let connection = this.connections.get(record.connection);
    if (!connection) {
      connection = { openedMs: record.at_ms, endedMs: null, dissector: new Dissector(this.kind) };
      this.connections.set(record.connection, connection);
      this.#guards.set(record.connection, new CookieGuard(this.#cookie, this.#hasHoles));
    }
    if (record.what === 'ended') {
      connection.endedMs = record.at_ms;
      connection.dissector.end(record.at_ms);
    }
    if (record.what !== 'up' && record.what !== 'down') return null;
    const guard = this.#guards.get(record.connection);
    const carried = decode(record.bytes);
    const bytes = record.what === 'up' ? guard.take(carried) : carried;
    connection.dissector.feed(record.what, bytes, record.at_ms);
    this.#note(connection.dissector);
    const { up, down } = this.bytes.at(-1) ?? { up: 0, down: 0 };
    this.bytes.push(record.what === 'up'
      ? { at: record.at_ms, up: up + bytes.length, down }
      : { at: record.at_ms, up, down: down + bytes.length });
    return guard.flaw;
  }

  /** Remembers when events left; looks at what is new alone. */
  #note(dissector) {
    const read = this.#read.get(dissector) ?? { exchanges: 0, messages: 0 };
    this.#read.set(dissector, read);
    const { exchanges, messages } = dissector;
    for (; read.exchanges < exchanges.length; read.exchanges += 1) {
      const { answerAt, answerEnd, events } = exchanges[read.exchanges];
      if (answerEnd === null) break;
      for (const offset of events) if (!this.#left.has(offset)) this.#left.set(offset, answerAt);
    }
    for (; read.messages < messages.length; read.messages += 1) {
      const { what, offset, at } = messages[read.messages];
      if (what === 'event' && !this.#left.has(offset)) this.#left.set(offset, at);
    }
  }

  get dissectors() {
    return [...this.connections.values()].map((connection) => connection.dissector);
  }

  get exchanges() {
    return this.dissectors.flatMap((one) => one.exchanges).sort((a, b) => a.requestAt - b.requestAt);
  }

  get messages() {
    return this.dissectors.flatMap((one) => one.messages).sort((a, b) => a.at - b.at);
  }

  get byKind() {
    const total = {};
    for (const one of this.dissectors) {
      for (const [kind, { up, down }] of Object.entries(one.byKind)) {
        total[kind] ??= { up: 0, down: 0 };
        total[kind].up += up;
        total[kind].down += down;
      }
    }
    return total;
  }

  get requests() {
    return this.dissectors.reduce((sum, one) => sum + one.exchanges.length, 0);
  }

  get empty() {
    return this.dissectors.reduce((sum, one) => sum + one.exchanges.filter((exchange) => exchange.empty).length, 0);
  }

  /** All figures as they stood at an instant, from the trace alone. */
  figures(until = Infinity) {
    const receipts = until === Infinity
      ? this.receipts
      : this.receipts.slice(0, firstAfter(this.receipts, until, (receipt) => receipt.atMs));
    const latencies = receipts.filter((receipt) => receipt.latencyMs !== null && !receipt.repeated).map((receipt) => receipt.latencyMs);
    const sorted = Float64Array.from(latencies).sort();
    let requests = 0;
    let empty = 0;
    let waiting = null;
    for (const { endedMs, dissector } of this.connections.values()) {
      for (const exchange of dissector.exchanges) {
        if (exchange.requestAt > until) break;
        requests += 1;
        const isDone = exchange.answerEnd !== null && exchange.answerEnd !== undefined && exchange.answerEnd <= until;
        if (isDone && exchange.empty) empty += 1;
        const isCut = endedMs !== null && endedMs <= until;
        if (!isDone && !isCut && (exchange.answerAt === null || exchange.answerAt > until)) waiting = { sinceMs: exchange.requestAt };
      }
    }
    const at = until === Infinity ? this.bytes.length : firstAfter(this.bytes, until, (entry) => entry.at);
    const { up, down } = this.bytes[at - 1] ?? { up: 0, down: 0 };
    const delivered = receipts.reduce((sum, receipt) => sum + (receipt.repeated ? 0 : 1), 0);
    let sum = 0;
    for (const latency of sorted) sum += latency;
    return {
      n: sorted.length,
      last: latencies.at(-1) ?? null,
      mean: sorted.length ? sum / sorted.length : null,
      p50: quantile(sorted, 0.5),
      p95: quantile(sorted, 0.95),
      max: sorted.at(-1) ?? null,
      sorted, requests, empty, waiting, up, down, delivered,
      perEvent: delivered ? (up + down) / delivered : null,
    };
  }
}

export class Recording {
  startedMs = null;
  endedMs = null;
  /** When the first event was planned; lanes are connected before. */
  measuredFromMs = null;
  void = null;
  bytesVoid = null;
  /** What a reader of the figures must know beside them, in sentences. */
  remarks = [];
  events = [];
  clock = { offsetMs: 0, errorMs: 0 };
  lanes = {};
  #planned = new Map();

  constructor(parameters, lanes) {
    this.parameters = { ...parameters };
    this.seed = parameters.seed;
    for (const kind of lanes) this.lanes[kind] = new Lane(kind, parameters.cookie);
  }

  published(events) {
    for (const event of events) {
      this.events.push({ offset: event.offset, plannedMs: event.planned_ms, sentMs: event.sent_ms });
      this.#planned.set(event.offset, event.planned_ms);
    }
    // A receipt may come to the page before the news that its event was published.
    for (const lane of Object.values(this.lanes)) {
      for (let at = lane.receipts.length - 1; at >= 0; at -= 1) {
        const receipt = lane.receipts[at];
        if (receipt.latencyMs !== null) break;
        this.#date(receipt);
      }
    }
  }

  #date(receipt) {
    const plannedMs = this.#planned.get(receipt.offset);
    if (plannedMs === undefined) return;
    receipt.plannedMs = plannedMs;
    receipt.latencyMs = receipt.atMs - plannedMs;
  }

  /** What a client saw, by the browser's clock. */
  seen(entry) {
    const lane = this.lanes[entry.lane];
    if (!lane) return;
    const atMs = entry.at + this.clock.offsetMs;
    if (entry.state) lane.tell(atMs, entry.state, entry.missed);
    else if (Number.isSafeInteger(entry.offset)) lane.receive(entry.offset, atMs, this.#planned.get(entry.offset));
  }

  wire(records) {
    for (const record of records) {
      const lane = this.lanes[record.lane];
      // What comes after the end was not part of the run, but that a connection has ended.
      if (!lane || (this.endedMs !== null && !(record.what === 'ended' && lane.connections.has(record.connection)))) continue;
      const flaw = lane.wire(record);
      if (flaw) this.makeBytesVoid(FLAWS[flaw]);
    }
  }

  /** The session had no room for so many records. */
  dropped(count) {
    this.makeBytesVoid(`${count} records of the wire were dropped: byte figures are void`);
    for (const lane of Object.values(this.lanes)) lane.lose();
  }

  /** Lanes of which the trace has other sums than the server's own meter. */
  get unequal() {
    return Object.entries(this.lanes).filter(([, { bytes, meter }]) => {
      const { up, down } = bytes.at(-1) ?? { up: 0, down: 0 };
      return up !== meter.rx || down !== meter.tx;
    }).map(([kind]) => kind);
  }

  trouble(message) {
    this.lanes[message.lane]?.faults.push({ atMs: message.at_ms, what: message.what, connection: message.connection });
  }

  meter(lanes) {
    if (this.endedMs !== null) return;
    for (const [kind, figures] of Object.entries(lanes)) {
      if (this.lanes[kind]) this.lanes[kind].meter = figures;
    }
  }

  /** The first reason stands. */
  makeVoid(reason) {
    this.void ??= reason;
  }

  /** The same for what counts bytes. */
  makeBytesVoid(reason) {
    this.bytesVoid ??= reason;
  }

  /** Whether each lane has all that was published; the room may have had others' events as well. */
  get isComplete() {
    return Object.values(this.lanes).every((lane) => this.events.every(({ offset }) => lane.has(offset)));
  }

  end(atMs) {
    this.endedMs = atMs;
    for (const lane of Object.values(this.lanes)) {
      lane.expected = this.events.length;
      lane.lost = this.events.filter((event) => !lane.has(event.offset)).length;
    }
  }
}

function decode(text) {
  const binary = atob(text);
  const bytes = new Uint8Array(binary.length);
  for (let at = 0; at < binary.length; at += 1) bytes[at] = binary.charCodeAt(at);
  return bytes;
}

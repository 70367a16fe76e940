// Lines on their way to a room. Each has a key for life and is sent again with the same key until it is
// known to be there: the server takes a key once within its history (`Idempotency-Key`, or `key` in a
// frame), and readers show a key once, which covers a server that lost its history. So a line may be sent
// twice and is read once. One line at a time, in the order of typing; one that was refused waits for its
// author and holds up nobody.
//
// A line: {room, key, text, sent, state, why, untilMs}; state: 'waiting' | 'sending' | 'taken' (the server has
// it, the room has not shown it yet) | 'refused'. Event: `change`.

import { delay } from '../patience.js';

/** A frame without its echo after so long went into a connection that is dead. */
const ECHO_MS = 10_000;
const PATIENCE = { shortest: 1000, longest: 15_000 };

export class Outbox extends EventTarget {
  #timer = null;
  #inFlight = null;
  #failures = 0;

  /** `post(line)` rejects with a Refusal; `frame()` → send(text) or null; `isLive()`; `dead()`: the
   *  connection swallowed a line; `keep(lines)` is told what a reload should find. */
  constructor({ post, frame, isLive, dead, keep = () => {}, lines = [], echoMs = ECHO_MS, patience = PATIENCE }) {
    super();
    Object.assign(this, { post, frame, isLive, dead, keep, echoMs, patience });
    /** The room whose events are seen: elsewhere the server's answer is the end of a line's way. */
    this.shown = null;
    this.lines = lines.map((line) => ({ ...line, state: line.state === 'refused' ? 'refused' : 'waiting' }));
  }

  add(room, text) {
    const line = { room, key: crypto.randomUUID(), text, sent: Date.now(), state: 'waiting', why: null };
    this.lines.push(line);
    this.#changed();
    this.work();
    return line;
  }

  /** The room has shown it. */
  arrived(key) {
    const line = this.lines.find((line) => line.key === key);
    if (!line) return;
    this.#drop(line);
    this.#next();
  }

  /** What the server said of the frame that is on its way. */
  refusedFrame(refusal) {
    const line = this.#inFlight;
    if (line?.overFrame) this.#failed(line, refusal);
  }

  /** The connection has ended: nobody knows whether the frame was read. */
  lost() {
    if (this.#inFlight?.overFrame) this.#again(this.#inFlight);
  }

  /** The server has forgotten what it took: those who have it show it once, the others shall have it too. */
  forgotten(room) {
    for (const line of this.lines) if (line.state === 'taken' && line.room === room) this.#again(line);
    this.work();
  }

  /** Nobody looks at this room any more, so what the server has taken is done with. */
  leave(room) {
    this.lines = this.lines.filter((line) => line.state !== 'taken' || line.room !== room);
    this.shown = null;
    this.#changed();
  }

  retry(line) {
    if (line.state !== 'refused' && !line.untilMs) return;
    Object.assign(line, { state: 'waiting', why: null, untilMs: null });
    this.#changed();
    this.work();
  }

  discard(line) {
    this.#drop(line);
    this.#next();
  }

  /** Sends the first line that waits, where nothing is on its way and somebody would take it. */
  work() {
    if (this.#inFlight) return;
    clearTimeout(this.#timer);
    if (!this.isLive()) return;
    const line = this.lines.find((line) => line.state === 'waiting');
    if (!line) return;
    if (line.untilMs > Date.now()) {
      this.#timer = setTimeout(() => this.work(), line.untilMs - Date.now());
      return;
    }
    line.state = 'sending';
    line.untilMs = null;
    this.#inFlight = line;
    const send = this.frame(line.room);
    line.overFrame = Boolean(send);
    this.#changed();
    if (send) this.#sendFrame(line, send);
    else this.#sendPost(line);
  }

  #sendFrame(line, send) {
    try {
      send(JSON.stringify({ ...body(line), key: line.key }));
    } catch {
      this.#again(line);
      return;
    }
    this.#timer = setTimeout(() => {
      if (this.#inFlight !== line) return;
      this.#again(line);
      this.dead();
    }, this.echoMs);
  }

  async #sendPost(line) {
    try {
      await this.post(line);
      this.#failures = 0;
      if (line.room !== this.shown) this.#drop(line);
      else if (this.lines.includes(line)) line.state = 'taken';
      this.#next();
    } catch (error) {
      this.#failed(line, error);
    }
  }

  #failed(line, error) {
    if (!this.lines.includes(line)) {
      this.#next();
      return;
    }
    const { status = 0, retryAfterMs } = error;
    line.why = error;
    if (status >= 400 && status < 500 && status !== 408 && status !== 429) line.state = 'refused';
    else {
      this.#failures += 1;
      line.state = 'waiting';
      line.untilMs = Date.now() + Math.max(delay(this.#failures, this.patience), retryAfterMs ?? 0);
    }
    this.#next();
  }

  #again(line) {
    line.state = 'waiting';
    if (this.#inFlight === line) this.#free();
    this.#changed();
  }

  #drop(line) {
    this.lines = this.lines.filter((other) => other !== line);
    if (this.#inFlight === line && line.overFrame) {
      this.#failures = 0;
      this.#free();
    }
    this.#changed();
  }

  #free() {
    clearTimeout(this.#timer);
    this.#inFlight = null;
  }

  /** After the answer to a POST; what a frame waits for is its event. */
  #next() {
    if (this.#inFlight && (this.#inFlight.state !== 'sending' || !this.lines.includes(this.#inFlight))) this.#free();
    this.#changed();
    this.work();
  }


  #changed() {
    this.keep(this.lines);
    this.dispatchEvent(new Event('change'));
  }
}

/** What is published: `sent` is the author's clock, the nonce is how a reader tells a line from its copy. */
export function body({ text, sent, key }) {
  return { type: 'chat', data: { text, sent, nonce: key } };
}

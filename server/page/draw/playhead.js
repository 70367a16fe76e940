// Where in a recording one looks: live, standing still, or playing at a share of real speed. It moves
// through what was recorded and never makes anything up; stepping goes from one recorded instant to the
// next. It draws nothing.

import { now } from '../clock.js';
import { firstAfter } from '../trace.js';

/** What is shown live is this old, so that the news of it has come from both ends. */
const BEHIND_MS = 150;

export class Playhead {
  recording = null;
  mode = 'live';
  /** Milliseconds after the recording's beginning. */
  position = 0;
  speed = 1;
  #last = 0;
  #instants = { count: -1, list: [] };

  follow(recording) {
    Object.assign(this, { recording, mode: 'live', position: 0 });
    this.#instants = { count: -1, list: [] };
  }

  /** How far one can look, in milliseconds after the beginning. */
  get end() {
    if (!this.recording) return 0;
    const { startedMs, endedMs, clock } = this.recording;
    if (endedMs !== null) return endedMs - startedMs;
    return Math.max(0, now() + clock.offsetMs - startedMs - BEHIND_MS);
  }

  /** The instant looked at, by the server's clock. */
  get at() {
    return this.recording.startedMs + this.position;
  }

  /** Moves on by the time that has passed; true where the view changes. */
  move(time) {
    const passed = Math.min(200, time - this.#last);
    this.#last = time;
    const before = this.position;
    if (this.mode === 'live') this.position = this.end;
    else if (this.mode === 'playing') {
      this.position = Math.min(this.end, this.position + passed * this.speed);
      if (this.position === this.end) this.mode = this.recording?.endedMs !== null ? 'paused' : this.speed === 1 ? 'live' : 'playing';
    }
    return this.position !== before;
  }

  pause() {
    this.mode = 'paused';
  }

  play(speed = this.speed) {
    this.speed = speed;
    if (this.recording?.endedMs !== null && this.position >= this.end) this.position = 0;
    this.mode = this.recording?.endedMs === null && speed === 1 && this.end - this.position < 400 ? 'live' : 'playing';
  }

  seek(position) {
    this.mode = 'paused';
    this.position = Math.min(this.end, Math.max(0, position));
  }

  /** To the next or the previous recorded instant: {what, lane} of it, or null at either end. */
  step(direction) {
    this.mode = 'paused';
    const list = this.#all();
    const at = direction > 0
      ? firstAfter(list, this.at + 0.0005, (one) => one.at)
      : firstAfter(list, this.at - 0.0005, (one) => one.at) - 1;
    const found = list[at];
    if (!found || found.at > this.recording.startedMs + this.end) return null;
    this.position = found.at - this.recording.startedMs;
    return found;
  }

  /** Every instant of the recording, in order; made when it is asked for. */
  #all() {
    const lanes = Object.values(this.recording.lanes);
    const count = this.recording.events.length + lanes.reduce((sum, lane) => sum + lane.bytes.length + lane.receipts.length, 0);
    if (this.#instants.count === count) return this.#instants.list;
    const list = this.recording.events.map(({ plannedMs, offset }) => ({ at: plannedMs, what: `event ${offset} is published`, lane: null }));
    for (const lane of lanes) {
      for (const { atMs, offset } of lane.receipts) list.push({ at: atMs, what: `event ${offset} arrives`, lane: lane.kind });
      for (const one of lane.exchanges) {
        list.push({ at: one.requestAt, what: 'the server reads a request', lane: lane.kind });
        if (one.answerAt !== null) list.push({ at: one.answerAt, what: one.empty ? 'an empty answer leaves' : 'an answer leaves', lane: lane.kind });
      }
      for (const one of lane.messages) {
        if (one.direction === 'down') list.push({ at: one.at, what: one.what === 'event' ? `event ${one.offset} leaves` : `a ${one.what} leaves`, lane: lane.kind });
      }
    }
    list.sort((a, b) => a.at - b.at);
    this.#instants = { count, list };
    return list;
  }
}

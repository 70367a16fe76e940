// A run of bytes of one direction with one meaning. What it says of itself in words is worked out
// from the bytes when asked (explain.js), for most spans are never looked at.

import { explain, split } from './explain.js';

export class Span {
  #log;

  /** `note` is what the bytes alone don't tell: the header of the frame that a payload belongs to. */
  constructor(log, direction, from, to, at, kind, part, note = null) {
    this.#log = log;
    this.direction = direction;
    this.from = from;
    this.to = to;
    this.at = at;
    this.kind = kind;
    this.part = part;
    this.note = note;
  }

  /** Its bytes; none if the log has let go of them. */
  get bytes() {
    return this.from < this.#log.start ? new Uint8Array(0) : this.#log.slice(this.from, this.to);
  }

  get label() {
    return explain(this).label;
  }

  get value() {
    return explain(this).value;
  }

  get detail() {
    return explain(this).detail;
  }

  /** The finer spans it consists of: lines of a head, fields of a frame's header; itself otherwise. */
  get parts() {
    const parts = split(this);
    if (!parts) return [this];
    return parts.map(
      ({ from, to, part }) =>
        new Span(this.#log, this.direction, this.from + from, this.from + to, this.at, this.kind, part, this.note),
    );
  }
}

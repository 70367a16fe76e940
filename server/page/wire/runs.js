// The account of one connection: every byte of both directions in a run with one kind, and the sums.
// A kind may be put right once more is known, as when a poll turns out to have been empty.

import { ByteLog } from './byte_log.js';
import { Span } from './span.js';

export const KINDS = ['payload', 'framing', 'http_headers', 'empty_polls', 'handshake', 'keep_alive', 'packets', 'probes', 'upgrade', 'tls'];

/** Beyond so many runs the oldest are let go of; the sums stay. */
const MOST_RUNS = 80_000;

export class Runs {
  #totals = Object.fromEntries(KINDS.map((kind) => [kind, { up: 0, down: 0 }]));
  #written = { up: 0, down: 0 };

  list = [];
  /** How many were let go of. */
  forgotten = 0;

  constructor(limit) {
    this.log = { up: new ByteLog(limit), down: new ByteLog(limit) };
  }

  write(direction, from, to, at, kind, part, note = null) {
    const run = new Span(this.log[direction], direction, from, to, at, kind, part, note);
    this.list.push(run);
    this.#written[direction] += to - from;
    this.#totals[kind][direction] += to - from;
    if (this.list.length > MOST_RUNS) this.forgotten += this.list.splice(0, MOST_RUNS / 4).length;
    return run;
  }

  relabel(run, kind) {
    const bytes = run.to - run.from;
    this.#totals[run.kind][run.direction] -= bytes;
    this.#totals[kind][run.direction] += bytes;
    run.kind = kind;
  }

  /** What is not understood yet counts as framing, so that the sum is always all that was fed. */
  get byKind() {
    const kinds = {};
    for (const kind of KINDS) kinds[kind] = { ...this.#totals[kind] };
    for (const direction of ['up', 'down']) {
      kinds.framing[direction] += this.log[direction].end - this.#written[direction];
    }
    return kinds;
  }
}

// The framing and the content of a body that wait for their meaning: content is cut into parts that
// may reach over several chunks, and comes out as runs of the wire in their order.

export class Pieces {
  #waiting = [];

  get isEmpty() {
    return this.#waiting.length === 0;
  }

  /** `what` is 'content' or a part of the framing; `kind` is set where it is known already. */
  add(what, from, to, at, kind = null) {
    const last = this.#waiting.at(-1);
    if (what === 'content' && last?.what === 'content' && last.to === from) last.to = to;
    else this.#waiting.push({ what, from, to, at, kind });
  }

  /**
   * Takes the content of `parts` (`[{length, part, kind}]`) from the front, with the framing before
   * and between; framing without a kind gets `kind`. Calls `write(from, to, at, kind, part)`.
   */
  take(parts, kind, write) {
    let bytes = 0;
    for (const { length, part, kind: own } of parts) {
      for (let left = length; left > 0; ) {
        bytes += this.framing(kind, write);
        const piece = this.#waiting[0];
        const run = Math.min(left, piece.to - piece.from);
        write(piece.from, piece.from + run, piece.at, own, part);
        piece.from += run;
        left -= run;
        bytes += run;
        if (piece.from === piece.to) this.#waiting.shift();
      }
    }
    return bytes;
  }

  /** Takes the framing at the front; returns how many bytes that were. */
  framing(kind, write) {
    let bytes = 0;
    while (this.#waiting.length > 0 && this.#waiting[0].what !== 'content') {
      const { what, from, to, at, kind: own } = this.#waiting.shift();
      write(from, to, at, own ?? kind, what);
      bytes += to - from;
    }
    return bytes;
  }

  /** Takes all that is left, as what it was when the connection broke off. */
  rest(kind, write) {
    for (const { what, from, to, at } of this.#waiting) {
      write(from, to, at, kind, what === 'content' ? 'broken-off' : what);
    }
    this.#waiting = [];
  }
}

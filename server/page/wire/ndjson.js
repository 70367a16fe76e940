// Lines of JSON (NDJSON): where the first of them ends. An empty line is a heartbeat.

export class Lines {
  #seen = 0;

  /**
   * The first whole message at the front of `text`, all content since the last one: `{length, parts,
   * data, isComment}`, or null while its end is not there. `parts` cover `length` bytes.
   */
  next(text) {
    const feed = text.indexOf(10, this.#seen);
    this.#seen = feed < 0 ? text.length : 0;
    if (feed < 0) return null;
    if (feed === 0) {
      return { length: 1, parts: [{ length: 1, part: 'heartbeat' }], data: null, isComment: true };
    }
    const parts = [
      { length: feed, part: 'payload' },
      { length: 1, part: 'line-end' },
    ];
    return { length: feed + 1, parts, data: text.slice(0, feed), isComment: false };
  }
}

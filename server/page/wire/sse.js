// `text/event-stream` (WHATWG HTML §9.2.6) cut into blocks and their fields. A block ends at an empty
// line; this says which bytes are field names, values and comments, not what the page does with them.

const FEED = 10;
const RETURN = 13;
const latin = new TextDecoder('latin1');

export class Blocks {
  #at = 0;
  #begun = false;
  #parts = [];
  #data = [];
  #event = '';
  #comment = false;

  /**
   * The first whole block at the front of `text`, all content since the last one: `{length, parts,
   * data, isComment}`, or null while its end is not there. `parts` cover `length` bytes; `data` is
   * null where nothing would be dispatched as a `message`.
   */
  next(text) {
    for (;;) {
      const line = wholeLine(text, this.#at);
      if (!line) return null;
      this.#line(text, this.#at, line);
      this.#at = line.end;
      if (line.length === 0 || this.#parts.at(-1).part === 'sse-dispatch') return this.#block();
    }
  }

  #line(text, from, { length, end }) {
    const mark = !this.#begun && startsWithMark(text) ? 3 : 0;
    this.#begun = true;
    if (mark) this.#part(mark, 'sse-field');
    const line = text.subarray(from + mark, from + length);
    const ending = end - from - length;
    if (line.length === 0) return this.#part(ending, 'sse-dispatch');
    if (line[0] === 0x3a) {
      this.#comment = true;
      return this.#part(line.length + ending, 'sse-comment');
    }
    const colon = line.indexOf(0x3a);
    const name = latin.decode(colon < 0 ? line : line.subarray(0, colon));
    let value = colon < 0 ? line.length : colon + 1;
    if (line[value] === 0x20) value += 1;
    if (name === 'data') {
      this.#data.push(text.slice(from + mark + value, from + length));
      this.#part(value, 'sse-field');
      this.#part(line.length - value, 'payload');
      return this.#part(ending, 'line-end');
    }
    if (name === 'event') this.#event = latin.decode(line.subarray(value));
    return this.#part(line.length + ending, 'sse-field');
  }

  #part(length, part) {
    if (length > 0) this.#parts.push({ length, part });
  }

  #block() {
    const isMessage = this.#data.length > 0 && ['', 'message'].includes(this.#event);
    const block = {
      length: this.#at,
      parts: this.#parts,
      data: isMessage ? joined(this.#data) : null,
      isComment: this.#comment && this.#data.length === 0,
    };
    this.#at = 0;
    this.#parts = [];
    this.#data = [];
    this.#event = '';
    this.#comment = false;
    return block;
  }
}

/** `{length, end}` of the line at `from`: without and with its end; a CR waits for what follows it. */
function wholeLine(text, from) {
  for (let at = from; at < text.length; at += 1) {
    if (text[at] === FEED) return { length: at - from, end: at + 1 };
    if (text[at] === RETURN) {
      if (at + 1 === text.length) return null;
      return { length: at - from, end: text[at + 1] === FEED ? at + 2 : at + 1 };
    }
  }
  return null;
}

function startsWithMark(text) {
  return text[0] === 0xef && text[1] === 0xbb && text[2] === 0xbf;
}

/** `data` lines of one block are one value, joined by line feeds. */
function joined(lines) {
  if (lines.length === 1) return lines[0];
  const whole = new Uint8Array(lines.reduce((sum, line) => sum + line.length + 1, -1));
  let at = 0;
  for (const line of lines) {
    if (at > 0) whole[at - 1] = FEED;
    whole.set(line, at);
    at += line.length + 1;
  }
  return whole;
}

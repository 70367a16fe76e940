// A message body cut into steps: by its length, by chunks (RFC 9112 §7.1), or to the end of the
// connection. Each step says what the next bytes are; the caller takes them away and asks again.

const latin = new TextDecoder('latin1');
const MOST_LINE_BYTES = 1024;

export class Body {
  #state;
  #left = 0;

  /** `{chunked: true}`, `{length}` or `{toEnd: true}` */
  constructor(framing) {
    if (framing.chunked) this.#state = 'size';
    else if (framing.toEnd) this.#state = 'to-end';
    else if (framing.length === 0) this.#state = 'done';
    else {
      this.#state = 'sized';
      this.#left = framing.length;
    }
  }

  get isDone() {
    return this.#state === 'done';
  }

  get endsWithConnection() {
    return this.#state === 'to-end';
  }

  /** `{what: 'data' | 'chunk-size' | 'chunk-end' | 'trailer' | 'more' | 'bad', bytes}` */
  step(input) {
    switch (this.#state) {
      case 'to-end':
        return { what: 'data', bytes: input.length };
      case 'sized':
        return this.#data(input, 'done');
      case 'chunk':
        return this.#data(input, 'chunk-end');
      case 'size':
        return this.#size(input);
      case 'chunk-end':
        return this.#chunkEnd(input);
      case 'trailers':
        return this.#trailer(input);
      default:
        return { what: 'bad', bytes: input.length };
    }
  }

  #data(input, then) {
    const bytes = Math.min(this.#left, input.length);
    this.#left -= bytes;
    if (this.#left === 0) this.#state = then;
    return { what: 'data', bytes };
  }

  #size(input) {
    const line = lineLength(input);
    if (line <= 0) return { what: line < 0 ? 'bad' : 'more', bytes: 0 };
    // What follows a semicolon is a chunk extension and means nothing here.
    const size = latin.decode(input.subarray(0, line)).split(';')[0].trim();
    if (!/^[0-9A-Fa-f]{1,13}$/.test(size)) return { what: 'bad', bytes: input.length };
    this.#left = Number.parseInt(size, 16);
    this.#state = this.#left === 0 ? 'trailers' : 'chunk';
    return { what: 'chunk-size', bytes: line };
  }

  #chunkEnd(input) {
    if (input.length < 2) return { what: 'more', bytes: 0 };
    if (input[0] !== 13 || input[1] !== 10) return { what: 'bad', bytes: input.length };
    this.#state = 'size';
    return { what: 'chunk-end', bytes: 2 };
  }

  #trailer(input) {
    const line = lineLength(input);
    if (line <= 0) return { what: line < 0 ? 'bad' : 'more', bytes: 0 };
    if (line > 2) return { what: 'trailer', bytes: line };
    this.#state = 'done';
    return { what: 'chunk-end', bytes: line };
  }
}

/** Bytes up to and with the next line feed; 0 while there is none, -1 where none can come. */
function lineLength(input) {
  const feed = input.indexOf(10);
  if (feed >= 0) return feed + 1;
  return input.length > MOST_LINE_BYTES ? -1 : 0;
}

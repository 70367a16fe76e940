// All bytes of one direction of one connection, addressed by how many came before them. It keeps the
// youngest `limit` bytes and lets go of the oldest in blocks; it does not know what they mean.

const BLOCK = 4096;

export class ByteLog {
  #blocks = [];
  #dropped = 0;
  #limit;

  /** How many bytes have been appended. */
  end = 0;

  constructor(limit = 16 * 1024 * 1024) {
    this.#limit = limit;
  }

  /** The oldest position still kept. */
  get start() {
    return Math.min(this.#dropped * BLOCK, this.end);
  }

  append(bytes) {
    let taken = 0;
    while (taken < bytes.length) {
      const within = this.end % BLOCK;
      if (within === 0) this.#blocks.push(new Uint8Array(BLOCK));
      const run = Math.min(BLOCK - within, bytes.length - taken);
      this.#blocks.at(-1).set(bytes.subarray(taken, taken + run), within);
      this.end += run;
      taken += run;
    }
    if (this.end - this.start > this.#limit) this.#drop();
  }

  /** A quarter at once, so that letting go costs little. */
  #drop() {
    const blocks = Math.ceil(this.#limit / 4 / BLOCK);
    this.#blocks.splice(0, blocks);
    this.#dropped += blocks;
  }

  /** A copy of the bytes in [from, to); what is no longer kept is left out at the front. */
  slice(from, to) {
    const begin = Math.max(from, this.start);
    const bytes = new Uint8Array(Math.max(0, Math.min(to, this.end) - begin));
    for (let at = 0; at < bytes.length; ) {
      const position = begin + at;
      const within = position % BLOCK;
      const block = this.#blocks[Math.floor(position / BLOCK) - this.#dropped];
      const run = Math.min(BLOCK - within, bytes.length - at);
      bytes.set(block.subarray(within, within + run), at);
      at += run;
    }
    return bytes;
  }
}

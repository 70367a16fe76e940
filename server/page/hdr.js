// Reads the histograms that `results.json` carries: HdrHistogram's V2 format, deflated, in base64
// (HdrHistogram's HistogramEncodingSupport; counts are zig-zag LEB128, a negative one a run of empty
// buckets). It reads and lays side by side; recording is loadgen's.

const DEFLATED = 0x1c849304;
const PLAIN = 0x1c849303;
/** The base cookie's low byte says the width of a word: 0x10 in V2. */
const V2 = 0x10;
/** No histogram is as large; some bytes inflate to a thousand times as many. */
const MOST_BYTES = 16 * 2 ** 20;

export async function decode(base64) {
  const bytes = Uint8Array.from(atob(base64), letter => letter.charCodeAt(0));
  const outer = new DataView(bytes.buffer);
  if (outer.getUint32(0) !== (DEFLATED | V2)) throw new Error('not a deflated V2 histogram');
  const plain = await inflate(bytes.subarray(8, 8 + outer.getUint32(4)));
  const head = new DataView(plain.buffer, plain.byteOffset, plain.byteLength);
  if (head.getUint32(0) !== (PLAIN | V2)) throw new Error('not a V2 histogram');
  const length = head.getUint32(4);
  const layout = buckets(Number(head.getBigUint64(16)), head.getUint32(12));
  return new Histogram(layout, counts(plain.subarray(40, 40 + length)));
}

async function inflate(bytes) {
  const reader = new Blob([bytes]).stream().pipeThrough(new DecompressionStream('deflate')).getReader();
  const pieces = [];
  let length = 0;
  for (let { done, value } = await reader.read(); !done; { done, value } = await reader.read()) {
    length += value.length;
    if (length > MOST_BYTES) {
      await reader.cancel();
      throw new Error(`a histogram that inflates to more than ${MOST_BYTES / 2 ** 20} MB is not read`);
    }
    pieces.push(value);
  }
  const whole = new Uint8Array(length);
  let at = 0;
  for (const piece of pieces) {
    whole.set(piece, at);
    at += piece.length;
  }
  return whole;
}

/** [bucket, count] of every bucket that is not empty. */
function counts(bytes) {
  const found = [];
  let bucket = 0;
  for (let at = 0; at < bytes.length;) {
    // Seven bits a byte, the lowest first; a ninth byte is taken whole. Beyond 2^53 nobody counts.
    let value = 0;
    let scale = 1;
    for (let place = 0; ; place += 1) {
      const byte = bytes[at];
      at += 1;
      value += (place === 8 ? byte : byte & 0x7f) * scale;
      scale *= 128;
      if (place === 8 || byte < 0x80 || at >= bytes.length) break;
    }
    const signed = value % 2 === 0 ? value / 2 : -(value + 1) / 2;
    if (signed < 0) bucket += -signed;
    else {
      if (signed > 0) found.push([bucket, signed]);
      bucket += 1;
    }
  }
  return found;
}

function buckets(lowest, digits) {
  const unit = Math.floor(Math.log2(Math.max(1, lowest)));
  const bits = Math.ceil(Math.log2(2 * 10 ** digits));
  return { unit, half: 2 ** (bits - 1) };
}

/** The highest value that falls into the same bucket, as HdrHistogram reports a percentile. */
function highest({ unit, half }, bucket) {
  let level = Math.floor(bucket / half) - 1;
  let within = (bucket % half) + half;
  if (level < 0) [level, within] = [0, bucket];
  const size = 2 ** (level + unit);
  return within * size + size - 1;
}

export class Histogram {
  /** Ascending [highest value of the bucket, count]. */
  constructor(layout, found) {
    this.buckets = found.map(([bucket, count]) => [highest(layout, bucket), count]);
    this.count = found.reduce((sum, [, count]) => sum + count, 0);
  }

  quantile(q) {
    const wanted = Math.max(1, Math.ceil(q * this.count - 1e-9));
    let seen = 0;
    for (const [value, count] of this.buckets) {
      seen += count;
      if (seen >= wanted) return value;
    }
    return NaN;
  }

  /** [value, share at or below it], ascending. */
  cumulative() {
    let seen = 0;
    return this.buckets.map(([value, count]) => [value, (seen += count) / this.count]);
  }

  /** Samples of several runs together: histograms are added, percentiles never averaged. */
  static merged(all) {
    const sum = new Map();
    for (const one of all) for (const [value, count] of one.buckets) sum.set(value, (sum.get(value) ?? 0) + count);
    const merged = Object.create(Histogram.prototype);
    merged.buckets = [...sum].sort((a, b) => a[0] - b[0]);
    merged.count = merged.buckets.reduce((total, [, count]) => total + count, 0);
    return merged;
  }
}

// The closed formulas that a measurement is drawn against: pure functions, seconds and bytes in and out.
// Sources and derivations stand in each comment. It knows nothing of a run; what a run says about a
// formula is `verdict.js`' to decide.

/** IP and TCP header of one segment: 20 + 20, and 12 for timestamps. */
export const SEGMENT_BYTES = 52;

/** A law of latency: a share `atOnce` arrives after exactly `from`, the rest evenly within `width` after it. */
export function law(from, width = 0, atOnce = 0) {
  const rest = 1 - atOnce;
  return {
    from, width, atOnce,
    mean: from + rest * width / 2,
    deviation: Math.sqrt(Math.max(0, rest * width * width / 3 - (rest * width / 2) ** 2)),
    max: from + width,
    quantile: q => (q <= atOnce || rest === 0 ? from : from + width * (q - atOnce) / rest),
    cumulative(x) {
      if (x < from) return 0;
      if (width === 0 || x >= from + width) return 1;
      return atOnce + rest * (x - from) / width;
    },
  };
}

/** Interval polling with a fixed period T and a random phase: even on [d, d + T]. */
export const polling = {
  latency: ({ d = 0, T }) => law(d, T),
  requests: ({ T }) => 1 / T,
  /** Poisson: no event fell into the interval. On a beat of λ: max(0, 1 − λT). */
  emptyShare: ({ rate, T, arrivals = 'poisson' }) =>
    (arrivals === 'poisson' ? Math.exp(-rate * T) : Math.max(0, 1 - rate * T)),
  /** (Hq + Hr)/T + λS, and three segments a poll on the IP layer. */
  appBytes: ({ rate, T, S, heads }) => heads / T + rate * S,
  ipBytes: ({ rate, T, S, heads }) => (heads + 3 * SEGMENT_BYTES) / T + rate * S,
  /** (Hq + Hr)/(λT) + S: headers fall with the rate, payload does not. */
  bytesPerEvent: ({ rate, T, S, heads }) => heads / (rate * T) + S,
  /** What a server that keeps the newest event alone ever tells of. */
  latestShare({ rate, T, arrivals = 'poisson' }) {
    const heard = rate * T;
    return arrivals === 'poisson' ? -Math.expm1(-heard) / heard : Math.min(1, 1 / heard);
  },
  /** A history of `ring` events: E[min(K, ring)]/(λT), K Poisson of mean λT. */
  ringShare({ rate, T, ring }) {
    const heard = rate * T;
    let chance = Math.exp(-heard);
    let short = 0;
    for (let events = 0; events < ring; events += 1) {
      short += chance * (ring - events);
      chance *= heard / (events + 1);
    }
    return (ring - short) / heard;
  },
};

/** Long polling, every waiting event in one answer; R is the gap from an answer to the next request
 * as the server sees it, H the hold. RFC 6202 gives one transit on average and three at most. */
export const longPolling = {
  requests({ rate, R, H = Infinity }) {
    if (rate === 0) return 1 / (H + R);
    const held = Math.exp(-rate * R) * (H === Infinity ? 1 : -Math.expm1(-rate * H)) / rate;
    return 1 / (R + held);
  },
  /** z, the share of events that find a request waiting. */
  atOnce: at => 1 - longPolling.requests(at) * at.R,
  emptyShare: ({ rate, R, H = Infinity }) => (H === Infinity ? 0 : Math.exp(-rate * (R + H))),
  latency: at => law(at.d, at.R, longPolling.atOnce(at)),
  appBytes: at => longPolling.requests(at) * at.heads + at.rate * at.S,
  ipBytes: at => longPolling.requests(at) * (at.heads + 3 * SEGMENT_BYTES) + at.rate * at.S,
};

/** Bytes that a push transport puts around a message of `bytes`. */
export const framing = {
  /** RFC 9112 §7.1: the length in hexadecimal and two line ends. */
  chunk: bytes => bytes.toString(16).length + 4,
  /** RFC 6455 §5.2, server to client; a client adds a key of 4. */
  websocket: bytes => (bytes <= 125 ? 2 : bytes <= 65535 ? 4 : 10),
  /** `data: ` and two line ends, `idLine` bytes of an id, in a chunk of its own. */
  sse: (bytes, idLine = 0) => 8 + idLine + framing.chunk(bytes + 8 + idLine),
  /** A line end, in a chunk of its own. */
  stream: bytes => 1 + framing.chunk(bytes + 1),
  /** Engine.IO 4 over WebSocket: `42["name",x]`, with `more` bytes of further arguments. */
  socketio: (bytes, name, more = 0) => 7 + name.length + more + framing.websocket(bytes + 7 + name.length + more),
};

/** Streams, SSE and WebSocket: an event goes out when it comes. Two segments a push: it, and its ACK. */
export const push = {
  latency: ({ d = 0 }) => law(d),
  appBytes: ({ rate, S, h }) => rate * (S + h),
  ipBytes: ({ rate, S, h }) => rate * (S + h + 2 * SEGMENT_BYTES),
  /** A proxy that hands a stream on only when `buffer` bytes are full (RFC 6202 §3.2). */
  bufferedLatency: ({ d = 0, rate, buffer, message }) => law(d, buffer / (rate * message)),
};

/** λT at which polling and a push transport cost the same on the IP layer. */
export const breakEven = ({ heads, h, segments = 2 }) =>
  (heads + 3 * SEGMENT_BYTES) / (segments * SEGMENT_BYTES + h);

/** Clients that polling serves within a maximum acceptable latency. */
export const clientsWithin = ({ requestsPerS, acceptable }) => requestsPerS * acceptable;

/** How long a message of `bytes` keeps the next one waiting on a line of `bitsPerS`. */
export const headOfLine = ({ bytes, bitsPerS }) => 8 * bytes / bitsPerS;

/** A broadcast at `each` CPU seconds a client: even from the first client to the last. */
export const broadcast = ({ d = 0, clients, each }) => law(d, clients * each);

// The worker that the clients run in, so that drawing never delays a receipt. The instant of a receipt is
// taken here and nowhere else. It judges nothing: what came and when goes to the page in small batches.

import { clients } from './transports.js';

/** How long what came may wait for more before the page is told. */
const BATCH_MS = 12;

let batch = [];
let stop = new AbortController();

function tell(entry) {
  if (batch.push(entry) > 1) return;
  setTimeout(() => {
    postMessage({ kind: 'seen', entries: batch });
    batch = [];
  }, BATCH_MS);
}

function start(lane, options) {
  const at = () => performance.timeOrigin + performance.now();
  clients[lane]({
    ...options,
    signal: stop.signal,
    onEvent: (event) => {
      const received = at();
      tell({ lane, at: received, offset: event.id, type: event.type });
    },
    onState: (state, { missed = 0 } = {}) => tell({ lane, at: at(), state, missed }),
  }).catch((error) => tell({ lane, at: at(), state: 'failed', why: String(error) }));
}

addEventListener('message', ({ data }) => {
  if (data.do === 'start') {
    stop = new AbortController();
    for (const [lane, options] of Object.entries(data.lanes)) start(lane, options);
  } else if (data.do === 'stop') {
    stop.abort();
  }
});

// Clients beside the page's own, driven by loadgen against this very server. Where they do not come, or
// leave early, the recording says so, for its figures are then those of another situation.

import { when } from './hold.js';
import { LANES } from './knobs.js';

const STARTED_WITHIN_MS = 5000;
/** An earlier run of the generator may still be writing its report. */
const LAST_ENDED_WITHIN_MS = 15_000;
/** They connect over a second, and settle. */
const RAMP_MS = 2500;

const ENDS = ['failed', 'stopped', 'done'];

/** Until they are there, or will not come; `signal` ends the wait and the watch over them. */
export async function startBackground(lab, recording, signal) {
  const all = recording.parameters;
  const asked = `${all.background} × ${LANES[all.background_transport].title}`;
  await within(LAST_ENDED_WITHIN_MS, signal, (end) => when(lab, 'generator', () => lab.generator.live === null, end));
  const before = new Set(lab.generator.seen);
  let run = null;
  let why = null;
  const wait = new AbortController();
  lab.addEventListener('generator', ({ detail }) => {
    if (before.has(detail.run)) return;
    if (detail.state === 'started') run = detail.run;
    else if (ENDS.includes(detail.state) && (run ?? detail.run) === detail.run) {
      why ??= detail.text || `loadgen ${detail.state === 'failed' ? 'failed' : 'ended'} without a word`;
      if (run) recording.remarks.push(`The background clients (${asked}) left before the end (${why}): these figures are not all with them.`);
    }
    wait.abort();
  }, { signal });
  lab.addEventListener('refused', ({ detail }) => {
    if (detail.do !== 'generate') return;
    why ??= detail.why;
    wait.abort();
  }, { signal });
  lab.send({
    do: 'generate',
    background: {
      transport: all.background_transport, clients: all.background, rate: all.rate, payload: Math.max(32, all.payload),
      interval_ms: all.interval_ms, hold_s: all.hold_s, duration_s: all.duration_s + 60, seed: all.seed,
    },
  });
  await within(STARTED_WITHIN_MS, signal, (end) => when(wait.signal, 'abort', () => wait.signal.aborted, end));
  if (run && !why) return within(RAMP_MS, signal, (end) => when(wait.signal, 'never', () => false, end));
  lab.send({ do: 'generate', stop: true });
  all.background = 0;
  const reason = why ?? `they had not started within ${STARTED_WITHIN_MS / 1000} s`;
  recording.remarks.push(`The background clients that were asked for (${asked}) did not come (${reason}): these figures are without them.`);
}

/** `act` gets a signal that is aborted with `signal`, and after so many milliseconds. */
async function within(milliseconds, signal, act) {
  const end = new AbortController();
  const abort = () => end.abort();
  const timer = setTimeout(abort, milliseconds);
  signal.addEventListener('abort', abort, { signal: end.signal });
  if (signal.aborted) abort();
  await act(end.signal);
  clearTimeout(timer);
  abort();
}

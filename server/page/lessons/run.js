// Runs a lesson for real and has it judged: the floor of this machine first, then the lesson's runs one after
// another, or loadgen. A run that was void gives no verdict. It shows nothing.

import { initial } from '../knobs.js';
import { average, quantileOf, together } from '../verdict.js';
import { latencies } from './readout.js';

/** A browser's event loop hands over to the millisecond, not below: allowed beside every floor. */
const HAND_OVER_MS = 1;
/** Above it the machine, not the transport, is what a latency would tell of. */
const BUSY_MS = 20;
const CALIBRATIONS = 3;
const CALIBRATION = { rate: 50, arrivals: 'constant', payload: 64, rtt_ms: 0, duration_s: 4, drain_ms: 500 };

/** Knobs that the learner turned for a race are not a lesson's. */
const plain = parameters => ({ ...initial(), background: 0, cookie: 0, ...parameters });

/** What server, browser and machine add where the model says 0: a WebSocket on a line without delay. */
async function calibrate(lab, hold) {
  const recording = await lab.run(plain(CALIBRATION), { lanes: ['websocket'], hold });
  hold.signal.throwIfAborted();
  refuseVoid(recording);
  const values = latencies(recording, 'websocket');
  if (values.length === 0) throw new Error('No event came over the WebSocket of the calibration run.');
  const mean = average(values);
  return { mean, allowed: mean + HAND_OVER_MS, tail: Math.max(0, quantileOf(values, 0.99) - mean), n: values.length };
}

/** A machine that is busy for a moment is asked again; one that stays busy gives no verdict. */
async function floorOf(lab, tell, hold) {
  for (let asked = 1; ; asked += 1) {
    tell(asked);
    const floor = await calibrate(lab, hold);
    if (floor.mean <= BUSY_MS) return floor;
    if (asked === CALIBRATIONS) {
      throw new Error(`This machine is too busy to measure: a WebSocket on a bare line takes ${floor.mean.toFixed(0)} ms (n = ${floor.n}). Close what runs beside it and run again.`);
    }
  }
}

function refuseVoid(recording) {
  const reason = recording.void ?? recording.bytesVoid;
  if (reason) throw new Error(`This run is void: ${reason}. Run it again.`);
}

/** → {rows, verdict, n, of, text, floor, recordings, …}; `tell(step, of, words)` hears of progress. */
export async function runHere(lesson, parameters, lab, tell = () => {}) {
  const hold = lab.occupy(`lesson ${lesson.number}`);
  try {
    return await measured(lesson, parameters, lab, tell, hold);
  } finally {
    hold.release();
  }
}

async function measured(lesson, parameters, lab, tell, hold) {
  const given = { ...lesson.parameters, ...parameters };
  const found = { parameters: given, recordings: [] };
  const runs = lesson.drive ? [] : lesson.runs?.(given) ?? [given];
  const steps = runs.length + (lesson.drive ? 2 : 1);
  if (lesson.by !== 'computed') {
    found.floor = await floorOf(lab, asked => tell(1, steps, `calibrating: what this machine adds by itself${asked > 1 ? `, again (it is busy)` : ''}`), hold);
  }
  for (const [at, run] of runs.entries()) {
    const overrides = typeof run === 'function' ? run(found.recordings) : run;
    tell(at + 2, steps, `running for ${overrides.duration_s} s`);
    const recording = await lab.run(plain(overrides), { lanes: lesson.lanes, hold });
    hold.signal.throwIfAborted();
    refuseVoid(recording);
    found.recordings.push(recording);
  }
  if (lesson.drive) {
    tell(steps, steps, 'running');
    found.driven = await lesson.drive(lab, given, hold);
  }
  return { ...found, ...await lesson.judge(found), by: lesson.by ?? 'browser' };
}

/** The shipped scenarios whose names begin with the lesson's. */
export async function scenarios(prefix) {
  const answer = await fetch('/lab/scenarios', { cache: 'no-store' });
  if (!answer.ok) throw new Error(await whyNot(answer));
  const all = await answer.json();
  return all.filter(one => one.name === prefix || one.name.startsWith(`${prefix}-`));
}

export async function whyNot(answer) {
  const problem = await answer.json().catch(() => ({}));
  return problem.detail ?? problem.title ?? `The lab answered ${answer.status}.`;
}

/** Results that are too large for the session's socket lie in the report: `NAME/STAMP`. */
async function fetched(run) {
  const answer = await fetch(`/lab/reports/${run.split('/').map(encodeURIComponent).join('/')}/results.json`);
  if (!answer.ok) throw new Error(await whyNot(answer));
  return answer.json();
}

/** How long loadgen may take to write its report once it is told to stop. */
const STOPS_WITHIN_MS = 20_000;

/** Runs a shipped scenario in loadgen; resolves with its results. What other runs say is not its own. */
export async function generate(lab, name, tell = () => {}, within = null) {
  const hold = lab.occupy(`loadgen’s run of “${name}”`, within);
  const own = new AbortController();
  try {
    return await attended(lab, name, tell, hold.signal, own.signal);
  } finally {
    own.abort();
    hold.release();
  }
}

function attended(lab, name, tell, stop, signal) {
  const before = new Set(lab.generator.seen);
  let run = null;
  return new Promise((resolve, reject) => {
    const fail = words => reject(new Error(words));
    const hear = ({ detail }) => {
      if (before.has(detail.run) || (run !== null && detail.run !== run)) return;
      if (detail.state === 'started') run = detail.run;
      // Until it has started, only its failure or the stop that was asked for can be its end.
      if (run === null && detail.state !== 'failed' && !stop.aborted) return;
      if (detail.state === 'started' || detail.state === 'progress') tell(detail.text ?? '');
      else if (detail.state === 'failed' && !detail.results) fail(detail.text || 'loadgen failed without a word.');
      else if (detail.state === 'stopped') fail('Stopped.');
      else if (detail.results) resolve(detail.results);
      else if (detail.state === 'done') fetched(detail.run).then(resolve, reject);
    };
    lab.addEventListener('generator', hear, { signal });
    lab.addEventListener('refused', ({ detail }) => { if (detail.do === 'generate') fail(detail.why); }, { signal });
    lab.addEventListener('state', () => { if (lab.state === 'closed') fail('The connection to the lab ended.'); }, { signal });
    stop.addEventListener('abort', () => {
      lab.send({ do: 'generate', stop: true });
      const timer = setTimeout(() => fail('Stopped, but loadgen has not said that it ended.'), STOPS_WITHIN_MS);
      signal.addEventListener('abort', () => clearTimeout(timer));
    }, { signal });
    lab.send({ do: 'generate', scenario: name });
  });
}

/** A lesson by its scenario, in loadgen: its own expectations are the verdict. */
export async function runByGenerator(lesson, lab, tell = () => {}) {
  const hold = lab.occupy(`lesson ${lesson.number}`);
  try {
    return await generated(lesson, lab, tell, hold);
  } finally {
    hold.release();
  }
}

async function generated(lesson, lab, tell, hold) {
  const found = await scenarios(lesson.scenario);
  if (found.length === 0) throw new Error(`No scenario ${lesson.scenario} is shipped with this server.`);
  const { fromResults } = await import('./results.js');
  const parts = [];
  for (const [at, one] of found.entries()) {
    tell(at + 1, found.length, `loadgen runs “${one.title ?? one.name}”`);
    const results = await generate(lab, one.name, words => tell(at + 1, found.length, words), hold);
    parts.push({ results, name: one.name, ...(lesson.by === 'generator' ? lesson.judge({ results }) : fromResults(results)) });
  }
  return {
    by: 'generator', parts,
    rows: parts.flatMap(part => part.rows), model: parts.flatMap(part => part.model ?? []),
    n: parts.reduce((sum, part) => sum + part.n, 0), of: parts[0].of, answer: parts.map(part => part.answer).find(Boolean) ?? null,
    text: parts.map(part => part.text).join(' '),
  };
}

export const verdictOf = found => together(found.rows.filter(row => row.verdict && !row.beside));

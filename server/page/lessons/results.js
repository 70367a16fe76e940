// The verdict of a lesson that loadgen ran: its own expectations, and its own model rows, as they stand
// in `results.json`. Nothing is judged a second time here.

import { DOES_NOT, HOLDS, TOO_FEW } from '../verdict.js';

const SCALES = { us: [1000, 'ms'], s: [1, 's'], bytes: [1, 'B'], bytes_per_s: [1, 'B/s'], per_s: [1, '/s'], count: [1, ''], share: [0.01, '%'], ratio: [1, ''] };

const unitOf = unit => SCALES[unit] ?? [1, ''];

/** Medians of a figure: [{name, transport, parameters, value}] in the order of the summary. */
export function medians(results, figure) {
  return (results.summary ?? [])
    .filter(row => Number.isFinite(row[figure]?.median))
    .map(row => ({ name: row.name, transport: row.transport, parameters: row.parameters, value: row[figure].median, low: row[figure].low, high: row[figure].high }));
}

/** Events that came to clients, over all trials that count. */
function deliveries(results) {
  return (results.trials ?? []).filter(trial => trial.valid).reduce((sum, trial) => sum + trial.delivered, 0);
}

/** `interval_s: 0.25` → “interval 0.25 s”. */
function worded(key, value) {
  const [, name, unit] = /^(.*?)(?:_(s|ms|us|bytes))?$/.exec(key);
  return [name.replaceAll('_', ' '), value, unit].filter(part => part !== undefined).join(' ');
}

const counted = (count, word) => `${count} ${word}${count === 1 ? '' : 's'}`;

/** What tells two rows of one name apart: the parameters that differ within these results. */
export function telling(rows) {
  const keys = [...new Set(rows.flatMap(row => Object.keys(row.parameters ?? {})))];
  const varied = keys.filter(key => new Set(rows.map(row => JSON.stringify(row.parameters?.[key]))).size > 1);
  return row => varied.filter(key => row.parameters?.[key] !== undefined).map(key => worded(key, row.parameters[key])).join(', ');
}

/** Connections that were held, over all trials that count. */
function connections(results) {
  return (results.trials ?? []).filter(trial => trial.valid).reduce((sum, trial) => sum + trial.clients, 0);
}

/** `main`: {label, unit, figure(), answer, of} picks the figure that stands beside the guess, and what n counts. */
export function fromResults(results, main = null) {
  const expected = results.expectations ?? [];
  const said = telling(expected);
  const rows = expected.map(one => {
    const [scale, unit] = unitOf(one.unit);
    const wanted = one.threshold === null || one.threshold === undefined ? null : one.threshold / scale;
    return {
      verdict: one.holds ? HOLDS : DOES_NOT, label: [one.expression.startsWith(one.name) ? null : one.name, one.expression, said(one)].filter(Boolean).join(' · '),
      measured: one.measured === null || one.measured === undefined ? null : one.measured / scale,
      model: wanted, modelText: wanted === null ? one.problem ?? '–' : null, operator: one.operator, unit,
    };
  });
  if (results.verdict && !results.verdict.valid) {
    rows.unshift({ verdict: TOO_FEW, label: `the run is not valid: ${results.verdict.reasons.join('; ')}`, measured: null, model: null, unit: '' });
  }
  const picked = main?.figure?.() ?? null;
  const of = main?.of ?? 'deliveries';
  const n = of === 'connections' ? connections(results) : deliveries(results);
  if (picked !== null) rows.unshift({ verdict: null, beside: true, label: main.label, measured: picked, model: null, unit: main.unit });
  return {
    rows, n, of,
    answer: main?.answer && rows.some(row => row.verdict) && rows.every(row => row.verdict !== DOES_NOT) ? main.answer : null,
    text: `Run by loadgen: ${counted((results.trials ?? []).length, 'trial')}, ${expected.filter(one => one.holds).length} of ${expected.length} expectations hold.`,
    model: modelRows(results),
  };
}

/** Every model figure of a run, with its own verdict. */
export function modelRows(results) {
  const rows = results.model ?? [];
  const said = telling(rows);
  return rows.flatMap(row => row.figures.map(figure => {
    const [scale, unit] = figure.figure.endsWith('_us') ? [1000, 'ms'] : figure.figure.endsWith('_share') ? [0.01, '%'] : [1, figure.figure.includes('bytes') ? 'B' : ''];
    const at = value => (value === null || value === undefined ? null : value / scale);
    return {
      label: [row.name, figure.figure.replace(/_us$/, '').replaceAll('_', ' '), said(row)].filter(Boolean).join(' · '),
      measured: at(figure.measured), model: at(figure.model), low: at(figure.low), high: at(figure.high),
      verdict: figure.verdict === 'holds' ? HOLDS : figure.verdict === 'does-not' ? DOES_NOT : TOO_FEW, unit, n: row.events,
    };
  }));
}

// Two drawings of a lesson: guess, model and measured on one axis; and the distributions of latency with
// their laws. SVG of classes, so that colours follow the page. Each has its words beside it as a table, so
// a drawing is named and else hidden from a screen reader.

import { TITLES } from '../transports.js';
import { drawing, element } from './element.js';
import { figure, number } from './figures.js';

const WIDTH = 640;

/** Round values that part [low, high] into about `count`. */
export function ticks(low, high, count = 5) {
  const rough = (high - low) / count;
  const scale = 10 ** Math.floor(Math.log10(rough));
  const step = [1, 2, 5, 10].map(digit => digit * scale).find(size => size >= rough);
  const found = [];
  for (let at = Math.ceil(low / step) * step; at <= high + step * 1e-6; at += step) found.push(Number(at.toPrecision(12)));
  return found;
}

function decades(low, high) {
  const found = [];
  for (let power = Math.floor(Math.log10(low)); power <= Math.ceil(Math.log10(high)); power += 1) {
    for (const digit of [1, 2, 5]) {
      const at = digit * 10 ** power;
      if (at >= low * 0.999 && at <= high * 1.001) found.push(at);
    }
  }
  return found.length > 8 ? found.filter(at => Number(at.toPrecision(1)).toString().replace(/[.0e+-]/g, '') === '1') : found;
}

function scale(values, log) {
  const seen = values.filter(Number.isFinite);
  let low = Math.min(...seen);
  let high = Math.max(...seen);
  if (log) {
    [low, high] = [Math.max(low, high / 1e6) / 1.3, high * 1.3];
    return { at: value => Math.log(Math.max(value, low) / low) / Math.log(high / low), marks: decades(low, high) };
  }
  if (low >= 0 && low < high * 0.7) low = 0;
  const room = (high - low || Math.abs(high) || 1) * 0.08;
  if (low !== 0) low -= room;
  high += room;
  return { at: value => (value - low) / (high - low), marks: ticks(low, high) };
}

/** `guess` may be null. The band is what measured may be if the model holds. */
export function axis({ guess, row, log = false }) {
  const unit = row.unit;
  const marks = [
    { kind: 'model', label: 'model', value: row.model },
    { kind: 'measured', label: 'measured', value: row.measured },
    { kind: 'guess', label: 'your guess', value: guess },
  ].filter(mark => Number.isFinite(mark.value));
  const on = scale([...marks.map(mark => mark.value), row.low, row.high], log);
  const x = value => 70 + (WIDTH - 140) * on.at(value);
  const height = 36 + 28 * marks.length;
  const base = height - 26;
  const parts = [];
  if (Number.isFinite(row.low)) {
    const [from, to] = [x(row.low), x(row.high)];
    parts.push(drawing('rect', { class: 'band', x: from, width: Math.max(2, to - from), y: 6, height: base - 6 }));
  }
  parts.push(drawing('line', { class: 'base', x1: 40, x2: WIDTH - 40, y1: base, y2: base }));
  for (const at of on.marks) {
    const here = x(at);
    if (here < 30 || here > WIDTH - 30) continue;
    parts.push(drawing('line', { class: 'tick', x1: here, x2: here, y1: base, y2: base + 5 }));
    parts.push(drawing('text', { class: 'tick-words', x: here, y: base + 19 }, number(at)));
  }
  marks.forEach((mark, line) => {
    const [here, y] = [x(mark.value), 20 + 28 * line];
    const right = here < WIDTH * 0.62;
    parts.push(
      drawing('line', { class: `stem ${mark.kind}`, x1: here, x2: here, y1: y, y2: base }),
      mark.kind === 'guess' ? drawing('path', { class: mark.kind, d: `M${here - 6},${y - 6}h12l-6,12z` })
        : mark.kind === 'model' ? drawing('rect', { class: mark.kind, x: here - 5, y: y - 5, width: 10, height: 10 })
          : drawing('circle', { class: mark.kind, cx: here, cy: y, r: 6 }),
      drawing('text', { class: `mark-words ${right ? 'right' : 'left'}`, x: here + (right ? 12 : -12), y: y + 5 }, `${mark.label} ${figure(mark.value, unit)}`),
    );
  });
  const name = marks.map(mark => `${mark.label} ${figure(mark.value, unit)}`).join(', ');
  return drawing('svg', { class: 'axis', viewBox: `0 0 ${WIDTH} ${height}`, role: 'img', 'aria-label': name }, parts);
}

export const laneTitle = lane => TITLES[lane] ?? lane;

/** Cumulative distributions over a logarithmic axis in ms; `curves`: [{lane, values | cumulative, law?, label?}]. */
export function distributions(curves, { floor = 0, unit = 'ms' } = {}) {
  const height = 260;
  const [left, top, bottom] = [64, 14, 48];
  const prepared = curves.map(curve => ({ ...curve, steps: curve.cumulative ?? steps(curve.values) })).filter(curve => curve.steps.length > 0);
  if (prepared.length === 0) return element('p', { class: 'muted' }, 'Nothing arrived, so there is no distribution.');
  const all = prepared.flatMap(({ steps: seen }) => [Math.max(seen[0][0], 0.05), seen.at(-1)[0]]);
  const on = scale(all, true);
  const x = value => left + (WIDTH - left - 16) * Math.min(1, Math.max(0, on.at(value)));
  const y = share => top + (height - top - bottom) * (1 - share);
  const parts = [];
  for (const share of [0, 0.25, 0.5, 0.75, 1]) {
    parts.push(drawing('line', { class: 'grid', x1: left, x2: WIDTH - 16, y1: y(share), y2: y(share) }));
    parts.push(drawing('text', { class: 'tick-words end', x: left - 8, y: y(share) + 4 }, `${share * 100} %`));
  }
  for (const at of on.marks) {
    parts.push(drawing('line', { class: 'grid', x1: x(at), x2: x(at), y1: top, y2: y(0) }));
    parts.push(drawing('text', { class: 'tick-words', x: x(at), y: height - 24 }, number(at)));
  }
  parts.push(drawing('text', { class: 'tick-words', x: (left + WIDTH) / 2, y: height - 6 }, `latency, ${unit}, logarithmic`));
  prepared.forEach((curve, which) => {
    const tone = curve.lane ? `lane-${curve.lane}` : `tone-${which % 6}`;
    parts.push(drawing('path', { class: `curve ${tone}${curve.run ? ` run-${curve.run % 4}` : ''}`, d: path(curve.steps, x, y) }));
    if (curve.law) parts.push(drawing('path', { class: `law ${tone}`, d: lawPath(curve.law, floor, on, x, y) }));
  });
  const names = prepared.map(curve => curve.label ?? laneTitle(curve.lane));
  const svg = drawing('svg', { class: 'distributions', viewBox: `0 0 ${WIDTH} ${height}`, role: 'img', 'aria-label': `Cumulative distribution of latency: ${names.join(', ')}` }, parts);
  const legend = element('ul', { class: 'legend' }, prepared.map((curve, which) =>
    element('li', {}, element('span', { class: `swatch ${curve.lane ? `lane-${curve.lane}` : `tone-${which % 6}`}`, 'aria-hidden': 'true' }), names[which], curve.law ? ' (dashed: model)' : '')));
  return element('figure', { class: 'plot' }, svg, legend);
}

/** How often each delay came, in even steps from 0; the law is the dashed line. */
export function histogram({ lane, values, law }, floor = 0, bins = 40) {
  if (values.length === 0) return null;
  const height = 180;
  const [left, base] = [20, height - 44];
  const most = Math.max(...values, law.max + floor) * 1.05;
  const width = most / bins;
  const counts = new Array(bins).fill(0);
  for (const value of values) counts[Math.min(bins - 1, Math.max(0, Math.floor(value / width)))] += 1;
  const due = Array.from({ length: bins }, (_, at) => (law.cumulative((at + 1) * width - floor) - law.cumulative(at * width - floor)) * values.length);
  const highest = Math.max(...counts, ...due);
  const x = value => left + (WIDTH - left - 16) * value / most;
  const y = count => base - (base - 12) * count / highest;
  const bars = counts.map((count, at) => drawing('rect', { class: `heap lane-${lane}`, x: x(at * width) + 0.5, width: Math.max(0.5, x(width) - left - 1), y: y(count), height: base - y(count) }));
  const line = due.map((count, at) => `${at ? 'L' : 'M'}${x(at * width).toFixed(1)},${y(count).toFixed(1)}H${x((at + 1) * width).toFixed(1)}`).join('');
  const marks = ticks(0, most).map(at => drawing('text', { class: 'tick-words', x: x(at), y: base + 19 }, number(at)));
  return element('figure', { class: 'plot' }, drawing('svg', { class: 'distributions', viewBox: `0 0 ${WIDTH} ${height}`, role: 'img', 'aria-label': `Histogram of latency, ${laneTitle(lane)}, with the model` },
    bars, drawing('path', { class: 'law lane-ink', d: line }), drawing('line', { class: 'base', x1: left, x2: WIDTH - 16, y1: base, y2: base }), marks,
    drawing('text', { class: 'tick-words', x: (left + WIDTH) / 2, y: height - 4 }, `${laneTitle(lane)}: events by latency in ms (dashed: model)`)));
}

function steps(values) {
  const sorted = Float64Array.from(values).sort();
  const found = [];
  const stride = Math.max(1, Math.floor(sorted.length / 400));
  for (let at = 0; at < sorted.length; at += stride) found.push([sorted[at], (at + 1) / sorted.length]);
  if (sorted.length) found.push([sorted.at(-1), 1]);
  return found;
}

function path(seen, x, y) {
  let d = `M${x(seen[0][0]).toFixed(1)},${y(0).toFixed(1)}`;
  for (const [value, share] of seen) d += `H${x(value).toFixed(1)}V${y(share).toFixed(1)}`;
  return d;
}

function lawPath(law, floor, on, x, y) {
  const points = [];
  for (let share = 0; share <= 1.0001; share += 0.01) {
    const value = law.quantile(Math.min(1, share)) + floor;
    points.push(`${x(value).toFixed(1)},${y(Math.min(1, share)).toFixed(1)}`);
  }
  return `M${points[0].split(',')[0]},${y(0)}L${points.join('L')}`;
}

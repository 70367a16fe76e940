// A lane's latencies as a histogram with its cumulative share over it, on a logarithmic axis that all
// lanes share, so that they can be compared by eye. It computes no verdict.

const LEAST = 0.5;
const MOST = 20_000;
const PER_DECADE = 8;
const BINS = Math.ceil(Math.log10(MOST / LEAST) * PER_DECADE);

/** What lies under the axis counts in the first bin: negative latencies are kept and seen. */
export function bins(sorted) {
  const counts = new Array(BINS).fill(0);
  for (const latency of sorted) {
    const bin = latency <= LEAST ? 0 : Math.floor(Math.log10(latency / LEAST) * PER_DECADE);
    counts[Math.min(BINS - 1, bin)] += 1;
  }
  return counts;
}

export function paintCurves(painter, kind, figures) {
  const { width, height } = painter;
  const base = height - 15;
  const top = 12;
  const place = (latency) => (Math.log10(Math.max(LEAST, latency) / LEAST) / Math.log10(MOST / LEAST)) * width;
  for (const [latency, words] of [[1, '1 ms'], [10, '10'], [100, '100'], [1000, '1 s'], [10000, '10 s']]) {
    const at = place(latency);
    painter.lines([at, top, at, base], { stroke: 'grid', width: 1 });
    painter.text(at, height - 3, words, { size: 10, align: 'center' });
  }
  painter.lines([0, base, width, base], { stroke: 'muted', width: 1 });
  if (figures.n === 0) {
    painter.text(width / 2, (top + base) / 2, 'no event yet', { align: 'center' });
    return;
  }
  const counts = bins(figures.sorted);
  const most = Math.max(...counts);
  const wide = width / BINS;
  const bars = [];
  counts.forEach((count, bin) => {
    if (count) bars.push(bin * wide, base - (count / most) * (base - top), Math.max(1, wide - 1), (count / most) * (base - top));
  });
  painter.rects(bars, { fill: `lane-${kind}`, alpha: 0.55 });
  const curve = [0, base];
  const { sorted } = figures;
  const stride = Math.max(1, Math.floor(sorted.length / 200));
  for (let at = 0; at < sorted.length; at += stride) {
    curve.push(place(sorted[at]), base - (at / sorted.length) * (base - top), place(sorted[at]), base - ((at + 1) / sorted.length) * (base - top));
  }
  curve.push(place(sorted.at(-1)), top, width, top);
  painter.path(curve, { stroke: 'ink', width: 1.25 });
  painter.text(width - 2, top - 2, `n = ${figures.n}`, { size: 10, align: 'right' });
}

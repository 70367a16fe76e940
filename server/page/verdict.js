// When a model holds: a tolerance that follows from how much was seen, never from taste. A mean may be
// off by three standard errors and the floor of the machine, a share by three of its own, exact bytes
// by nothing. Below the least n nothing is decided. Pure.

/** Events below which a distribution of latencies decides nothing. */
const LEAST_EVENTS = 1000;
/** A share is judged where the rarer side was expected at least so often. */
const LEAST_OF_EITHER = 5;

export const HOLDS = 'holds';
export const DOES_NOT = 'does not';
export const TOO_FEW = 'too few events';

/** `measured` against `model` ± `off`. */
export function judged({ measured, model, off, n, least = 0 }) {
  const low = model - off;
  const high = model + off;
  const seen = Number.isFinite(measured);
  const verdict = n < least || !seen ? TOO_FEW
    : measured >= low - 1e-9 && measured <= high + 1e-9 ? HOLDS : DOES_NOT;
  return { verdict, measured: seen ? measured : null, model, low, high, n };
}

/** A mean of latencies: ±(3·sd/√n + floor); the floor has been taken off `measured` once already.
 * `draws` are the independent ones among the n (phases, where a beat makes waits alike). */
export const mean = ({ measured, law, n, floor = 0, draws = n }) =>
  judged({ measured, model: law.mean, off: 3 * law.deviation / Math.sqrt(Math.max(1, draws)) + floor, n, least: LEAST_EVENTS });

/** A quantile lies between the law's quantiles at q ∓ 3σ. */
export function quantile({ measured, law, q, n, floor = 0 }) {
  const sigma = Math.sqrt(q * (1 - q) / Math.max(1, n));
  const [under, over] = [q - 3 * sigma, q + 3 * sigma];
  const model = law.quantile(q);
  const low = law.quantile(Math.max(0, under)) - floor;
  const high = law.quantile(Math.min(1, over)) + floor;
  const verdict = n < LEAST_EVENTS || !Number.isFinite(measured) ? TOO_FEW
    : measured >= low && measured <= high ? HOLDS : DOES_NOT;
  return { verdict, measured, model, low, high, n };
}

/** A share of n: ±3√(p(1 − p)/n), and one more for the edge of the window. */
export function share({ measured, model, n }) {
  const rarer = Math.min(model, 1 - model) * n;
  const certain = model === 0 || model === 1;
  const off = 3 * Math.sqrt(model * (1 - model) / Math.max(1, n)) + 1 / Math.max(1, n);
  return judged({ measured, model, off, n, least: certain || rarer >= LEAST_OF_EITHER ? 1 : Infinity });
}

/** Several verdicts in one: a miss decides, then what could not be decided. */
export function together(parts) {
  const found = [DOES_NOT, TOO_FEW, HOLDS].find(kind => parts.some(part => part.verdict === kind));
  return found ?? TOO_FEW;
}

export const average = values => values.reduce((sum, value) => sum + value, 0) / values.length;

export function deviation(values) {
  const middle = average(values);
  return Math.sqrt(values.reduce((sum, value) => sum + (value - middle) ** 2, 0) / Math.max(1, values.length - 1));
}

/** The value below which a share q of `values` lies, interpolated between neighbours. */
export function quantileOf(values, q) {
  const sorted = Float64Array.from(values).sort();
  if (sorted.length === 0) return NaN;
  const at = q * (sorted.length - 1);
  const below = Math.floor(at);
  const above = Math.min(sorted.length - 1, below + 1);
  return sorted[below] + (sorted[above] - sorted[below]) * (at - below);
}

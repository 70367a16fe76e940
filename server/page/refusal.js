// An answer that is no success, as an Error: the status, the server's own sentence (RFC 9457), and how
// long it asks to wait (`Retry-After`). It decides nothing about trying again.

export class Refusal extends Error {
  constructor({ status = 0, title = null, detail = null, retryAfterMs = null, code = null }) {
    super(detail ?? title ?? (status ? `status ${status}` : 'no answer'));
    Object.assign(this, { status, title, detail, retryAfterMs, code });
  }
}

export async function refusal(answer) {
  const isProblem = (answer.headers.get('content-type') ?? '').startsWith('application/problem+json');
  const { title, detail } = isProblem ? await answer.json().catch(() => ({})) : {};
  return new Refusal({ status: answer.status, title, detail, retryAfterMs: retryAfter(answer.headers.get('retry-after')) });
}

/** The same of a message that says so within a connection: `{status, title, detail, retry_after}`. */
export function told({ status, title, detail, retry_after: seconds }) {
  return new Refusal({ status, title, detail, retryAfterMs: seconds ? seconds * 1000 : null });
}

/** Seconds, or a date (RFC 9110 §10.2.3) → milliseconds from now; null where there is neither. */
export function retryAfter(value, now = Date.now()) {
  if (!value) return null;
  const ms = /^\d+$/.test(value) ? Number(value) * 1000 : Date.parse(value) - now;
  return Number.isFinite(ms) ? Math.max(0, ms) : null;
}

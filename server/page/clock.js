// The difference between this browser's clock and the server's, estimated by the shortest of several
// exchanges (Cristian 1989): half the round trip bounds the error. It trusts neither clock more; where
// both are on one host and the estimate lies within its error, the clocks are the same and it is zero.

/** Milliseconds since the Unix epoch by this browser's monotonic clock. */
export const now = () => performance.timeOrigin + performance.now();

/** → {offsetMs, errorMs, n}: server = browser + offsetMs, ± errorMs. */
export async function measureOffset(session, exchanges = 9) {
  let best = null;
  for (let n = 0; n < exchanges; n += 1) {
    const sent = performance.now();
    // A number may come back from JSON with another last digit.
    const answer = session.next('clock', { wanted: (message) => Math.abs(message.sent - sent) < 0.001 });
    session.send({ do: 'clock', sent });
    const { server_ms: serverMs } = await answer;
    const roundTrip = performance.now() - sent;
    const middle = performance.timeOrigin + sent + roundTrip / 2;
    if (!best || roundTrip < best.roundTrip) best = { roundTrip, offsetMs: serverMs - middle };
  }
  const errorMs = best.roundTrip / 2;
  const same = onOneHost() && Math.abs(best.offsetMs) <= errorMs;
  return { offsetMs: same ? 0 : best.offsetMs, estimatedMs: best.offsetMs, errorMs, n: exchanges };
}

/** A loopback address cannot be another machine. */
export function onOneHost(host = location.hostname) {
  return host === 'localhost' || host === '[::1]' || /^127\.\d+\.\d+\.\d+$/.test(host);
}

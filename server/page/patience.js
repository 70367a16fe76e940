// What the clients do between two attempts: wait, and wait longer after each failure, at random, so that
// many clients do not come back in step. Waiting ends early when the client is stopped.

export function sleep(milliseconds, signal) {
  return new Promise((resolve) => {
    const timer = setTimeout(resolve, Math.max(0, milliseconds));
    signal.addEventListener('abort', () => { clearTimeout(timer); resolve(); }, { once: true });
  });
}

/** Waits 100–200 ms after the first failure in a row, at most 1.6–3.2 s after later ones. */
export function backOff(failures, signal) {
  const longest = 200 * 2 ** Math.min(failures - 1, 4);
  return sleep(longest * (0.5 + Math.random() / 2), signal);
}

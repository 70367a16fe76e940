// What the clients do between two attempts: wait, and wait longer after each failure, at random, so that
// many clients do not come back in step. Waiting ends early when the client is stopped.

export function sleep(milliseconds, signal) {
  return new Promise((resolve) => {
    const end = () => { clearTimeout(timer); signal.removeEventListener('abort', end); resolve(); };
    const timer = setTimeout(end, Math.max(0, milliseconds));
    signal.addEventListener('abort', end);
    if (signal.aborted) end();
  });
}

/** Milliseconds before the attempt after so many failures in a row: twice as long each time, up to half less. */
export function delay(failures, { shortest = 200, longest = 3200 } = {}) {
  return Math.min(longest, shortest * 2 ** (failures - 1)) * (0.5 + Math.random() / 2);
}

/** Waits 100–200 ms after the first failure in a row, at most 1.6–3.2 s after later ones. */
export function backOff(failures, signal) {
  return sleep(delay(failures), signal);
}

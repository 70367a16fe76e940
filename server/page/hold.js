// Who has the lab: one at a time, for its rooms, lanes and generator are one. Whoever has it may let its
// own parts share it; the signal tells them that they are to stop. It sends nothing.

export class Hold {
  #end = new AbortController();
  #onRelease;

  /** `what` completes “The lab is busy with …”. */
  constructor(what, onRelease) {
    this.what = what;
    this.#onRelease = onRelease;
  }

  get root() {
    return this;
  }

  get signal() {
    return this.#end.signal;
  }

  stop(words = 'Stopped before it had an answer.') {
    this.#end.abort(new Error(words));
  }

  release() {
    this.#onRelease();
  }

  /** For a part of the work: the same, but its release ends nothing. */
  part() {
    return { root: this, what: this.what, signal: this.signal, release() {} };
  }
}

/** Waits; rejects with the signal's reason as soon as that is aborted. */
export function pauseWithin(milliseconds, signal) {
  return new Promise((resolve, reject) => {
    signal.throwIfAborted();
    const fail = () => { clearTimeout(timer); reject(signal.reason); };
    const timer = setTimeout(() => { signal.removeEventListener('abort', fail); resolve(); }, milliseconds);
    signal.addEventListener('abort', fail, { once: true });
  });
}

/** When `holds()` is true, looked at whenever `target` tells of `name`; an aborted signal ends the wait too. */
export function when(target, name, holds, signal) {
  return new Promise((resolve) => {
    const own = new AbortController();
    const end = () => { own.abort(); resolve(); };
    if (signal.aborted || holds()) return end();
    target.addEventListener(name, () => { if (holds()) end(); }, { signal: own.signal });
    signal.addEventListener('abort', end, { signal: own.signal });
  });
}

// The lab as the page sees it: one session with the server, the knobs, and runs. A run connects the
// clients (in their worker), publishes, waits until what was published has come or is late, and ends as a
// Recording. It shows nothing; screens listen to its events: state, knobs, run, change, done, generator.

import { startBackground } from './background.js';
import { measureOffset, now } from './clock.js';
import { Hold, when } from './hold.js';
import { LANES, clean, initial } from './knobs.js';
import { Session } from './session.js';
import { Recording } from './trace.js';
import { ownCookie } from './wire/cookies.js';

/** A page whose timers come this late was asleep or throttled. */
const LATE_MS = 1500;
/** Clients that are not ready by then are reported, and the run goes on without waiting. */
const READY_WITHIN_MS = 8000;

/** How often the meter is asked for until the trace has as many bytes. */
const MOST_LOOKS = 20;

const pause = (milliseconds) => new Promise((resolve) => setTimeout(resolve, milliseconds));

export class Lab extends EventTarget {
  state = 'connecting';
  why = null;
  knobs = initial();
  info = null;
  recording = null;
  /** A recording beside the runs: while there is one, the wire's records are its own. */
  aside = null;
  clock = null;
  /** Runs of loadgen: those that were heard of, and the one that is on. */
  generator = { seen: new Set(), live: null };
  /** The recording of the run that is on, from its preparation to its end. */
  running = null;
  #session = null;
  #worker = null;
  #hold = null;

  #become(state, why = null) {
    this.state = state;
    this.why = why;
    this.#tell('state');
  }

  #tell(name, detail) {
    this.dispatchEvent(new CustomEvent(name, { detail }));
  }

  async connect() {
    this.#become('connecting');
    try {
      const { session, hello } = await Session.open();
      this.#session = session;
      this.info = hello;
      this.#listen(session);
      this.clock = await measureOffset(session);
      this.#become('ready');
    } catch (error) {
      this.#become('off', sentence(error.message));
    }
  }

  #listen(session) {
    const on = (kind, take) => session.addEventListener(kind, (event) => take(event.detail));
    on('session', (message) => { this.info = message; });
    on('wire', (message) => {
      const recording = this.aside ?? this.recording;
      if (!recording) return;
      if (message.dropped && recording.endedMs === null) recording.dropped(message.dropped);
      if (message.records) recording.wire(message.records);
      this.#tell('change');
    });
    on('events', (message) => {
      if (!this.running || this.recording !== this.running) return;
      this.running.published(message.events);
      this.running.measuredFromMs ??= message.events[0]?.planned_ms;
      this.#tell('change');
    });
    on('meter', (message) => { this.recording?.meter(message.lanes); });
    on('trouble', (message) => {
      if (this.recording === this.running) this.running?.trouble(message);
      this.#tell('trouble', message);
    });
    on('generator', (message) => {
      const { generator } = this;
      generator.seen.add(message.run);
      if (message.state === 'started') generator.live = message.run;
      else if (message.state !== 'progress' && generator.live === message.run) generator.live = null;
      this.#tell('generator', message);
    });
    on('refused', (message) => this.#tell('refused', message));
    session.addEventListener('closed', () => {
      this.running?.makeVoid('the connection to the lab ended');
      const hold = this.#hold;
      this.#hold = null;
      this.generator.live = null;
      hold?.stop('The connection to the lab ended.');
      this.#become('closed', 'The connection to the lab ended, and what it had opened with it. Reconnect to begin again.');
    });
  }

  /** After the connection has ended: another session; what was recorded stays. */
  async reconnect() {
    if (this.state === 'closed' || this.state === 'off') await this.connect();
  }

  get isRunning() {
    return this.state === 'running';
  }

  /** Sends one of the session's messages as it is. */
  send(message) {
    this.#session?.send(message);
  }

  /** Turns a knob; false where it has no such value. */
  turn(name, value) {
    const allowed = clean(name, value);
    if (allowed === null) return false;
    this.knobs[name] = allowed;
    this.#tell('knobs', { name, value: allowed });
    return true;
  }

  /** Ends what is going on; the recording of a run is kept. */
  stop() {
    this.#hold?.stop();
  }

  /** Completes “The lab is busy with …”; null while nobody has it. */
  get busyWith() {
    return this.#hold?.what ?? null;
  }

  /**
   * Takes the lab for `what`, or throws a sentence that says why not. Until its `release()` nobody else has
   * it, but a part of the same work does that gives the hold as `within`; its `signal` says when to stop.
   */
  occupy(what, within = null) {
    within?.signal.throwIfAborted();
    if (this.#hold && within?.root === this.#hold) return this.#hold.part();
    if (this.#hold) throw new Error(`The lab is busy with ${this.#hold.what}. Wait for its end, or stop it.`);
    if (this.state !== 'ready') throw new Error(this.why ?? `The lab is ${this.state}.`);
    const hold = new Hold(what, () => {
      if (this.#hold !== hold) return;
      this.#hold = null;
      if (this.state === 'running') this.#become('ready');
    });
    this.#hold = hold;
    this.#become('running');
    return hold;
  }

  /**
   * One run. `parameters` overrides knobs; beside them it may have: history (events the room keeps),
   * heartbeat_ms, trouble ({lane: {…}}), resume (false: bare clients), drain_ms, and at (a list of
   * {after_ms, message} that is sent while it runs). Resolves with the Recording; an aborted `signal`
   * ends it early, as `stop` does. Work of several runs gives the hold that it has.
   */
  async run(parameters = {}, { lanes = Object.keys(LANES), signal, hold: within = null } = {}) {
    const hold = this.occupy('a run', within);
    try {
      return await this.#record({ ...this.knobs, ...parameters }, lanes, [hold.signal, signal]);
    } finally {
      hold.release();
    }
  }

  async #record(all, lanes, signals) {
    const recording = new Recording(all, lanes);
    this.running = recording;
    const watch = this.#watch(recording);
    const end = new AbortController();
    const halt = () => {
      if (end.signal.aborted) return;
      this.send({ do: 'stop' });
      end.abort();
    };
    for (const signal of signals) signal?.addEventListener('abort', halt, { signal: watch.signal });
    if (signals.some((signal) => signal?.aborted)) halt();
    const stopped = when(end.signal, 'abort', () => end.signal.aborted, watch.signal);
    let refusal = null;
    this.addEventListener('refused', ({ detail }) => {
      if (!['publish', 'reset'].includes(detail.do)) return;
      refusal = detail.why;
      halt();
    }, { signal: watch.signal });
    const timers = [];
    try {
      await this.#prepare(recording, lanes, end.signal);
      recording.clock = this.clock;
      recording.startedMs = now() + this.clock.offsetMs;
      this.recording = recording;
      this.#tell('run', recording);
      this.#startClients(all, lanes);
      await Promise.race([this.#ready(recording, watch.signal), stopped, pause(READY_WITHIN_MS)]);
      if (!end.signal.aborted) {
        const published = this.#session.next('published', { within: (all.duration_s + 10) * 1000 });
        published.catch(() => {});
        this.send({ do: 'publish', rate: all.rate, arrivals: all.arrivals, payload: all.payload, seed: all.seed, duration_s: all.duration_s });
        for (const { after_ms: after, message } of all.at ?? []) timers.push(setTimeout(() => this.send(message), after));
        await Promise.race([published, stopped]);
      }
      const drain = all.drain_ms ?? all.interval_ms + 3 * all.rtt_ms + 1500;
      // Nothing more can come over a connection that is gone.
      if (this.#session.isOpen) await Promise.race([this.#complete(recording, watch.signal), pause(drain)]);
    } finally {
      for (const timer of timers) clearTimeout(timer);
      this.#worker?.postMessage({ do: 'stop' });
      // No more is heard of the background clients, which are meant to go now.
      end.abort();
      if (recording.parameters.background) this.send({ do: 'generate', stop: true });
      await this.#settle(recording);
      watch.abort();
      recording.end(now() + (this.clock?.offsetMs ?? 0));
      this.#clearCookie(all);
      this.running = null;
      this.#tell('done', recording);
    }
    if (refusal) throw new Error(refusal);
    return recording;
  }

  async #prepare(recording, lanes, signal) {
    const all = recording.parameters;
    this.recording = null;
    this.aside = null;
    // Connections that the browser kept from the last run would be counted half.
    for (const lane of Object.keys(LANES)) this.send({ do: 'cut', lane });
    const fresh = this.#session.next('session');
    this.send({ do: 'reset' });
    this.info = await fresh;
    this.send({ do: 'room', history: all.history ?? null, heartbeat_ms: all.heartbeat_ms ?? null });
    for (const lane of lanes) this.send({ do: 'lane', lane, rtt_ms: all.rtt_ms, trouble: all.trouble?.[lane] ?? {} });
    if (all.background) await startBackground(this, recording, signal);
    this.#setCookie(all);
    this.clock = await measureOffset(this.#session);
  }

  #startClients(all, lanes) {
    if (!this.#worker) {
      this.#worker = new Worker('/page/receiver.js', { type: 'module' });
      this.#worker.addEventListener('message', ({ data }) => {
        if (!this.recording || this.recording.endedMs !== null) return;
        for (const entry of data.entries) this.recording.seen(entry);
        this.#tell('change');
      });
      this.#worker.addEventListener('error', (event) => this.recording?.makeVoid(`the clients could not be started: ${event.message}`));
    }
    const options = {};
    for (const lane of lanes) {
      options[lane] = {
        url: `http://${location.hostname}:${this.info.lanes[lane].port}`,
        room: encodeURIComponent(this.info.room),
        interval: all.interval_ms,
        // The phase of polls against events is chance; the seed fixes it.
        phase: (all.interval_ms * ((all.seed * 2654435761) % 4294967296)) / 4294967296,
        hold: all.hold_s,
        resume: all.resume ?? true,
      };
    }
    this.#worker.postMessage({ do: 'start', lanes: options });
  }

  /** When every lane has had its first word from the server. */
  #ready(recording, signal) {
    const lanes = Object.values(recording.lanes);
    return when(this, 'change', () => lanes.every((lane) => lane.states.some(({ state }) => state === 'open' || state === 'answered')), signal);
  }

  #complete(recording, signal) {
    return when(this, 'change', () => recording.isComplete, signal);
  }

  /** Until the last records of the wire have come, and the server's own totals say that they are all. */
  async #settle(recording) {
    const pieces = () => Object.values(recording.lanes).reduce((sum, lane) => sum + lane.bytes.length, 0);
    for (let before = -1, quiet = 0; quiet < 3 && this.#session.isOpen;) {
      quiet = pieces() === before ? quiet + 1 : 0;
      before = pieces();
      await pause(80);
    }
    for (let looks = 0; looks < MOST_LOOKS && this.#session.isOpen; looks += 1) {
      const meter = this.#session.next('meter', { within: 2000 });
      this.send({ do: 'meter' });
      try {
        await meter;
      } catch {
        recording.makeVoid('the server did not tell its meter');
        return;
      }
      if (recording.unequal.length === 0 || this.recording !== recording) return;
      await pause(100);
    }
    const lanes = recording.unequal.map((lane) => LANES[lane].title).join(', ');
    if (lanes && this.#session.isOpen) recording.makeBytesVoid(`the bytes of this recording are not as many as the server’s own meter counted (${lanes})`);
  }

  /** A hidden page is throttled, and a sleeping one stops: neither measures anything. */
  #watch(recording) {
    const end = new AbortController();
    const look = () => {
      if (document.hidden) recording.makeVoid('the tab was in the background, where browsers slow timers down');
    };
    document.addEventListener('visibilitychange', look, { signal: end.signal });
    look();
    let last = performance.now();
    const timer = setInterval(() => {
      const gap = performance.now() - last;
      if (gap > LATE_MS) recording.makeVoid(`the page stood still for ${(gap / 1000).toFixed(1)} s`);
      last = performance.now();
    }, 250);
    end.signal.addEventListener('abort', () => clearInterval(timer));
    return end;
  }

  /** Cookies know no ports, so one cookie goes to the server on every lane. It does not outlive a lost tab. */
  #setCookie({ cookie, duration_s: seconds }) {
    const own = ownCookie(cookie);
    if (own) document.cookie = `${own}; path=/; SameSite=Strict; max-age=${Math.ceil(seconds) + 120}`;
  }

  /** Another tab's run may have a cookie of its own. */
  #clearCookie({ cookie }) {
    if (cookie > 0) document.cookie = `${ownCookie(4)}; path=/; SameSite=Strict; max-age=0`;
  }
}

function sentence(words) {
  return `${words[0].toUpperCase()}${words.slice(1)}${/[.!?]$/.test(words) ? '' : '.'}`;
}

// The lab as the page sees it: one session with the server, the knobs, and runs. A run connects the
// clients (in their worker), publishes, waits until what was published has come or is late, and ends as a
// Recording. It shows nothing; screens listen to its events: state, knobs, run, change, done, generator.

import { measureOffset, now } from './clock.js';
import { LANES, clean, initial } from './knobs.js';
import { Session } from './session.js';
import { Recording } from './trace.js';

/** A page whose timers come this late was asleep or throttled. */
const LATE_MS = 1500;
/** Clients that are not ready by then are reported, and the run goes on without waiting. */
const READY_WITHIN_MS = 8000;

/** Background clients connect over a second, and settle. */
const BACKGROUND_RAMP_MS = 2500;

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
  lastGenerator = null;
  #session = null;
  #worker = null;
  #stopped = null;
  #cleaned = null;

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
      if (message.dropped && this.isRunning) recording.bytesVoid = `${message.dropped} records of the wire were dropped: byte figures are void`;
      if (message.records) recording.wire(message.records);
      this.#tell('change');
    });
    on('events', (message) => {
      if (!this.isRunning) return;
      this.recording.published(message.events);
      this.recording.measuredFromMs ??= message.events[0]?.planned_ms;
      this.#tell('change');
    });
    on('meter', (message) => { this.recording?.meter(message.lanes); });
    on('trouble', (message) => {
      if (this.isRunning) this.recording.trouble(message);
      this.#tell('trouble', message);
    });
    on('generator', (message) => {
      this.lastGenerator = message;
      this.#tell('generator', message);
    });
    on('refused', (message) => this.#tell('refused', message));
    session.addEventListener('closed', () => {
      this.recording?.makeVoid('the connection to the lab ended');
      this.#stopped?.();
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

  /** Ends the run that is going on; its recording is kept. */
  stop() {
    if (!this.isRunning) return;
    this.send({ do: 'stop' });
    if (this.recording.parameters.background) this.send({ do: 'generate', stop: true });
    this.#stopped?.();
  }

  /**
   * One run. `parameters` overrides knobs; beside them it may have: history (events the room keeps),
   * heartbeat_ms, trouble ({lane: {…}}), resume (false: bare clients), drain_ms, and at (a list of
   * {after_ms, message} that is sent while it runs). Resolves with the Recording; an aborted `signal`
   * ends it early, as `stop` does.
   */
  async run(parameters = {}, { lanes = Object.keys(LANES), signal } = {}) {
    if (this.state !== 'ready') throw new Error(this.why ?? `The lab is ${this.state}.`);
    const all = { ...this.knobs, ...parameters };
    this.#become('running');
    const recording = new Recording(all, lanes);
    const stopped = new Promise((resolve) => { this.#stopped = resolve; });
    let isStopped = false;
    stopped.then(() => { isStopped = true; });
    const watch = this.#watch(recording);
    signal?.addEventListener('abort', () => this.stop(), { signal: watch.signal });
    let refusal = null;
    const refused = ({ detail }) => {
      if (!['publish', 'reset'].includes(detail.do)) return;
      refusal = detail.why;
      this.#stopped();
    };
    this.addEventListener('refused', refused, { signal: watch.signal });
    const timers = [];
    try {
      await this.#prepare(all, lanes);
      recording.clock = this.clock;
      recording.startedMs = now() + this.clock.offsetMs;
      this.recording = recording;
      this.#tell('run', recording);
      this.#startClients(all, lanes);
      await Promise.race([this.#ready(recording), stopped, pause(READY_WITHIN_MS)]);
      if (!isStopped) {
        const published = this.#session.next('published', { within: (all.duration_s + 10) * 1000 });
        published.catch(() => {});
        this.send({ do: 'publish', rate: all.rate, arrivals: all.arrivals, payload: all.payload, seed: all.seed, duration_s: all.duration_s });
        for (const { after_ms: after, message } of all.at ?? []) timers.push(setTimeout(() => this.send(message), after));
        await Promise.race([published, stopped]);
      }
      const drain = all.drain_ms ?? all.interval_ms + 3 * all.rtt_ms + 1500;
      // Nothing more can come over a connection that is gone.
      if (this.#session.isOpen) await Promise.race([this.#complete(recording), pause(drain)]);
    } finally {
      for (const timer of timers) clearTimeout(timer);
      this.#worker?.postMessage({ do: 'stop' });
      if (all.background) this.send({ do: 'generate', stop: true });
      await this.#settle(recording);
      watch.abort();
      recording.end(now() + this.clock.offsetMs);
      this.#clearCookie();
      if (this.state === 'running') this.#become('ready');
      this.#tell('done', recording);
    }
    if (refusal) throw new Error(refusal);
    return recording;
  }

  async #prepare(all, lanes) {
    this.recording = null;
    // Connections that the browser kept from the last run would be counted half.
    for (const lane of Object.keys(LANES)) this.send({ do: 'cut', lane });
    const fresh = this.#session.next('session');
    this.send({ do: 'reset' });
    this.info = await fresh;
    this.send({ do: 'room', history: all.history ?? null, heartbeat_ms: all.heartbeat_ms ?? null });
    for (const lane of lanes) this.send({ do: 'lane', lane, rtt_ms: all.rtt_ms, trouble: all.trouble?.[lane] ?? {} });
    if (all.background) await this.#startBackground(all);
    this.#setCookie(all.cookie);
    this.clock = await measureOffset(this.#session);
  }

  /** Further clients beside the page's own; a run goes on without them where they cannot be had. */
  async #startBackground(all) {
    const started = new Promise((resolve) => {
      this.addEventListener('generator', resolve, { once: true });
      this.addEventListener('refused', resolve, { once: true });
    });
    this.send({
      do: 'generate',
      background: {
        transport: all.background_transport, clients: all.background, rate: all.rate, payload: Math.max(32, all.payload),
        interval_ms: all.interval_ms, hold_s: all.hold_s, duration_s: all.duration_s + 60, seed: all.seed,
      },
    });
    await Promise.race([started, pause(5000)]);
    await pause(BACKGROUND_RAMP_MS);
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
  #ready(recording) {
    return this.#when(() => Object.values(recording.lanes).every((lane) => lane.states.some(({ state }) => state === 'open' || state === 'answered')));
  }

  #complete(recording) {
    return this.#when(() => recording.isComplete);
  }

  #when(holds) {
    return new Promise((resolve) => {
      const look = () => {
        if (!holds()) return;
        this.removeEventListener('change', look);
        resolve();
      };
      this.addEventListener('change', look);
      look();
    });
  }

  /** Until the last records of the wire have come, and the server's own totals after them. */
  async #settle(recording) {
    const pieces = () => Object.values(recording.lanes).reduce((sum, lane) => sum + lane.bytes.length, 0);
    for (let before = -1, quiet = 0; quiet < 3 && this.#session.isOpen;) {
      quiet = pieces() === before ? quiet + 1 : 0;
      before = pieces();
      await pause(80);
    }
    if (!this.#session.isOpen) return;
    const meter = this.#session.next('meter', { within: 2000 });
    this.send({ do: 'meter' });
    await meter.catch(() => recording.makeVoid('the server did not tell its meter'));
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

  /** Cookies know no ports, so one cookie goes to the server on every lane. */
  #setCookie(size) {
    this.#clearCookie();
    if (size === 0) return;
    const name = 'pad=';
    document.cookie = `${name}${'x'.repeat(Math.max(0, size - name.length))}; path=/; SameSite=Strict`;
  }

  #clearCookie() {
    document.cookie = 'pad=; path=/; SameSite=Strict; max-age=0';
  }
}

function sentence(words) {
  return `${words[0].toUpperCase()}${words.slice(1)}${/[.!?]$/.test(words) ? '' : '.'}`;
}

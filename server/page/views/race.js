// The race: the same events over every transport at once. Run makes a recording; what is shown, live or
// again, is always that recording at one instant, the playhead's.

import { onOneHost } from '../clock.js';
import { Playhead } from '../draw/playhead.js';
import { LANES, controls } from '../knobs.js';
import { firstAfter } from '../trace.js';
import { LanePanel, make, put } from './lane.js';
import { TroubleTags } from './trouble_tags.js';

const WINDOWS_S = [1, 2, 4, 8, 15, 30, 60];
/** Numbers that change more often than this cannot be read. */
const FIGURES_EVERY_MS = 250;

export async function mount(element, lab) {
  new Race(element, lab);
  await attach(element.querySelector('.race-trouble'), './trouble.js', lab);
  await attach(element.querySelector('.race-ribbon'), './ribbon.js', lab);
  await attach(element.querySelector('.race-export'), './export_panel.js', lab);
}

/** Parts of other hands; one that is not there leaves its place empty. */
async function attach(place, file, lab) {
  try {
    const part = await import(file);
    await part.mount(place, lab);
  } catch (error) {
    console.warn(`${file} is not shown`, error);
  }
}

class Race {
  #playhead = new Playhead();
  #panels = [];
  #window = 3;
  #dirty = true;
  #figuresAt = 0;
  #calm = matchMedia('(prefers-reduced-motion: reduce)');
  #drawnAt = 0;
  /** Lanes whose figures are to be shown anew. */
  #stale = [];
  #figuresDue = false;

  constructor(element, lab) {
    this.element = element;
    this.lab = lab;
    this.#build();
    this.#listen();
    requestAnimationFrame((time) => this.#frame(time));
  }

  #build() {
    const intro = make('header', 'race-intro');
    const first = make('a', '', 'The course takes 25 minutes.');
    first.href = '#/course';
    const begin = make('p', 'race-begin', 'New here? ');
    begin.append(first);
    intro.append(
      make('h1', '', 'One event, six ways to the browser'),
      begin,
      make('p', 'muted race-words', 'Press Run. The same events go to this browser over six lanes, all real. Yellow is news that waits at the server until somebody asks.'),
    );
    const side = make('details', 'race-side');
    this.sideWords = make('summary', '', 'Knobs');
    side.append(this.sideWords);
    side.open = innerWidth >= 1000;
    const knobs = make('form', 'knobs');
    this.knobs = knobs;
    knobs.addEventListener('submit', (event) => event.preventDefault());
    this.showKnobs = controls(knobs, this.lab.knobs, (name, value) => this.lab.turn(name, value));
    side.append(knobs, make('div', 'race-trouble'));
    const stage = make('div', 'race-stage');
    stage.append(this.#transport(), this.#legend());
    this.notice = make('p', 'notice bad');
    this.notice.hidden = true;
    stage.append(this.notice);
    this.beside = make('p', 'small muted');
    this.beside.hidden = true;
    stage.append(this.beside);
    this.lanes = make('div', 'lanes');
    for (const kind of Object.keys(LANES)) {
      const panel = new LanePanel(kind);
      this.#panels.push(panel);
      this.lanes.append(panel.element);
    }
    const delays = make('section', 'delays');
    delays.append(make('h2', '', 'Delays'), make('p', 'small muted', 'How many events took how long, and the share that came within that time. One logarithmic axis for all lanes.'));
    const row = make('div', 'delays-row');
    row.append(...this.#panels.map((panel) => panel.delays));
    delays.append(row);
    this.honesty = make('p', 'small muted honesty', 'Nothing has been measured yet.');
    const tags = new TroubleTags(this.lab, this.#panels, (isOn) => put(this.sideWords, isOn ? 'Knobs, and trouble switched on' : 'Knobs'));
    stage.append(tags.element, this.lanes, delays, this.honesty, make('div', 'race-ribbon'), make('div', 'race-export'));
    const columns = make('div', 'race-columns');
    columns.append(side, stage);
    this.element.append(intro, columns);
  }

  #transport() {
    const bar = make('div', 'transport');
    bar.setAttribute('role', 'group');
    bar.setAttribute('aria-label', 'Run and look');
    this.run = make('button', 'primary run', 'Run');
    this.pause = make('button', '', 'Pause');
    this.back = make('button', '', '◀');
    this.back.append(make('span', 'step-name', ' Step'));
    this.forth = make('button');
    this.forth.append(make('span', 'step-name', 'Step '), '▶');
    this.slow = make('button', '', '0.1×');
    this.back.setAttribute('aria-label', '◀ Step back');
    this.forth.setAttribute('aria-label', 'Step ▶ on');
    this.slow.setAttribute('aria-label', '0.1× speed: slow motion of the recording');
    this.slow.setAttribute('aria-pressed', 'false');
    for (const button of [this.run, this.pause, this.back, this.forth, this.slow]) button.type = 'button';
    const label = make('label', 'scrub');
    label.append(make('span', 'unseen', 'Position in the recording'));
    this.scrub = make('input');
    Object.assign(this.scrub, { type: 'range', min: 0, max: 1000, value: 0 });
    label.append(this.scrub);
    this.clock = make('output', 'clock', '0.0 s');
    const zoom = make('label', 'zoom small', 'Window');
    this.zoom = make('select');
    WINDOWS_S.forEach((seconds, at) => {
      const option = make('option', '', `${seconds} s`);
      option.value = at;
      this.zoom.append(option);
    });
    if (innerWidth < 1500) this.#window = 2;
    this.zoom.value = this.#window;
    zoom.append(this.zoom);
    bar.append(this.run, this.pause, this.back, this.forth, this.slow, label, this.clock, zoom);
    const help = make('p', 'small muted step-words');
    this.stepWords = make('span', 'step-now');
    help.append(this.stepWords, ' ');
    if (!matchMedia('(hover: none)').matches) help.append('Space pauses, ← and → step, + and − change the window.');
    bar.append(help);
    return bar;
  }

  #legend() {
    const list = make('ul', 'race-legend small');
    for (const [mark, words] of [
      ['published', 'event published'], ['waits', 'event waits'], ['held', 'request waits'], ['gap', 'no request waits (long polling)'],
      ['asks', 'request'], ['push', 'events on their way'], ['empty', 'empty poll, request and answer'], ['handshake', 'opening'], ['alive', 'heartbeat'],
      ['fault', 'trouble'],
    ]) {
      const entry = make('li');
      entry.append(make('span', `mark mark-${mark}`), words);
      list.append(entry);
      if (mark === 'fault') this.faultMark = entry;
    }
    this.faultMark.hidden = true;
    return list;
  }

  #listen() {
    const { lab } = this;
    this.run.addEventListener('click', () => this.#press());
    this.pause.addEventListener('click', () => this.#togglePause());
    this.back.addEventListener('click', () => this.#step(-1));
    this.forth.addEventListener('click', () => this.#step(1));
    this.slow.addEventListener('click', () => this.#toggleSlow());
    this.scrub.addEventListener('input', () => {
      this.#playhead.seek((this.scrub.value / 1000) * this.#playhead.end);
      this.#touch();
    });
    this.zoom.addEventListener('change', () => {
      this.#window = Number(this.zoom.value);
      this.#touch();
    });
    addEventListener('keydown', (event) => this.#key(event));
    lab.addEventListener('state', () => this.#showState());
    lab.addEventListener('run', ({ detail }) => {
      this.#playhead.follow(detail);
      this.#stale = [];
      for (const panel of this.#panels) panel.figures = null;
      for (const panel of this.#panels) panel.describe(detail.parameters);
      this.#showControls();
      // So that the next press of the space bar pauses instead of stopping.
      if (document.activeElement === this.run) this.pause.focus();
      this.#touch();
    });
    lab.addEventListener('change', () => { this.#dirty = true; });
    lab.addEventListener('done', ({ detail }) => this.#done(detail));
    lab.addEventListener('knobs', () => {
      this.showKnobs(lab.knobs);
      if (!lab.isRunning) for (const panel of this.#panels) panel.describe(lab.knobs);
    });
    lab.addEventListener('generator', ({ detail }) => this.#showBeside(detail));
    lab.addEventListener('refused', ({ detail }) => this.#say(`The lab did not do that (${detail.do}): ${detail.why}`));
    addEventListener('theme', () => this.#touch());
    const sizes = new ResizeObserver((entries) => {
      for (const { target, contentRect } of entries) target.seenWidth = Math.floor(contentRect.width);
      for (const panel of this.#panels) panel.resize(panel.ladderCanvas.seenWidth ?? 300, panel.curvesCanvas.seenWidth ?? 150);
      this.#touch();
    });
    for (const panel of this.#panels) {
      sizes.observe(panel.ladderCanvas);
      sizes.observe(panel.curvesCanvas);
    }
    // What is scrolled away is not painted.
    const sight = new IntersectionObserver((entries) => {
      for (const { target, isIntersecting } of entries) target.isSeen = isIntersecting;
      this.#touch();
    });
    for (const panel of this.#panels) {
      sight.observe(panel.ladderCanvas);
      sight.observe(panel.curvesCanvas);
    }
    for (const panel of this.#panels) panel.describe(lab.knobs);
    this.#showState();
  }

  #touch() {
    this.#dirty = true;
    this.#figuresAt = 0;
    this.#drawnAt = 0;
  }

  #press() {
    const { state } = this.lab;
    if (state === 'running') this.lab.stop();
    else if (state === 'ready') this.#start();
    else this.lab.reconnect();
  }

  async #start() {
    this.notice.hidden = true;
    try {
      await this.lab.run(this.lab.situation);
    } catch (error) {
      this.#say(error.message);
    }
  }

  #say(words) {
    this.notice.hidden = false;
    put(this.notice, words);
    put(document.getElementById('announce'), words);
  }

  #showBeside({ state, text }) {
    const { background, background_transport: transport } = this.lab.running?.parameters ?? {};
    if (!background) return;
    const words = { started: 'are connecting', progress: text, done: 'have gone', stopped: 'have gone', failed: `failed: ${text}` };
    this.beside.hidden = false;
    put(this.beside, `In the background: ${background} × ${LANES[transport].title}. ${words[state] ?? ''}`);
  }

  #showState() {
    const { state, why } = this.lab;
    this.run.title = this.lab.busyWith ? `Stops ${this.lab.busyWith}` : '';
    put(this.run, { running: 'Stop', closed: 'Reconnect', off: 'Try again' }[state] ?? 'Run');
    this.run.classList.toggle('primary', state !== 'running');
    for (const group of this.knobs.elements) if (group.tagName === 'FIELDSET') group.disabled = state === 'running';
    this.run.disabled = state === 'connecting';
    if (state === 'off' || state === 'closed') this.#say(why);
    else if (state === 'connecting') this.notice.hidden = true;
    this.#showControls();
  }

  #showControls() {
    const has = this.#playhead.recording !== null;
    const moves = this.#playhead.mode !== 'paused';
    put(this.pause, moves || !has ? 'Pause' : 'Play');
    for (const control of [this.pause, this.back, this.forth, this.slow, this.scrub]) control.disabled = !has;
    this.slow.setAttribute('aria-pressed', String(this.#playhead.speed !== 1));
  }

  #togglePause() {
    put(this.stepWords, '');
    if (this.#playhead.mode === 'paused') this.#playhead.play();
    else this.#playhead.pause();
    this.#showControls();
    this.#touch();
  }

  #toggleSlow() {
    this.#playhead.play(this.#playhead.speed === 1 ? 0.1 : 1);
    this.#showControls();
    this.#touch();
  }

  #step(direction) {
    if (!this.#playhead.recording) return;
    const found = this.#playhead.step(direction);
    const lane = found?.lane ? `${LANES[found.lane].title}: ` : '';
    const words = found ? `${(this.#playhead.position / 1000).toFixed(4)} s · ${lane}${found.what}` : 'No further instant is recorded.';
    put(this.stepWords, words);
    put(document.getElementById('announce'), words);
    this.#showControls();
    this.#touch();
  }

  #key(event) {
    const { target } = event;
    if (this.element.hidden || event.ctrlKey || event.metaKey || event.altKey) return;
    const isFree = event.key !== ' ';
    if (target.closest?.(isFree ? 'input, select, textarea, pre' : 'input, select, textarea, button, summary, a, pre')) return;
    const has = this.#playhead.recording !== null;
    if (event.key === ' ') {
      if (has) this.#togglePause();
      else if (!this.run.disabled) this.run.click();
    } else if (has && event.key === 'ArrowRight') this.#step(1);
    else if (has && event.key === 'ArrowLeft') this.#step(-1);
    else if (event.key === '+' || event.key === '-') {
      this.#window = Math.min(WINDOWS_S.length - 1, Math.max(0, this.#window + (event.key === '-' ? 1 : -1)));
      this.zoom.value = this.#window;
      this.#touch();
    } else if (has && event.key === 'Home') this.#playhead.seek(0);
    else if (has && event.key === 'End') this.#playhead.seek(this.#playhead.end);
    else return;
    event.preventDefault();
    this.#touch();
  }

  /** A frame draws only if something has changed and the screen is seen. */
  #frame(time) {
    requestAnimationFrame((next) => this.#frame(next));
    if (this.element.hidden) return;
    const playhead = this.#playhead;
    const mode = playhead.mode;
    const moved = playhead.recording ? playhead.move(time) : false;
    if (playhead.mode !== mode) this.#showControls();
    // Whoever wants no motion sees a fresh picture once a second.
    const isEarly = this.#calm.matches && playhead.mode !== 'paused' && time - this.#drawnAt < 1000;
    if (moved) this.#dirty = true;
    if (this.#dirty && !isEarly) {
      this.#drawnAt = time;
      this.#dirty = false;
      this.#figuresDue = true;
      this.#draw();
    }
    if (!playhead.recording) return;
    if (this.#figuresDue && this.#stale.length === 0 && time - this.#figuresAt >= FIGURES_EVERY_MS) {
      this.#figuresAt = time;
      this.#figuresDue = false;
      this.#stale = this.#panels.filter((panel) => playhead.recording.lanes[panel.kind]);
      this.#showPlace();
    }
    // A lane a frame: all six at once would be felt.
    if (this.#stale.length > 0) this.#showFigures(this.#stale.shift());
  }

  #draw() {
    const { recording } = this.#playhead;
    if (!recording) {
      for (const panel of this.#panels) panel.draw(null);
      return;
    }
    const span = WINDOWS_S[this.#window] * 1000;
    const until = this.#playhead.at;
    // The window stands still until the playhead has nearly crossed it, then goes with it.
    const from = Math.max(recording.startedMs, until - span * 0.94);
    const view = { from, to: from + span, until, origin: recording.startedMs };
    for (const panel of this.#panels) {
      if (recording.lanes[panel.kind] && panel.ladderCanvas.isSeen) panel.draw(recording, view);
    }
  }

  /** The instant looked at; at the end of a recording, all of it. */
  #instant() {
    const { recording, position, end } = this.#playhead;
    return recording.endedMs !== null && position >= end - 0.5 ? recording.endedMs : this.#playhead.at;
  }

  #showFigures(panel) {
    const { recording } = this.#playhead;
    const lane = recording.lanes[panel.kind];
    if (!lane) return;
    const at = this.#instant();
    panel.figures = { ...lane.figures(at), published: firstAfter(recording.events, at, (event) => event.plannedMs) };
    panel.show(panel.figures, lane, recording, at);
    if (this.#stale.length > 0) return;
    // Bars are shares of the greatest, so they wait for the last lane.
    const shown = this.#panels.filter((other) => other.figures);
    const most = {};
    for (const key of ['p50', 'perEvent']) most[key] = Math.max(...shown.map((other) => other.figures[key] ?? 0));
    for (const other of shown) other.showBars(most);
  }

  #showPlace() {
    const { recording, position, end } = this.#playhead;
    if (!recording) return;
    for (const panel of this.#panels) {
      const isAbsent = !recording.lanes[panel.kind];
      if (panel.element.hidden !== isAbsent) panel.element.hidden = panel.delays.hidden = isAbsent;
    }
    this.faultMark.hidden = !Object.values(recording.lanes).some(({ faults }) => faults.length > 0);
    this.scrub.value = end ? Math.round((1000 * position) / end) : 0;
    const seconds = `${(position / 1000).toFixed(1)} s`;
    put(this.clock, seconds);
    this.scrub.setAttribute('aria-valuetext', seconds);
    const at = this.#instant();
    put(this.honesty, honesty(recording, firstAfter(recording.events, at, (event) => event.plannedMs), at, this.lab.info));
  }

  #done(recording) {
    this.beside.hidden = true;
    this.#playhead.position = this.#playhead.end;
    if (this.#playhead.mode === 'live') this.#playhead.pause();
    this.#showControls();
    this.#touch();
    const parts = [];
    for (const panel of this.#panels) {
      const lane = recording.lanes[panel.kind];
      if (!lane) continue;
      const figures = lane.figures();
      panel.describePictures(figures, lane);
      parts.push(`${LANES[panel.kind].title} ${Math.round(figures.p50 ?? 0)} ms`);
    }
    const flaw = recording.void ?? recording.bytesVoid;
    if (this.lab.state === 'closed') return;
    if (flaw) this.#say(`This run is void: ${flaw}.`);
    else if (recording.remarks.length > 0) this.#say(recording.remarks.join(' '));
    else put(document.getElementById('announce'), `The run is over, ${recording.events.length} events. Median delays: ${parts.join(', ')}.`);
  }
}

/** What every number above it rests on. */
function honesty(recording, published, at, info) {
  const { clock, measuredFromMs } = recording;
  const seconds = measuredFromMs ? Math.max(0, (at - measuredFromMs) / 1000) : 0;
  const offset = clock.offsetMs === 0
    ? `Clocks: the same${onOneHost() ? ', on one host' : ''} (estimated ${clock.estimatedMs.toFixed(2)} ± ${clock.errorMs.toFixed(2)} ms)`
    : `Clocks: the server's is ${clock.offsetMs.toFixed(2)} ± ${clock.errorMs.toFixed(2)} ms ahead, taken into account`;
  const timer = globalThis.crossOriginIsolated ? 'this browser’s timer ticks every 5 µs' : 'this browser’s timer ticks only every 100 µs';
  const debug = info?.server?.profile === 'debug' ? ' The server is a debug build: its own share of the delay is larger than need be.' : '';
  const beside = recording.remarks.map((words) => ` ${words}`).join('');
  return `n = ${published} events in ${seconds.toFixed(1)} s, each sent to every lane.${beside} Delay = receipt in this browser − planned instant of publishing. `
    + `Bytes: all that the server’s sockets carried, opening included. ${offset}; ${timer}.${debug}`;
}

// One lane of the race: its figures as a table, its ladder and its latencies on canvases, and the source
// of its client. It is given a recording and an instant and shows that; it starts and measures nothing.

import { LANES } from '../knobs.js';
import { paintCurves } from '../draw/curves.js';
import { near } from '../draw/near.js';
import { LADDER_HEIGHT, paintFrame, paintLadder, shortTime } from '../draw/ladder.js';
import { CanvasPainter } from '../draw/painter.js';
import { POLLS } from '../transports.js';
import { tag } from './trouble_tags.js';

/** They ask, always or where their WebSocket is blocked. */
const ASKS = new Set([...POLLS, 'socketio']);

const FIGURES = [
  ['last', 'last delay'],
  ['p95', 'p95'],
  ['requests', 'requests'],
  ['empty', 'empty'],
  ['up', 'bytes up'],
  ['down', 'bytes down'],
  ['delivered', 'delivered'],
  ['faults', 'lost · twice'],
];

export class LanePanel {
  constructor(kind) {
    this.kind = kind;
    const { title, how, file } = LANES[kind];
    this.element = make('article', 'lane');
    this.element.dataset.lane = kind;
    this.element.setAttribute('aria-label', title);
    const left = make('div', 'lane-left');
    left.append(this.#head(title, how, file), this.#headlines());
    const right = make('div', 'lane-right');
    right.append(this.#ladder(title), this.#figures(title));
    this.element.append(left, right, this.source);
    this.delays = this.#delays(title);
    this.ladder = new CanvasPainter(this.ladderCanvas);
    this.curves = new CanvasPainter(this.curvesCanvas);
  }

  #head(title, how, file) {
    const head = make('header', 'lane-head');
    const name = make('h2', '', title);
    this.how = make('span', 'muted small lane-how', how);
    this.flight = make('div', 'flight');
    this.flight.hidden = true;
    this.flightBar = make('span', 'flight-bar');
    this.flightWords = make('span', 'flight-words');
    this.flight.append(this.flightBar, this.flightWords);
    this.tags = make('p', 'lane-tags');
    this.tags.hidden = true;
    head.append(make('span', `lane-swatch swatch-${this.kind}`), name, this.#sourceButton(title, file), this.how, this.flight, this.tags);
    return head;
  }

  #headlines() {
    this.headlines = {};
    const heads = make('div', 'headlines');
    for (const [key, words] of [['p50', 'median delay'], ['perEvent', 'bytes per event']]) {
      const cell = make('div', 'headline');
      const value = make('strong', '', '–');
      const bar = make('span', 'bar');
      const fill = make('span', `bar-fill swatch-${this.kind}`);
      bar.append(fill);
      cell.append(value, make('span', 'small muted', words), bar);
      heads.append(cell);
      this.headlines[key] = { value, fill };
    }
    return heads;
  }

  /** As many in a row as there is room for. */
  #figures(title) {
    const box = make('div', 'lane-figures');
    box.setAttribute('role', 'group');
    box.setAttribute('aria-label', `${title}: figures`);
    const list = make('dl');
    this.cells = {};
    for (const [key, words] of FIGURES) {
      const pair = make('div');
      this.cells[key] = make('dd', '', '–');
      pair.append(make('dt', '', words), this.cells[key]);
      list.append(pair);
    }
    box.append(list);
    return box;
  }

  #ladder(title) {
    const box = make('div', 'ladder-box');
    this.ladderCanvas = picture('ladder', `${title}, ladder diagram: nothing recorded yet`);
    this.tip = make('div', 'tip small');
    this.tip.hidden = true;
    this.tip.setAttribute('aria-hidden', 'true');
    this.ladderCanvas.addEventListener('pointermove', (event) => this.#point(event.offsetX, event.offsetY));
    this.ladderCanvas.addEventListener('pointerleave', () => { this.tip.hidden = true; });
    box.append(this.ladderCanvas, this.tip);
    return box;
  }

  /** Says what is under the pointer; those who step hear the same instants by the keyboard. */
  #point(x, y) {
    const { recording, view } = this.shown ?? {};
    const place = { x, y, width: this.ladder.width, height: LADDER_HEIGHT };
    const words = recording ? near(recording.lanes[this.kind], recording, view, place) : null;
    this.tip.hidden = words === null;
    if (words === null) return;
    put(this.tip, words);
    const isRight = x > place.width / 2;
    this.tip.style.left = isRight ? 'auto' : `${x + 12}px`;
    this.tip.style.right = isRight ? `${place.width - x + 12}px` : 'auto';
  }

  /** Stands below all lanes, beside the delays of the others. */
  #delays(title) {
    const figure = make('figure', 'delays-of');
    this.curvesCanvas = picture('curves', `${title}, delays: nothing recorded yet`);
    figure.append(make('figcaption', 'small', title), this.curvesCanvas);
    return figure;
  }

  #sourceButton(title, file) {
    this.source = make('pre', 'source');
    this.source.id = `source-${this.kind}`;
    this.source.tabIndex = 0;
    this.source.hidden = true;
    this.source.setAttribute('aria-label', `${title}: the source of its client, ${file}`);
    const code = make('code', '', 'loading');
    this.source.append(code);
    const button = make('button', 'quiet small source-button', 'source');
    button.type = 'button';
    button.setAttribute('aria-label', `${title}: source of its client`);
    button.setAttribute('aria-expanded', 'false');
    button.setAttribute('aria-controls', this.source.id);
    button.addEventListener('click', async () => {
      this.source.hidden = !this.source.hidden;
      button.setAttribute('aria-expanded', String(!this.source.hidden));
      if (this.source.hidden || this.source.dataset.loaded) return;
      const answer = await fetch(`/page/clients/${file}`);
      code.textContent = answer.ok ? await answer.text() : `The file could not be read (status ${answer.status}).`;
      this.source.dataset.loaded = 'yes';
    });
    return button;
  }

  /** What goes wrong on this lane: `[{words, isOn}]`, each said in its head. */
  showTrouble(tags) {
    this.tags.hidden = tags.length === 0;
    const key = JSON.stringify(tags);
    if (this.tags.dataset.key === key) return;
    this.tags.dataset.key = key;
    this.tags.replaceChildren(...tags.map(tag));
  }

  describe(parameters) {
    const how = {
      'interval-polling': `asks every ${parameters.interval_ms / 1000} s`,
      'long-polling': `the request waits, at most ${parameters.hold_s} s`,
    }[this.kind];
    put(this.how, how ?? LANES[this.kind].how);
  }

  /** Widths come from one observer, so that drawing never asks the layout. */
  resize(ladderWidth, curvesWidth) {
    this.ladder.fit(ladderWidth, LADDER_HEIGHT);
    this.curves.fit(curvesWidth, LADDER_HEIGHT);
  }

  draw(recording, view) {
    this.shown = recording && { recording, view };
    this.ladder.begin();
    if (!recording) paintFrame(this.ladder, true);
    else paintLadder(this.ladder, recording.lanes[this.kind], recording, view);
  }

  show(figures, lane, recording, at) {
    put(this.headlines.p50.value, shortTime(figures.p50));
    put(this.headlines.perEvent.value, bytes(figures.perEvent));
    const { cells } = this;
    put(cells.last, shortTime(figures.last));
    put(cells.p95, shortTime(figures.p95));
    put(cells.requests, String(figures.requests));
    const share = figures.requests ? ` (${Math.round((100 * figures.empty) / figures.requests)} %)` : '';
    put(cells.empty, ASKS.has(this.kind) ? `${figures.empty}${share}` : 'none');
    put(cells.up, recording.bytesVoid ? 'void' : bytes(figures.up));
    put(cells.down, recording.bytesVoid ? 'void' : bytes(figures.down));
    const isOver = recording.endedMs !== null && at >= recording.endedMs;
    put(cells.delivered, `${figures.delivered} of ${isOver ? lane.expected : figures.published}`);
    put(cells.faults, `${isOver ? lane.lost : '–'} · ${lane.duplicated}`);
    cells.faults.classList.toggle('bad', isOver && lane.lost > 0);
    this.#inFlight(figures, recording, isOver, at);
    if (this.curvesCanvas.isSeen) {
      this.curves.begin();
      paintCurves(this.curves, this.kind, figures);
    }
    if (recording.bytesVoid) put(this.headlines.perEvent.value, 'void');
  }

  /** `most` = the greatest of each headline over all lanes, so that bars can be compared. */
  showBars(most) {
    for (const [key, { fill }] of Object.entries(this.headlines)) {
      const width = `${most[key] ? Math.max(1, (100 * (this.figures[key] ?? 0)) / most[key]).toFixed(1) : 0}%`;
      if (fill.style.width !== width) fill.style.width = width;
    }
  }

  #inFlight(figures, recording, isOver, at) {
    const waiting = isOver || !ASKS.has(this.kind) ? null : figures.waiting;
    this.flight.hidden = !waiting;
    if (!waiting) return;
    const seconds = Math.max(0, (at - waiting.sinceMs) / 1000);
    put(this.flightWords, `request waits ${seconds.toFixed(1)} s`);
    this.flightBar.style.width = `${Math.min(100, (100 * seconds) / recording.parameters.hold_s).toFixed(1)}%`;
  }

  /** The pictures in words, for those who do not see them. */
  describePictures(figures, lane) {
    const { title } = LANES[this.kind];
    const streams = !POLLS.has(this.kind);
    this.ladderCanvas.setAttribute('aria-label', `${title}, ladder diagram: ${figures.requests} requests, ${figures.empty} of them answered empty, ${figures.delivered} events delivered${streams ? ' over one open connection' : ''}, ${lane.reconnects} breaks.`);
    this.curvesCanvas.setAttribute('aria-label', `${title}, delays of ${figures.n} events: median ${shortTime(figures.p50)}, 95th percentile ${shortTime(figures.p95)}, longest ${shortTime(figures.max)}.`);
  }
}

function picture(className, words) {
  const canvas = make('canvas', className);
  canvas.setAttribute('role', 'img');
  canvas.setAttribute('aria-label', words);
  return canvas;
}

export function bytes(count) {
  if (count === null || count === undefined) return '–';
  if (count >= 999_500) return `${(count / 1e6).toFixed(2)} MB`;
  if (count >= 9_995) return `${(count / 1000).toFixed(1)} kB`;
  return `${Math.round(count).toLocaleString('en')} B`;
}

/** Sets text only where it differs: an unchanged node costs no layout. */
export function put(node, words) {
  if (node.textContent !== words) node.textContent = words;
}

export function make(name, className = '', words = '') {
  const made = document.createElement(name);
  if (className) made.className = className;
  if (words) made.textContent = words;
  return made;
}

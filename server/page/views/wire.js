// The wire view: the bytes of this browser's own connections, as the server's meter read and wrote
// them. It shows one connection of one lane at a time; it records nothing and computes no total.

import { now } from '../clock.js';
import { LANES } from '../knobs.js';
import { Recording } from '../trace.js';
import { element, grouped, kindClass, KIND_WORDS, PAYLOAD_WORDS, write } from './element.js';
import { WireDetail } from './wire_detail.js';
import { WireList } from './wire_list.js';

const REFRESH_MS = 250;
const SHOWN_KINDS = ['payload', 'framing', 'http_headers', 'empty_polls', 'handshake', 'keep_alive', 'packets', 'probes', 'upgrade'];

export function mount(place, lab) {
  return new WireView(place, lab);
}

class WireView {
  #lane = 'websocket';
  #connection = null;
  #due = null;
  /** The learner's own words over a WebSocket, shown in place of the last run. */
  #said = null;

  constructor(place, lab) {
    this.place = place;
    this.lab = lab;
    this.detail = new WireDetail();
    this.list = new WireList((group) => this.#open(group));
    this.#build();
    lab.addEventListener('run', () => this.#forget());
    for (const name of ['change', 'done', 'run', 'state']) lab.addEventListener(name, () => this.#soon());
    // Hidden screens draw nothing; they catch up when they come back.
    place.parentElement?.addEventListener('route', () => this.#soon());
    this.#show();
  }

  #build() {
    this.run = element('button', { class: 'primary', type: 'button', onclick: () => this.#run() }, 'Run 5 s');
    this.tabs = element('div', { class: 'wire-lanes', role: 'group', 'aria-label': 'Lane' }, ...Object.entries(LANES).map(([kind, { title }]) =>
      element('button', { type: 'button', 'data-lane': kind, onclick: () => this.#choose(kind) }, element('span', { class: `swatch-lane lane-${kind}`, 'aria-hidden': 'true' }), title)));
    this.connections = element('select', { id: 'wire-connection', onchange: () => this.#choose(this.#lane, Number(this.connections.value)) });
    this.follow = element('button', { type: 'button', 'aria-pressed': 'true', onclick: () => { this.list.follows = !this.list.follows; this.#show(); } }, 'Follow');
    this.handshake = element('button', { type: 'button', onclick: () => this.#toHandshake() }, 'Handshake');
    this.up = element('button', { class: 'quiet', type: 'button', onclick: () => this.#download('up') }, 'Bytes up');
    this.down = element('button', { class: 'quiet', type: 'button', onclick: () => this.#download('down') }, 'Bytes down');
    this.state = element('p', { class: 'muted small wire-state' });
    this.words = element('input', { id: 'wire-say', type: 'text', maxlength: '200', value: 'Hello, 峡谷' });
    this.say = element('button', {}, 'Send a masked frame');
    const say = element('form', { class: 'wire-say', onsubmit: (event) => { event.preventDefault(); this.#say(); } }, element('label', { for: 'wire-say' }, 'Say something'), this.words, this.say);
    this.place.append(
      element('header', { class: 'wire-intro' },
        element('h1', {}, 'What the bytes are'),
        element('p', { class: 'muted' }, 'Every byte of your own connections, tapped where the server’s socket was read and written. Colours say what each byte was spent on.')),
      element('div', { class: 'wire-bar' }, this.run, this.tabs),
      this.bar = element('div', { class: 'wire-bar small' },
        element('label', { for: 'wire-connection' }, 'Connection'), this.connections, this.follow, this.handshake,
        element('span', { class: 'wire-download' }, element('span', { class: 'muted' }, 'Download'), this.up, this.down)),
      say,
      this.legend = element('ul', { class: 'wire-legend small' }, ...SHOWN_KINDS.map((kind) => element('li', {}, element('span', { class: `swatch-kind ${kindClass(kind)}`, 'aria-hidden': 'true' }), kind === 'payload' ? PAYLOAD_WORDS : KIND_WORDS[kind]))),
      this.state,
      this.columns = element('div', { class: 'wire-columns' }, this.list.element, this.detail.element));
  }

  get #recording() {
    return this.#said ?? this.lab.recording;
  }

  get #lanes() {
    return this.#recording?.lanes ?? {};
  }

  get #current() {
    return this.#lanes[this.#lane]?.connections.get(this.#connection) ?? null;
  }

  async #run() {
    if (this.lab.isRunning) return this.lab.stop();
    this.#connection = null;
    this.list.follows = true;
    try {
      await this.lab.run({ ...this.lab.situation, duration_s: 5 });
    } catch (error) {
      write(this.state, error.message);
    }
  }

  /** What was shown of an earlier run, also while this screen is hidden, is not kept for its sake. */
  #forget() {
    this.#said = null;
    this.#connection = null;
    this.detail.clear('Choose a row');
    this.list.show(null, 0);
  }

  /** One frame of the learner's own, on a connection of its own: browsers mask what they send. */
  async #say() {
    const { lab } = this;
    if (lab.state !== 'ready') return;
    this.say.disabled = true;
    const said = new Recording({ ...lab.knobs, cookie: 0 }, ['websocket']);
    said.startedMs = now() + (lab.clock?.offsetMs ?? 0);
    Object.assign(lab, { aside: said });
    try {
      await converse(`ws://${location.hostname}:${lab.info.lanes.websocket.port}/rooms/${encodeURIComponent(lab.info.room)}/ws`, this.words.value);
      // A run that was begun meanwhile is what is looked at now.
      if (lab.aside !== said) return;
      this.#said = said;
      this.#choose('websocket');
      const isOwn = (group) => group.direction === 'up' && group.runs.some((run) => run.part === 'payload');
      if (this.list.selectFirst(isOwn)) this.detail.show(this.list.group, this.#current.dissector, 'payload');
    } catch (error) {
      if (lab.aside === said) write(this.state, error.message);
    } finally {
      if (lab.aside === said) lab.aside = null;
      this.say.disabled = false;
    }
  }

  #choose(lane, connection = null) {
    this.#lane = lane;
    this.#connection = connection;
    this.list.selected = -1;
    this.list.follows = this.lab.isRunning;
    this.detail.clear('Choose a row');
    this.#show();
    if (!this.lab.isRunning) this.list.select(0);
  }

  #open(group) {
    if (group) this.detail.show(group, this.#current.dissector);
    this.follow.setAttribute('aria-pressed', String(this.list.follows));
  }

  #toHandshake() {
    const answer = (group) => group.direction === 'down' && group.runs[0].part === 'answer-head';
    if (this.list.selectFirst(answer)) this.list.element.focus();
  }

  #soon() {
    this.#due ??= setTimeout(() => {
      this.#due = null;
      this.#show();
    }, REFRESH_MS);
  }

  #show() {
    if (this.place.hidden) return;
    const { lab } = this;
    write(this.run, lab.isRunning ? 'Stop' : 'Run 5 s');
    this.run.disabled = !['ready', 'running'].includes(lab.state);
    this.say.disabled = lab.state !== 'ready' || lab.aside !== null;
    for (const tab of this.tabs.children) tab.setAttribute('aria-pressed', String(tab.dataset.lane === this.#lane));
    this.#showConnections();
    const current = this.#current;
    // Empty boxes tell nobody anything.
    const isEmpty = Object.values(this.#lanes).every(({ connections }) => connections.size === 0);
    for (const part of [this.bar, this.legend, this.columns]) part.hidden = isEmpty;
    this.state.classList.toggle('notice', isEmpty);
    this.state.classList.toggle('muted', !isEmpty);
    for (const button of [this.follow, this.handshake, this.up, this.down]) button.disabled = !current;
    this.follow.setAttribute('aria-pressed', String(this.list.follows));
    this.list.show(current?.dissector ?? null, this.#recording?.startedMs ?? 0);
    write(this.state, this.#words(current));
    if (!current) this.detail.clear(this.#recording ? 'This lane has no connection yet' : 'Nothing has been recorded yet');
    else if (!lab.isRunning && this.list.selected < 0) this.list.select(0);
  }

  #showConnections() {
    const connections = [...(this.#lanes[this.#lane]?.connections ?? new Map())];
    if (!connections.some(([id]) => id === this.#connection)) {
      // The first that carried something: browsers open some that they never use.
      const used = connections.find(([, { dissector }]) => dissector.log.up.end > 0);
      this.#connection = (used ?? connections[0])?.[0] ?? null;
    }
    const key = connections.map(([id, { endedMs }]) => `${id}${endedMs === null ? '' : ' ended'}`).join();
    if (this.connections.dataset.key === key && this.connections.dataset.lane === this.#lane) {
      this.connections.value = this.#connection;
      return;
    }
    Object.assign(this.connections.dataset, { key, lane: this.#lane });
    this.connections.replaceChildren(...connections.map(([id, { endedMs }], at) =>
      element('option', { value: id }, `${at + 1} of ${connections.length}${endedMs === null ? '' : ', ended'}`)));
    this.connections.value = this.#connection;
    this.connections.disabled = connections.length === 0;
  }

  #words(current) {
    if (this.lab.state === 'off' || this.lab.state === 'closed') return this.lab.why ?? '';
    if (!current && this.lab.isRunning) return 'The lanes are being opened.';
    if (!current) return this.#recording ? 'This lane was not in the run: choose another, or run again.' : 'Press Run 5 s: six lanes carry the same events, and every byte of them appears here.';
    const { dissector } = current;
    const sum = (direction) => dissector.log[direction].end;
    const kept = dissector.forgotten > 0 ? ` The oldest ${grouped(dissector.forgotten)} fields are counted, but no longer shown.` : '';
    const isVoid = this.#recording.bytesVoid;
    const note = isVoid ? ` ${isVoid}.` : '';
    return `${grouped(sum('up'))} B up, ${grouped(sum('down'))} B down in ${grouped(this.list.length)} reads and writes of the server.${kept}${note}`;
  }

  #download(direction) {
    const { log } = this.#current.dissector;
    const bytes = log[direction].slice(log[direction].start, log[direction].end);
    const link = element('a', { href: URL.createObjectURL(new Blob([bytes])), download: `${this.#lane}-${this.#connection}-${direction}.bin` });
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 10_000);
  }
}

const SAID_WITHIN_MS = 5000;
/** For the records of the wire, which come in batches. */
const RECORDS_MS = 250;

/** Sends one text, waits until it has come back as an event, says goodbye. */
function converse(address, text) {
  return new Promise((resolve, reject) => {
    const socket = new WebSocket(address);
    const timer = setTimeout(() => end(new Error(`The frame did not come back within ${SAID_WITHIN_MS / 1000} s: is trouble switched on for WebSocket?`)), SAID_WITHIN_MS);
    function end(error) {
      clearTimeout(timer);
      socket.onclose = null;
      socket.close(1000, 'said');
      setTimeout(error ? () => reject(error) : resolve, RECORDS_MS);
    }
    socket.onmessage = ({ data }) => (JSON.parse(data).type === 'hello' ? socket.send(text) : end(null));
    socket.onclose = () => end(new Error('The connection was closed before the frame had come back.'));
    socket.onerror = () => end(new Error('The WebSocket could not be opened: is its upgrade blocked?'));
  });
}

// The list of what one connection carried, a row for each read or write of the server, in time order.
// Only the rows in sight exist, so that ten minutes of traffic scroll like ten seconds.

import { element, grouped, kindClass, write } from './element.js';

const ROW = 34;
/** Rows that exist beyond the edges. */
const MARGIN = 6;

/** What a row is named after, the first that it has. */
const TELLING = ['request-head', 'answer-head', 'payload', 'ws-control', 'heartbeat', 'sse-comment', 'sio-type', 'eio-type'];

/** Runs that one read or write carried: `[{direction, at, runs, bytes}]`; goes on where it stopped. */
class Groups {
  list = [];
  #dissector = null;
  #taken = 0;
  #forgotten = 0;

  follow(dissector) {
    if (dissector === this.#dissector && dissector?.forgotten === this.#forgotten) return this.#go();
    this.#dissector = dissector;
    this.#forgotten = dissector?.forgotten ?? 0;
    this.#taken = 0;
    this.list = [];
    this.#go();
  }

  #go() {
    const runs = this.#dissector?.runs ?? [];
    for (; this.#taken < runs.length; this.#taken += 1) {
      const run = runs[this.#taken];
      const last = this.list.at(-1);
      if (last && last.direction === run.direction && last.at === run.at && !run.part.endsWith('-head')) {
        last.runs.push(run);
        last.bytes += run.to - run.from;
      } else this.list.push({ direction: run.direction, at: run.at, runs: [run], bytes: run.to - run.from });
    }
  }
}

export class WireList {
  #groups = new Groups();
  #rows = [];
  #origin = 0;
  #onSelect;
  #drawn = '';
  selected = -1;
  /** New rows pull the list down as long as nobody has chosen one. */
  follows = true;

  constructor(onSelect) {
    this.#onSelect = onSelect;
    this.spacer = element('div', { class: 'wire-spacer' });
    this.element = element('div', {
      class: 'wire-list', role: 'listbox', tabindex: '0', 'aria-label': 'What the connection carried, oldest first',
      onscroll: () => this.#draw(), onkeydown: (event) => this.#key(event), onclick: (event) => this.#click(event),
    }, this.spacer);
    new ResizeObserver(() => this.#draw()).observe(this.element);
  }

  get length() {
    return this.#groups.list.length;
  }

  get group() {
    return this.#groups.list[this.selected] ?? null;
  }

  show(dissector, origin) {
    const chosen = this.group;
    this.#origin = origin;
    this.#groups.follow(dissector);
    // Old rows may have gone from the front.
    this.selected = chosen ? this.#groups.list.findIndex((group) => group.runs.at(-1) === chosen.runs.at(-1)) : -1;
    if (chosen && this.selected < 0) this.selected = this.#groups.list.indexOf(chosen);
    this.spacer.style.height = `${this.length * ROW}px`;
    if (this.follows) this.element.scrollTop = this.length * ROW;
    this.#drawn = '';
    this.#draw();
  }

  select(index) {
    if (this.length === 0) return;
    this.selected = Math.min(this.length - 1, Math.max(0, index));
    this.follows = false;
    const top = this.selected * ROW;
    const { scrollTop, clientHeight } = this.element;
    if (top < scrollTop) this.element.scrollTop = top;
    else if (top + ROW > scrollTop + clientHeight) this.element.scrollTop = top + ROW - clientHeight;
    this.#drawn = '';
    this.#draw();
    this.#onSelect(this.group);
  }

  /** The first row of which `wanted` holds. */
  selectFirst(wanted) {
    const index = this.#groups.list.findIndex(wanted);
    if (index >= 0) this.select(index);
    return index >= 0;
  }

  #click(event) {
    const row = event.target.closest('.wire-row');
    if (row) this.select(Number(row.dataset.index));
  }

  #key(event) {
    const page = Math.max(1, Math.floor(this.element.clientHeight / ROW) - 1);
    const steps = { ArrowDown: 1, ArrowUp: -1, PageDown: page, PageUp: -page };
    if (event.key === 'Home') this.select(0);
    else if (event.key === 'End') this.select(this.length - 1);
    else if (steps[event.key]) this.select(this.selected + steps[event.key]);
    else return;
    event.preventDefault();
  }

  #draw() {
    const { scrollTop, clientHeight } = this.element;
    if (clientHeight === 0) return;
    const first = Math.max(0, Math.floor(scrollTop / ROW) - MARGIN);
    const last = Math.min(this.length, Math.ceil((scrollTop + clientHeight) / ROW) + MARGIN);
    const state = `${first} ${last} ${this.selected} ${this.length}`;
    if (state === this.#drawn) return;
    this.#drawn = state;
    while (this.#rows.length < last - first) this.#rows.push(this.#row());
    this.#rows.forEach((row, at) => this.#fill(row, first + at, first + at < last));
    if (this.selected >= first && this.selected < last) this.element.setAttribute('aria-activedescendant', `wire-row-${this.selected}`);
    else this.element.removeAttribute('aria-activedescendant');
  }

  #row() {
    const row = element('div', { class: 'wire-row', role: 'option' });
    row.parts = ['wire-time', 'wire-way', 'wire-what', 'wire-bytes'].map((name) => element('span', { class: name }));
    row.bar = element('span', { class: 'wire-kinds', 'aria-hidden': 'true' });
    row.parts[1].append(element('span', {}), element('span', { class: 'wire-way-word' }));
    row.append(...row.parts, row.bar);
    this.spacer.append(row);
    return row;
  }

  #fill(row, index, isShown) {
    row.hidden = !isShown;
    if (!isShown) return;
    const group = this.#groups.list[index];
    row.id = `wire-row-${index}`;
    row.dataset.index = index;
    row.style.transform = `translateY(${index * ROW}px)`;
    row.setAttribute('aria-selected', String(index === this.selected));
    row.setAttribute('aria-posinset', index + 1);
    row.setAttribute('aria-setsize', this.length);
    row.dataset.direction = group.direction;
    const [time, way, what, bytes] = row.parts;
    write(time, `${((group.at - this.#origin) / 1000).toFixed(4)} s`);
    write(way.firstChild, group.direction === 'up' ? '↑' : '↓');
    write(way.lastChild, group.direction === 'up' ? ' up' : ' down');
    write(what, named(group));
    write(bytes, `${grouped(group.bytes)} B`);
    kinds(row.bar, group);
  }
}

function named(group) {
  const part = TELLING.find((telling) => group.runs.some((run) => run.part === telling));
  const run = group.runs.find((one) => one.part === part) ?? group.runs[0];
  const events = group.runs.filter((one) => one.part === 'payload').length;
  const more = events > 1 ? ` (+${events - 1})` : '';
  const { label, value } = run;
  const says = run.part.endsWith('-head') || run.part === 'payload' ? value : `${label} ${value}${dataAfter(run, group)}`;
  return says.slice(0, 160) + more;
}

/** A ping of Engine.IO that bears `probe` is another than one that bears nothing. */
function dataAfter(run, { runs }) {
  const next = runs[runs.indexOf(run) + 1];
  return run.part === 'eio-type' && next?.part === 'eio-data' ? ` ${next.value}` : '';
}

/** A bar of the row's bytes by kind. */
function kinds(bar, group) {
  const shares = new Map();
  for (const { kind, from, to } of group.runs) shares.set(kind, (shares.get(kind) ?? 0) + to - from);
  const key = [...shares].join();
  if (bar.dataset.key === key) return;
  bar.dataset.key = key;
  bar.replaceChildren(...[...shares].map(([kind, bytes]) => {
    const piece = element('span', { class: kindClass(kind) });
    piece.style.flexGrow = bytes;
    return piece;
  }));
}

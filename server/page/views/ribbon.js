// The byte ribbon: what one delivered event cost on each lane, by kind, on the layer that is chosen;
// and how the published 435 : 1 melts from layer to layer. Counts are the recording's own.

import { LANES } from '../knobs.js';
import { costOf, LAYERS, ratioOf, ticker } from '../wire/layers.js';
import { element, grouped, kindClass, KIND_WORDS, PAYLOAD_WORDS, write } from './element.js';

const REFRESH_MS = 500;
const WORDS = { ...KIND_WORDS, payload: PAYLOAD_WORDS, tcp_ip: 'TCP and IP (computed)' };

export function mount(place, lab) {
  return new Ribbon(place, lab);
}

class Ribbon {
  #layer = 'app';
  #due = null;
  #rows = {};

  constructor(place, lab) {
    this.place = place;
    this.lab = lab;
    this.#build();
    for (const name of ['change', 'done', 'run']) lab.addEventListener(name, () => this.#soon());
    this.#show();
  }

  #build() {
    this.layers = element('div', { class: 'ribbon-layers', role: 'group', 'aria-label': 'Layer' }, ...Object.entries(LAYERS).map(([layer, { title }]) =>
      element('button', { type: 'button', 'data-layer': layer, onclick: () => { this.#layer = layer; this.#show(); } }, title)));
    this.words = element('p', { class: 'muted small' });
    this.lanes = element('div', { class: 'ribbon-lanes' }, ...Object.entries(LANES).map(([kind, { title }]) => this.#row(kind, title)));
    this.legend = element('ul', { class: 'wire-legend small' });
    this.table = element('table', { class: 'ribbon-ratio small' });
    this.load = element('button', { type: 'button', onclick: () => this.#load() }, 'Set the knobs to these parameters');
    this.place.append(
      element('h2', {}, 'Bytes for one event'), this.layers, this.words, this.lanes, this.legend,
      element('details', { class: 'ribbon-melts' },
        element('summary', {}, '435 → 40 → 8.6 → 1: polling : WebSocket, layer by layer'),
        element('p', { class: 'small muted' }, 'Kaazing’s stock ticker (c. 2010): one poll and one event of 21 bytes a second. The published ratio counts headers alone. Opening the connection, paid once, is in no ratio.'),
        element('div', { class: 'scrolls', tabindex: '0', role: 'group', 'aria-label': 'Ratios by layer' }, this.table), this.load));
  }

  #row(kind, title) {
    const row = { bar: element('div', { class: 'ribbon-bar', role: 'img' }), value: element('span', { class: 'ribbon-value' }, '–') };
    this.#rows[kind] = row;
    return element('div', { class: 'ribbon-row' }, element('a', { href: '#/wire', class: 'ribbon-name', title: 'See these bytes' }, title), row.bar, row.value);
  }

  #load() {
    for (const [name, value] of Object.entries({ rate: 1, arrivals: 'constant', payload: 21, interval_ms: 1000, cookie: 0 })) this.lab.turn(name, value);
  }

  #soon() {
    if (this.place.closest('[hidden]')) return;
    this.#due ??= setTimeout(() => {
      this.#due = null;
      this.#show();
    }, REFRESH_MS);
  }

  #show() {
    const { recording } = this.lab;
    for (const button of this.layers.children) button.setAttribute('aria-pressed', String(button.dataset.layer === this.#layer));
    const isVoid = recording?.bytesVoid;
    write(this.words, isVoid ? `${isVoid}.` : LAYERS[this.#layer].words);
    const costs = Object.fromEntries(Object.entries(isVoid ? {} : recording?.lanes ?? {}).map(([kind, lane]) => [kind, costOf(lane, this.#layer)]));
    const perEvent = ({ running, once, delivered }) => (delivered ? (running + once) / delivered : 0);
    const most = Math.max(1, ...Object.values(costs).map(perEvent));
    const seen = new Set();
    for (const [kind, row] of Object.entries(this.#rows)) {
      const cost = costs[kind];
      write(row.value, cost?.delivered ? `${grouped(perEvent(cost))} B` : '–');
      row.bar.replaceChildren(...(cost?.delivered ? cost.pieces : []).map(({ kind: of, bytes }) => {
        seen.add(of);
        const piece = element('span', { class: kindClass(of), title: `${WORDS[of]}: ${grouped(bytes / cost.delivered)} B an event, ${grouped(bytes)} B in all` });
        piece.style.width = `${(100 * bytes) / cost.delivered / most}%`;
        return piece;
      }));
      row.bar.setAttribute('aria-label', cost?.delivered
        ? `${LANES[kind].title}, n = ${cost.delivered}: ${cost.pieces.map(({ kind: of, bytes }) => `${WORDS[of]} ${grouped(bytes / cost.delivered)} bytes`).join(', ')} an event`
        : `${LANES[kind].title}: nothing delivered yet`);
    }
    const kinds = Object.keys(WORDS).filter((kind) => seen.has(kind));
    if (this.legend.dataset.kinds !== kinds.join()) {
      this.legend.dataset.kinds = kinds.join();
      this.legend.replaceChildren(...kinds.map((kind) => element('li', {}, element('span', { class: `swatch-kind ${kindClass(kind)}`, 'aria-hidden': 'true' }), WORDS[kind])));
    }
    this.#showRatios(isVoid ? null : recording);
  }

  #showRatios(recording) {
    const rate = recording?.parameters.rate;
    const cell = (text) => element('td', {}, text);
    const rows = ticker().map((row) => {
      const own = row.rate && row.rate !== rate ? null : ratioOf(recording, row.layer);
      const measured = own
        ? `${few(own.polling)} : ${few(own.websocket)} = ${ratio(own.ratio)}${row.layer === 'ip' ? ', segments computed' : ''}`
        : row.rate ? `run with ${row.rate} events a second` : 'not run yet';
      return element('tr', {}, element('th', { scope: 'row' }, row.title), cell(`${grouped(row.sides[0])} : ${grouped(row.sides[1])}`), cell(ratio(row.ratio)), cell(measured));
    });
    const n = recording?.lanes.websocket?.delivered ?? 0;
    const heads = ['Layer', 'B a second, computed', 'ratio', `this run, B an event (n = ${n})`].map((text) => element('th', { scope: 'col' }, text));
    this.table.replaceChildren(element('thead', {}, element('tr', {}, ...heads)), element('tbody', {}, ...rows));
  }
}

/** Small numbers with a digit more, so that a ratio can be followed. */
function few(value) {
  return value < 10 ? value.toFixed(1) : grouped(value);
}

function ratio(value) {
  return value.toFixed(1);
}

/** The ribbon through a painter of `draw/painter.js`, for export; returns its height. */
export function paintRibbon(painter, recording, layer, top = 0) {
  const costs = Object.entries(recording.lanes).filter(([, lane]) => lane.delivered > 0).map(([kind, lane]) => [kind, costOf(lane, layer)]);
  const perEvent = ({ running, once, delivered }) => (running + once) / delivered;
  const most = Math.max(1, ...costs.map(([, cost]) => perEvent(cost)));
  const room = painter.width - 260;
  painter.text(0, top + 14, `Bytes for one event: ${LAYERS[layer].title.toLowerCase()}`, { fill: 'ink', size: 13, weight: 600 });
  costs.forEach(([kind, cost], index) => {
    const y = top + 28 + index * 24;
    painter.text(0, y + 12, LANES[kind].title, { fill: 'ink', size: 11 });
    let x = 140;
    for (const { kind: of, bytes } of cost.pieces) {
      const width = (room * bytes) / cost.delivered / most;
      painter.rects([x, y, width, 16], { fill: of === 'tcp_ip' ? 'held' : `kind-${of.replaceAll('_', '-')}` });
      x += width;
    }
    painter.text(x + 8, y + 12, `${grouped(perEvent(cost))} B (n = ${cost.delivered})`, { fill: 'muted', size: 11 });
  });
  return 28 + costs.length * 24;
}

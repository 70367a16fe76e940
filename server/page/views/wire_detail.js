// One row of the wire opened: its fields, what each means, and its bytes in hexadecimal and as text,
// coloured by kind. Arrow keys go from field to field. Long payloads are shown in part, and that is said.

import { element, grouped, kindClass, KIND_WORDS } from './element.js';
import { figureFor } from './wire_figures.js';

/** Bytes of one field that are drawn, and fields of one row. */
const MOST_BYTES = 512;
const MOST_FIELDS = 400;
const PER_LINE = 16;

export class WireDetail {
  #spans = [];
  #chosen = 0;
  #dissector = null;

  constructor() {
    this.title = element('h2', { class: 'wire-title' }, 'Choose a row');
    this.fields = element('ol', {
      class: 'wire-fields', role: 'listbox', tabindex: '0', 'aria-label': 'Fields of this row',
      onkeydown: (event) => this.#key(event), onclick: (event) => this.#click(event),
    });
    this.words = element('div', { class: 'wire-words', 'aria-live': 'polite' });
    this.figure = element('div', { class: 'wire-figure' });
    this.dump = element('div', { class: 'wire-dump', tabindex: '0', role: 'group', 'aria-label': 'Bytes in hexadecimal and as text', onclick: (event) => this.#click(event) });
    this.element = element('div', { class: 'wire-detail' }, this.title, this.words, this.figure, this.fields, this.dump);
  }

  clear(text) {
    this.#spans = [];
    this.#dissector = null;
    this.title.textContent = text;
    for (const place of [this.fields, this.words, this.figure, this.dump]) place.replaceChildren();
  }

  show(group, dissector, part = null) {
    this.#dissector = dissector;
    this.#spans = group.runs.flatMap((run) => run.parts);
    const hidden = Math.max(0, this.#spans.length - MOST_FIELDS);
    this.#spans = this.#spans.slice(0, MOST_FIELDS);
    const way = group.direction === 'up' ? 'browser → server' : 'server → browser';
    const last = group.runs.at(-1);
    this.title.textContent = `${way}, bytes ${grouped(group.runs[0].from)} to ${grouped(last.to - 1)} of this direction`;
    this.fields.replaceChildren(...this.#spans.map((span, index) => field(span, index)));
    if (hidden > 0) this.fields.append(element('li', { class: 'muted small' }, `and ${grouped(hidden)} further fields`));
    this.dump.replaceChildren(...dump(this.#spans));
    const wanted = part ?? ['request-line', 'status-line', 'ws-bits', 'eio-type', 'payload'].find((name) => this.#spans.some((span) => span.part === name));
    this.#choose(Math.max(0, this.#spans.findIndex((span) => span.part === wanted)), false);
  }

  #choose(index, focus = true) {
    if (this.#spans.length === 0) return;
    this.#chosen = Math.min(this.#spans.length - 1, Math.max(0, index));
    const span = this.#spans[this.#chosen];
    for (const node of this.element.querySelectorAll('[data-span]')) {
      const isChosen = Number(node.dataset.span) === this.#chosen;
      node.classList.toggle('chosen', isChosen);
      if (node.getAttribute('role') === 'option') node.setAttribute('aria-selected', String(isChosen));
    }
    const option = this.fields.children[this.#chosen];
    this.fields.setAttribute('aria-activedescendant', option.id);
    if (focus) option.scrollIntoView({ block: 'nearest' });
    this.words.replaceChildren(
      element('p', { class: 'wire-span' },
        element('strong', {}, span.label), ' ',
        element('code', {}, shortened(span.value)), ' ',
        element('span', { class: `kind-tag ${kindClass(span.kind)}` }, KIND_WORDS[span.kind])),
      element('p', {}, span.detail),
    );
    const chosen = this.#chosen;
    this.figure.replaceChildren();
    Promise.resolve(figureFor(span, this.#dissector)).then((figure) => {
      if (figure && chosen === this.#chosen && span === this.#spans[chosen]) this.figure.replaceChildren(figure);
    });
  }

  #click(event) {
    const node = event.target.closest('[data-span]');
    if (node) this.#choose(Number(node.dataset.span));
  }

  #key(event) {
    const steps = { ArrowDown: 1, ArrowRight: 1, ArrowUp: -1, ArrowLeft: -1 };
    if (event.key === 'Home') this.#choose(0);
    else if (event.key === 'End') this.#choose(this.#spans.length - 1);
    else if (steps[event.key]) this.#choose(this.#chosen + steps[event.key]);
    else return;
    event.preventDefault();
  }
}

function field(span, index) {
  return element('li', { role: 'option', id: `wire-field-${index}`, 'data-span': index, 'aria-selected': 'false' },
    element('span', { class: `swatch-kind ${kindClass(span.kind)}`, 'aria-hidden': 'true' }),
    element('span', { class: 'field-name' }, span.label),
    element('code', { class: 'field-value' }, shortened(span.value, 90)),
    element('span', { class: 'field-bytes muted' }, `${grouped(span.to - span.from)} B`));
}

function shortened(text, most = 400) {
  return text.length > most ? `${text.slice(0, most)}…` : text;
}

/** Lines of 16 bytes; each stretch of one span in a line is one node on either side. */
function dump(spans) {
  const lines = [];
  let line = null;
  let position = spans[0]?.from ?? 0;
  const open = () => {
    line = { left: element('span', { class: 'hex' }), right: element('span', { class: 'text' }), have: 0 };
    lines.push(element('div', { class: 'dump-line' }, element('span', { class: 'offset muted' }, String(position)), line.left, line.right));
  };
  spans.forEach((span, index) => {
    const all = span.bytes;
    const bytes = all.subarray(0, MOST_BYTES);
    for (let at = 0; at < bytes.length;) {
      if (!line || line.have === PER_LINE) open();
      const run = bytes.subarray(at, at + PER_LINE - line.have);
      const attributes = { class: kindClass(span.kind), 'data-span': index };
      line.left.append(element('span', attributes, Array.from(run, (byte) => byte.toString(16).padStart(2, '0')).join(' ')), ' ');
      line.right.append(element('span', attributes, plain(run)));
      line.have += run.length;
      at += run.length;
      position += run.length;
    }
    if (all.length > bytes.length) {
      lines.push(element('div', { class: 'dump-more muted small' }, `… ${grouped(all.length - bytes.length)} further bytes of this ${span.label} are in the download`));
      position += all.length - bytes.length;
      line = null;
    }
  });
  return lines;
}

/** One sign a byte, whatever it is: the text stands under the hexadecimal. */
function plain(bytes) {
  return Array.from(bytes, (byte) => (byte > 0x20 && byte < 0x7f ? String.fromCharCode(byte) : byte === 0x20 ? '\u00a0' : '·')).join('');
}

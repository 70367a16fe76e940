// The talk as it is read: lines are put in by batches, the newest below, and the view stays at the newest
// unless somebody has scrolled away. It keeps the last lines only; all text is text.

import { element } from '../../views/element.js';

/** More lines than this are not kept in the page; the first of them then says so. */
const MOST_LINES = 2000;
/** Longer texts are folded. */
const LONG_TEXT = 2000;
/** Lines of one author within this time stand under one name. */
const TOGETHER_MS = 3 * 60_000;
/** From the bottom, so many pixels count as being there. */
const NEAR = 60;

const clock = new Intl.DateTimeFormat('en', { hour: '2-digit', minute: '2-digit', hourCycle: 'h23' });
const calendar = new Intl.DateTimeFormat('en', { dateStyle: 'full', timeStyle: 'medium' });

export class LogView {
  #waiting = [];
  #timer = null;
  #last = null;
  #cut = null;
  #follows = true;

  constructor({ scroll, log, down, label, isMine }) {
    Object.assign(this, { scroll, log, down, label, isMine });
    down.addEventListener('click', () => { this.toNewest(); });
    scroll.addEventListener('scroll', () => {
      this.#follows = this.isAtNewest;
      if (this.#follows) down.hidden = true;
    });
    // A keyboard that comes up, or a window that shrinks, does not take the newest line away.
    new ResizeObserver(() => { if (this.#follows) this.toNewest(); }).observe(scroll);
  }

  /** Another room: nothing of the last one stays. */
  clear(name) {
    this.log.replaceChildren();
    this.log.setAttribute('aria-label', `Messages in ${name}`);
    this.log.setAttribute('aria-live', 'off');
    this.#waiting = [];
    this.#last = null;
    this.#cut = null;
    this.down.hidden = true;
  }

  /** From here on new lines are read out; the history before was not. */
  speak() {
    this.#flush();
    this.log.setAttribute('aria-live', 'polite');
  }

  get isAtNewest() {
    const { scrollHeight, scrollTop, clientHeight } = this.scroll;
    return scrollHeight - scrollTop - clientHeight < NEAR;
  }

  toNewest() {
    this.#follows = true;
    this.scroll.scrollTop = this.scroll.scrollHeight;
    this.down.hidden = true;
  }

  line(line) { this.#put({ kind: 'line', line }); }

  said(text, isGrave = false) { this.#put({ kind: 'said', text, isGrave }); }

  mark() { this.#put({ kind: 'mark' }); }

  #put(entry) {
    this.#waiting.push(entry);
    // A hidden tab paints no frames, and still has to keep up.
    this.#timer ??= setTimeout(() => this.#flush(), 16);
  }

  #flush() {
    clearTimeout(this.#timer);
    this.#timer = null;
    if (this.#waiting.length === 0) return;
    const follow = this.isAtNewest;
    const fresh = document.createDocumentFragment();
    const late = this.#waiting.slice(-MOST_LINES);
    const isCut = late.length < this.#waiting.length;
    this.#waiting = [];
    for (const entry of late) {
      if (entry.kind === 'mark') for (const old of this.log.querySelectorAll('.new')) old.remove();
      fresh.append(this.#made(entry));
    }
    this.log.append(fresh);
    this.#trim(isCut);
    if (follow) this.toNewest();
    else this.down.hidden = false;
  }

  #trim(isCut) {
    const beyond = this.log.childElementCount - MOST_LINES - (this.#cut ? 1 : 0);
    if (beyond <= 0 && !isCut) return;
    if (!this.#cut) {
      this.#cut = element('p', { class: 'said' }, `This page keeps the last ${MOST_LINES.toLocaleString('en')} lines; older ones are no longer shown.`);
      this.log.prepend(this.#cut);
    }
    for (let count = 0; count < beyond; count += 1) this.#cut.nextElementSibling.remove();
  }

  #made({ kind, line, text, isGrave }) {
    if (kind !== 'line') this.#last = null;
    if (kind === 'mark') return element('p', { class: 'new', role: 'separator' }, 'new');
    if (kind === 'said') return element('p', { class: isGrave ? 'said grave' : 'said' }, text);
    return this.#speech(line);
  }

  #speech(line) {
    const own = this.isMine(line.user);
    const before = this.#last;
    const follows = before !== null && before.user?.id === line.user?.id && line.user !== null && line.atMs - before.atMs < TOGETHER_MS && line.atMs >= before.atMs;
    this.#last = line;
    const { name, tag } = this.label(line.user);
    return element('article', { class: `line${own ? ' own' : ''}${follows ? ' follows' : ''}`, 'data-id': line.id, 'data-nonce': line.nonce },
      element('header', { class: 'by' },
        element('span', { class: 'who' }, element('bdi', {}, name), tag && element('span', { class: 'tag', title: 'Another one here has the same name; these are the first letters of the id' }, ` ${tag}`)),
        own ? element('span', { class: 'you' }, '(you)') : null,
        when(line)),
      ...folded(line.text));
  }
}

/** The author's clock is a claim, and it is called one. */
function when({ atMs, byClock }) {
  const date = new Date(atMs);
  const source = byClock === 'author' ? 'by the author’s clock' : 'when it came to this browser';
  return element('time', { datetime: date.toISOString(), title: `${calendar.format(date)}, ${source}` }, clock.format(date));
}

function folded(text) {
  if (text.length <= LONG_TEXT) return [element('div', { class: 'text' }, text)];
  // Not in the middle of a character that takes two units.
  const shown = element('div', { class: 'text' }, `${text.slice(0, LONG_TEXT).toWellFormed().replace(/\uFFFD$/, '')}…`);
  const more = element('button', { type: 'button', onclick: () => { shown.textContent = text; more.remove(); } }, `Show all ${text.length.toLocaleString('en')} characters`);
  return [shown, more];
}

// The trouble panel: switches for what goes wrong on each lane, at once and for the runs to come, and
// afterwards what was noticed, made up for, doubled and lost. The proxy of the lab does it, not the page.

import { LANES } from '../knobs.js';
import { BOUNDS, boundsOf, consequences, TROUBLES, troubleOf, wordsOf } from '../troubles.js';
import { element, write } from './element.js';

const ALL = Object.keys(LANES);
const RESTART_MS = 2000;
const PATIENCE_MS = 3000;
const REFRESH_MS = 500;
const HEADS = ['what happened', 'noticed after', 'back after', 'made up for', 'missing', 'twice'];
/** Shown where lanes differ; nobody can choose it. */
const MIXED = 'mixed';

export function mount(place, lab) {
  return new TroublePanel(place, lab);
}

class TroublePanel {
  #lane = 'all';
  #due = null;
  #selects = new Map();

  constructor(place, lab) {
    this.place = place;
    this.lab = lab;
    // Shared links fill it before the panel is there.
    lab.chosen ??= { trouble: {}, bounds: {} };
    this.#build();
    for (const name of ['change', 'done', 'run', 'trouble', 'state']) lab.addEventListener(name, () => this.#soon());
    lab.addEventListener('shared', () => this.#adopt());
    this.#adopt();
  }

  #build() {
    this.lane = this.#select('Lane', [['all', 'every lane'], ...Object.entries(LANES).map(([kind, { title }]) => [kind, title])], 'Where the trouble is.', (value) => { this.#lane = value; this.#show(); });
    const switches = TROUBLES.map((one) => this.#row(one, 'trouble', [['', 'off'], ...one.options, [MIXED, 'differs by lane']]));
    const bounds = BOUNDS.map((one) => this.#row(one, 'bounds', one.options));
    const button = (text, act) => element('button', { type: 'button', onclick: act }, text);
    this.cut = button('Cut now', () => this.#lanes.forEach((lane) => this.lab.send({ do: 'cut', lane })));
    this.restart = button(`Restart server, ${RESTART_MS / 1000} s`, () => this.lab.send({ do: 'restart', down_ms: RESTART_MS }));
    this.fallback = button('Try the fallback', () => this.#tryFallback());
    this.state = element('p', { class: 'small muted', role: 'status' });
    this.table = element('tbody');
    this.results = element('div', { class: 'scrolls trouble-results', tabindex: '0', role: 'group', 'aria-label': 'What came of it' },
      element('table', { class: 'small' }, element('thead', {}, element('tr', {}, ...['Lane', ...HEADS].map((text) => element('th', { scope: 'col' }, text)))), this.table));
    this.panel = element('details', { class: 'trouble' },
      element('summary', {}, 'Trouble on the way'),
      element('div', { class: 'trouble-rows' }, this.lane.row, ...switches, ...bounds),
      element('div', { class: 'trouble-acts' }, this.cut, this.restart, this.fallback), this.state, this.results);
    this.place.append(this.panel);
  }

  #row(one, group, options) {
    const made = this.#select(one.label, options, one.help, (value) => this.#choose(one, group, value));
    this.#selects.set(one, { ...made, group });
    return made.row;
  }

  #select(label, options, help, onChange) {
    const id = `trouble-${label.toLowerCase().replaceAll(' ', '-')}`;
    const select = element('select', { id, title: help, 'aria-describedby': `${id}-help`, onchange: () => onChange(select.value) }, ...options.map(([value, text]) => element('option', { value, hidden: value === MIXED, disabled: value === MIXED }, text)));
    const row = element('div', { class: 'trouble-row' }, element('label', { for: id }, label), select, element('span', { class: 'unseen', id: `${id}-help` }, help));
    return { row, select };
  }

  /** What a link chose: open for all to see, at the lane that it is about. */
  #adopt() {
    const { trouble, bounds } = this.lab.chosen;
    const lanes = ALL.filter((lane) => wordsOf(TROUBLES, trouble[lane]).length > 0);
    if (lanes.length === 1) this.lane.select.value = this.#lane = lanes[0];
    if (lanes.length > 0 || wordsOf(BOUNDS, bounds).length > 0) this.panel.open = true;
    // A link changes nothing of what is running; a switch of this panel does.
    this.#set();
    this.#show();
    this.lab.dispatchEvent(new CustomEvent('chosen', { detail: [] }));
  }

  get #lanes() {
    return this.#lane === 'all' ? ALL : [this.#lane];
  }

  #choose(one, group, value) {
    const { chosen } = this.lab;
    if (group === 'bounds') chosen.bounds[one.name] = value;
    else {
      for (const lane of this.#lanes) {
        if (one.lanes && !one.lanes.includes(lane)) continue;
        (chosen.trouble[lane] ??= {})[one.name] = value;
      }
    }
    this.#set();
    const applied = group === 'trouble' ? this.#apply() : [];
    this.#show();
    this.lab.dispatchEvent(new CustomEvent('chosen', { detail: applied }));
  }

  /** For runs to come. */
  #set() {
    const { chosen } = this.lab;
    this.lab.situation = { trouble: troubleOf(chosen.trouble, ALL), ...boundsOf(chosen.bounds) };
  }

  /** On a run that goes on, at once, for the lanes that were chosen; answers which these are. */
  #apply() {
    const { lab } = this;
    const { recording } = lab;
    if (recording === null || recording !== lab.running) return [];
    const { trouble } = lab.situation;
    const lanes = this.#lanes.filter((lane) => recording.lanes[lane]);
    for (const lane of lanes) lab.send({ do: 'lane', lane, rtt_ms: recording.parameters.rtt_ms, trouble: trouble[lane] });
    return lanes;
  }

  async #tryFallback() {
    const { fallback } = await import('../lessons/by_hand.js');
    const { payload, rtt_ms } = this.lab.knobs;
    write(this.state, `Three clients in turn, events at 10/s: WebSocket swallowed, refused, and long polling first. Patience ${PATIENCE_MS / 1000} s.`);
    try {
      const seen = await fallback(this.lab, { rate: 10, payload, rtt_ms, duration_s: 15 }, PATIENCE_MS);
      write(this.state, `First event after: ${time(seen.swallowed)} with WebSocket first and swallowed, ${time(seen.refused)} with WebSocket first and refused, ${time(seen.pollingFirst)} with long polling first (n = 1 each, patience ${PATIENCE_MS / 1000} s).`);
    } catch (error) {
      write(this.state, error.message);
    }
  }

  #soon() {
    this.#due ??= setTimeout(() => {
      this.#due = null;
      this.#show();
    }, REFRESH_MS);
  }

  #show() {
    const { lab } = this;
    for (const [one, { select, group }] of this.#selects) {
      const [first, ...rest] = this.#lanes.filter((lane) => !one.lanes || one.lanes.includes(lane));
      const of = (lane) => lab.chosen.trouble[lane]?.[one.name] ?? '';
      const isMixed = group === 'trouble' && rest.some((lane) => of(lane) !== of(first));
      select.value = group === 'bounds' ? lab.chosen.bounds[one.name] ?? '' : isMixed ? MIXED : of(first);
      select.disabled = first === undefined || (group === 'bounds' && lab.isRunning);
      select.parentElement.classList.toggle('on', select.value !== '');
    }
    this.cut.disabled = lab.running === null;
    this.restart.disabled = lab.running === null;
    this.fallback.disabled = lab.state !== 'ready';
    if (this.panel.open || lab.recording) this.#showResults();
  }

  #showResults() {
    const { recording } = this.lab;
    const rows = [];
    for (const [kind, lane] of Object.entries(recording?.lanes ?? {})) {
      const { title } = LANES[kind];
      const blocked = lane.faults.filter(({ what }) => what === 'blocked-upgrade').length;
      if (blocked > 0) rows.push([title, `upgrade blocked, ${blocked} times`, '–', '–', '–', recording.endedMs === null ? '–' : String(lane.lost), String(lane.duplicated)]);
      for (const one of consequences(lane, recording.events).slice(-3)) {
        rows.push([title, one.what.replaceAll('-', ' '), one.noticedMs === null ? 'not noticed' : time(one.noticedMs), time(one.backMs), one.resumed === null ? '–' : String(one.resumed), String(one.missing), String(lane.duplicated)]);
      }
    }
    this.results.hidden = rows.length === 0;
    const key = JSON.stringify(rows);
    if (this.table.dataset.key === key) return;
    this.table.dataset.key = key;
    this.table.replaceChildren(...rows.map(([title, ...cells]) => element('tr', {}, element('th', { scope: 'row' }, title), ...cells.map((text, at) => element('td', { 'data-label': HEADS[at] }, text)))));
  }
}

function time(milliseconds) {
  if (!Number.isFinite(milliseconds)) return '–';
  return milliseconds >= 1000 ? `${(milliseconds / 1000).toFixed(2)} s` : `${milliseconds.toFixed(0)} ms`;
}

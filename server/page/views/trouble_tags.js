// What goes wrong, said where its figures stand: in the head of each lane, and for the run as a whole
// above all lanes. Where the run that is shown was another, that is said too. It switches nothing.

import { BOUNDS, TROUBLES, wordsIn, wordsOf } from '../troubles.js';
import { make } from './lane.js';

export class TroubleTags {
  element = make('p', 'small lane-tags race-bounds');
  /** What was on in the run that is shown, by lane and for the `run`; null before the first. */
  #ofRun = null;
  #panels;
  #lab;

  /** `onShow(isOn)` learns whether anything is switched on. */
  constructor(lab, panels, onShow) {
    this.#lab = lab;
    this.#panels = panels;
    this.onShow = onShow;
    this.element.hidden = true;
    lab.addEventListener('run', ({ detail }) => this.#begin(detail.parameters));
    lab.addEventListener('chosen', ({ detail }) => this.#change(detail));
    this.#show();
  }

  #begin(parameters) {
    this.#ofRun = new Map(this.#panels.map(({ kind }) => [kind, new Set(wordsIn(TROUBLES, parameters.trouble?.[kind]))]));
    this.#ofRun.set('run', new Set(wordsIn(BOUNDS, parameters)));
    this.#show();
  }

  /** Trouble works at once on the lanes of a run for which it was switched; bounds are those that it began with. */
  #change(lanes) {
    for (const kind of lanes) for (const words of this.#on(kind)) this.#ofRun?.get(kind).add(words);
    this.#show();
  }

  #on(place) {
    const { trouble = {}, bounds = {} } = this.#lab.chosen ?? {};
    return place === 'run' ? wordsOf(BOUNDS, bounds) : wordsOf(TROUBLES, trouble[place]);
  }

  #show() {
    for (const panel of this.#panels) panel.showTrouble(this.#tags(panel.kind));
    const tags = this.#tags('run');
    this.element.hidden = tags.length === 0;
    this.element.replaceChildren('The run: ', ...tags.map(tag));
    this.onShow([...this.#panels.map(({ kind }) => kind), 'run'].some((place) => this.#on(place).length > 0));
  }

  #tags(place) {
    const on = this.#on(place);
    const ran = this.#ofRun?.get(place);
    const tags = on.map((words) => ({ isOn: true, words: !ran || ran.has(words) ? words : `next run: ${words}` }));
    for (const words of ran ?? []) if (!on.includes(words)) tags.push({ isOn: false, words: `in this run: ${words}` });
    return tags;
  }
}

export function tag({ words, isOn }) {
  return make('span', isOn ? 'lane-tag' : 'lane-tag muted', words);
}

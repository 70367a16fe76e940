// A run as a link: every knob, the trouble and the seed in the URL's fragment, which never reaches a
// server's log. A link is somebody else's text: what is no value of a knob is left out and counted, and
// nothing starts by itself.

import { clean, KNOBS, LANES } from './knobs.js';
import { BOUNDS, isChoice, TROUBLES, wordsOf } from './troubles.js';

const LONGEST = 4000;

/** `#/race?rate=2&…&sse.idle=2000&run.heartbeat=1000` */
export function fragmentOf({ knobs, chosen }) {
  const parts = new URLSearchParams();
  for (const { name } of KNOBS) parts.set(name, knobs[name]);
  for (const [lane, own] of Object.entries(chosen?.trouble ?? {})) {
    for (const [name, value] of Object.entries(own)) if (value !== '') parts.set(`${lane}.${name}`, value);
  }
  for (const [name, value] of Object.entries(chosen?.bounds ?? {})) if (value !== '') parts.set(`run.${name}`, value);
  return `#/race?${parts}`;
}

/** `{knobs, chosen, refused}` of a fragment: what it may set, and how many parts were refused; null
 * where it carries nothing. */
export function readFragment(fragment) {
  const begin = fragment.indexOf('?');
  if (!/^#\/(race)?\?./.test(fragment)) return null;
  const read = { knobs: {}, chosen: { trouble: {}, bounds: {} }, refused: 0 };
  if (fragment.length > LONGEST) return { ...read, refused: 1 };
  for (const [name, value] of new URLSearchParams(fragment.slice(begin + 1))) {
    if (!take(read, name, value)) read.refused += 1;
  }
  return read;
}

function take({ knobs, chosen }, name, value) {
  if (KNOBS.some((knob) => knob.name === name)) {
    const allowed = clean(name, value);
    if (allowed === null) return false;
    knobs[name] = allowed;
    return true;
  }
  const [place, own, ...more] = name.split('.');
  if (more.length > 0) return false;
  const choices = place === 'run' ? BOUNDS : Object.hasOwn(LANES, place) ? TROUBLES : [];
  const choice = choices.find((one) => one.name === own);
  if (!choice || !isChoice(choice, value) || (choice.lanes && !choice.lanes.includes(place))) return false;
  const target = place === 'run' ? chosen.bounds : (chosen.trouble[place] ??= {});
  target[own] = value;
  return true;
}

/** Sets the lab to what the address says; returns sentences for the reader, or null. */
export function follow(lab, fragment) {
  const read = readFragment(fragment);
  if (!read) return null;
  for (const [name, value] of Object.entries(read.knobs)) lab.turn(name, value);
  lab.chosen = read.chosen;
  const says = [`This link set ${counted(Object.keys(read.knobs).length, 'knob')}.`];
  if (read.refused > 0) says.push(`${counted(read.refused, 'further part')} ${read.refused === 1 ? 'is no value' : 'are no values'} that a knob can have, and ${read.refused === 1 ? 'was' : 'were'} left out.`);
  says.push(...troubleWords(read.chosen), lab.isRunning ? 'What runs now goes on as it was; the next run has them.' : 'Press Run to see it.');
  return says.join(' ');
}

/** What a link makes go wrong must not be found out by wondering at the figures. */
function troubleWords({ trouble, bounds }) {
  const lanes = Object.keys(LANES).map((lane) => [LANES[lane].title, wordsOf(TROUBLES, trouble[lane])]).filter(([, words]) => words.length > 0);
  const all = lanes.length === Object.keys(LANES).length && new Set(lanes.map(([, words]) => words.join())).size === 1;
  const says = all ? [`every lane: ${lanes[0][1].join(', ')}`] : lanes.map(([title, words]) => `${title}: ${words.join(', ')}`);
  const bound = wordsOf(BOUNDS, bounds);
  if (bound.length > 0) says.push(`the run: ${bound.join(', ')}`);
  return says.length > 0 ? [`It also switched on trouble. ${says.map(capital).join('; ')}.`] : [];
}

const capital = (text, at) => (at === 0 ? text[0].toUpperCase() + text.slice(1) : text);
const counted = (count, word) => `${count} ${word}${count === 1 ? '' : 's'}`;

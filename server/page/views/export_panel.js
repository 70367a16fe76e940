// Takes a run along: a link that sets every knob again, and the recording as JSON, CSV or SVG.

import { exchangesCsv, receiptsCsv, toJson, toSvg } from '../export.js';
import { fragmentOf } from '../share.js';
import { element, write } from './element.js';

const FILES = [
  ['JSON', 'json', 'application/json', (lab) => toJson(lab.recording, lab.info?.server ?? null)],
  ['Receipts as CSV', 'receipts.csv', 'text/csv', (lab) => receiptsCsv(lab.recording)],
  ['Requests as CSV', 'requests.csv', 'text/csv', (lab) => exchangesCsv(lab.recording)],
  ['Ladders and ribbon as SVG', 'svg', 'image/svg+xml', (lab) => toSvg(lab.recording)],
];

export function mount(place, lab) {
  const link = element('input', { id: 'share-link', type: 'text', readonly: true, onfocus: () => link.select() });
  const copy = element('button', { type: 'button', onclick: () => copied() }, 'Copy');
  const words = element('p', { class: 'notice', role: 'status', hidden: true });
  const files = FILES.map(([title, ending, type, make]) =>
    element('button', { type: 'button', disabled: true, onclick: () => save(`pushlab-${lab.recording.seed}.${ending}`, type, make(lab)) }, title));
  place.append(
    element('h2', {}, 'Take it along'),
    element('div', { class: 'share-row' }, element('label', { for: 'share-link' }, 'Link with all knobs and the seed'), link, copy),
    element('div', { class: 'share-files', role: 'group', 'aria-label': 'Export the recording' }, ...files));

  // What a link has set is said where the reader begins.
  (place.parentElement?.closest('section')?.querySelector('.race-intro') ?? place).append(words);

  function show() {
    link.value = `${location.origin}/${fragmentOf(lab)}`;
    const has = Boolean(lab.recording?.endedMs);
    for (const file of files) file.disabled = !has;
    words.hidden = !lab.linkWords;
    write(words, lab.linkWords ?? '');
  }

  async function copied() {
    link.select();
    const done = await navigator.clipboard?.writeText(link.value).then(() => true, () => false);
    write(copy, done ? 'Copied' : 'Selected: copy it by hand');
    setTimeout(() => write(copy, 'Copy'), 2500);
  }

  for (const name of ['knobs', 'done', 'run', 'shared', 'chosen', 'state']) lab.addEventListener(name, show);
  show();
}

function save(name, type, text) {
  const link = element('a', { href: URL.createObjectURL(new Blob([text], { type })), download: name });
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 10_000);
}

// The lessons: a list of the claims, and the card of the one that the address names.

import { LESSONS, lesson } from '../lessons/index.js';
import { element } from '../lessons/element.js';
import { remembered } from '../lessons/progress.js';
import { card } from './card.js';

export function mount(place, lab) {
  const list = element('ol', { class: 'lesson-list' });
  const stage = element('div', { class: 'stage' });
  const cards = new Map();
  place.append(
    element('h1', {}, 'Twenty-two claims, and what this machine says of them'),
    element('p', { class: 'muted' }, 'Guess first. Then run the real thing: this browser and this server, or loadgen with many clients. The verdict says whether the published formula holds, and from how many events.'),
    element('div', { class: 'lesson-screen' }, element('nav', { 'aria-label': 'Lessons' }, list), stage));

  const named = () => {
    const [, screen, id] = location.hash.split('?')[0].split('/');
    return screen === 'lessons' ? lesson(id) ?? null : undefined;
  };

  function entries(current) {
    list.replaceChildren(...LESSONS.map(one => {
      const done = remembered(one.id);
      return element('li', {}, element('a', { href: `#/lessons/${one.id}`, 'aria-current': one === current ? 'true' : null },
        element('span', { class: 'number' }, one.number), element('span', { class: 'title' }, done ? one.title : one.topic),
        done ? element('span', { class: `tick ${done.verdict === 'holds' ? 'good' : 'open'}`, title: done.verdict }, done.verdict === 'holds' ? '✓' : '·') : null));
    }));
  }

  function show() {
    const current = named();
    if (current === undefined) return;
    const shown = current ?? LESSONS[0];
    entries(shown);
    if (!cards.has(shown.id)) cards.set(shown.id, card(shown, lab, { onVerdict: () => entries(shown) }));
    // On a phone the list is a window of its own, beside which the page does not move.
    const chosen = list.querySelector('[aria-current]');
    list.parentElement.scrollTop = chosen.offsetTop - list.offsetTop - 60;
    const at = LESSONS.indexOf(shown);
    const next = LESSONS[at + 1];
    stage.replaceChildren(cards.get(shown.id).element,
      next ? element('p', { class: 'next' }, element('a', { href: `#/lessons/${next.id}` }, `Next: ${next.topic}`)) : '');
  }
  addEventListener('hashchange', show);
  show();
}

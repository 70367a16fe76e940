// The course: eight steps of one question, one knob and one verdict each. The step stands in the address;
// the presenter's view is the same in big type, driven by the keyboard.

import { lesson } from '../lessons/index.js';
import { STEPS } from '../lessons/course.js';
import { element } from '../lessons/element.js';
import { remembered } from '../lessons/progress.js';
import { card } from './card.js';

const HELP = 'Arrow keys: step. R: run. S: skip the guess. P: presenter view. Escape: leave it.';

/** `#/course/3/present` → step 3 of 8; what is no step is the first. Null on another screen. */
export function place(hash) {
  const [, screen, number, mode] = hash.split('?')[0].split('/');
  if (screen !== 'course') return null;
  const step = /^[1-8]$/.test(number ?? '') ? Number(number) : 1;
  return { step, presents: mode === 'present' };
}

const address = (step, presents) => `#/course/${step}${presents ? '/present' : ''}`;

export function mount(root, lab) {
  const cards = new Map();
  const shownOf = STEPS.map(() => 0);
  const steps = element('ol', { class: 'course-steps' });
  const stage = element('div', { class: 'stage' });
  const head = element('div', { class: 'course-head' });
  root.append(head, element('nav', { 'aria-label': 'Steps of the course' }, steps), stage);

  const cardOf = id => {
    if (!cards.has(id)) cards.set(id, card(lesson(id), lab, { onVerdict: () => { marks(); after(); } }));
    return cards.get(id);
  };
  const current = () => {
    const here = place(location.hash);
    return here && { ...here, ...STEPS[here.step - 1], id: STEPS[here.step - 1].lessons[shownOf[here.step - 1]] };
  };

  function marks() {
    const here = place(location.hash);
    if (!here) return;
    steps.replaceChildren(...STEPS.map((step, at) => {
      const done = step.lessons.some(id => remembered(id));
      return element('li', {}, element('a', {
        href: address(at + 1, here.presents), 'aria-current': at + 1 === here.step ? 'step' : null, class: done ? 'done' : null,
        'aria-label': `Step ${at + 1}: ${lesson(step.lessons[0]).title}${done ? ', done' : ''}`,
      }, done ? '✓' : String(at + 1)));
    }));
  }

  function after() {
    const here = current();
    const words = stage.querySelector('.after');
    if (!here || !words) return;
    words.textContent = remembered(here.id) ? here.after : '';
    const isLast = here.step === STEPS.length;
    const next = stage.querySelector('.next-step');
    const finished = STEPS.every(step => step.lessons.some(id => remembered(id)));
    next.replaceChildren(
      here.step > 1 ? element('a', { class: 'button', href: address(here.step - 1, here.presents) }, 'Back') : '',
      isLast
        ? element('a', { class: 'button', href: '#/race' }, finished ? 'Done. Now play: the race' : 'To the race: free play')
        : element('a', { class: 'button', href: address(here.step + 1, here.presents) }, `Next: ${lesson(STEPS[here.step].lessons[0]).title}`));
  }

  function show() {
    const here = current();
    document.body.classList.toggle('presents', Boolean(here?.presents));
    if (!here) return;
    const minutes = STEPS.reduce((sum, step) => sum + step.minutes, 0);
    head.replaceChildren(
      element('h1', {}, 'From asking to being told'),
      element('p', { class: 'muted' }, `Eight steps, about ${minutes} minutes. Step ${here.step} of ${STEPS.length}.`),
      element('a', { class: 'button', href: address(here.step, !here.presents), title: HELP }, here.presents ? 'Leave the presenter view' : 'Presenter view'));
    marks();
    const both = here.lessons.length > 1
      ? element('p', { class: 'row' }, here.lessons.map((id, at) => element('button', {
        type: 'button', 'aria-pressed': String(id === here.id), onclick: () => { shownOf[here.step - 1] = at; show(); },
      }, `${lesson(id).number} ${lesson(id).title}`))) : null;
    stage.replaceChildren(...[
      element('p', { class: 'before' }, here.before), both, cardOf(here.id).element,
      element('p', { class: 'after', 'aria-live': 'polite' }), element('p', { class: 'row next-step' }),
      here.presents ? element('p', { class: 'small muted' }, HELP) : null,
    ].filter(Boolean));
    after();
  }

  function keys(event) {
    const here = current();
    if (!here || event.ctrlKey || event.metaKey || event.altKey) return;
    // A slider and a list have their own use for arrows.
    if (event.target.closest?.('input, select, textarea, [role="region"]')) return;
    const go = step => { if (step >= 1 && step <= STEPS.length) location.hash = address(step, here.presents); };
    const act = {
      ArrowRight: () => go(here.step + 1), PageDown: () => go(here.step + 1),
      ArrowLeft: () => go(here.step - 1), PageUp: () => go(here.step - 1),
      p: () => { location.hash = address(here.step, !here.presents); },
      Escape: () => { if (here.presents) location.hash = address(here.step, false); },
      r: () => cardOf(here.id).run.click(), s: () => cardOf(here.id).element.querySelector('.skip-guess')?.click(),
    }[event.key];
    if (!act) return;
    event.preventDefault();
    act();
  }
  addEventListener('hashchange', show);
  addEventListener('keydown', keys);
  show();
}

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
      const done = step.lessons.every(id => remembered(id));
      return element('li', {}, element('a', {
        href: address(at + 1, here.presents), 'aria-current': at + 1 === here.step ? 'step' : null, class: done ? 'done' : null,
        'aria-label': `Step ${at + 1}: ${step.lessons.map(id => lesson(id).topic).join(', ')}${done ? ', done' : ''}`,
      }, done ? '✓' : String(at + 1)));
    }));
  }

  function after() {
    const here = current();
    const words = stage.querySelector('.after');
    if (!here || !words) return;
    words.textContent = here.lessons.every(id => remembered(id)) ? here.after : '';
    const isLast = here.step === STEPS.length;
    const shown = shownOf[here.step - 1];
    const next = stage.querySelector('.next-step');
    const finished = STEPS.every(step => step.lessons.every(id => remembered(id)));
    next.replaceChildren(
      here.step > 1 ? element('a', { class: 'button', href: address(here.step - 1, here.presents) }, 'Back') : '',
      shown < here.lessons.length - 1
        ? element('button', { type: 'button', onclick: () => turn(1) }, `Next: ${lesson(here.lessons[shown + 1]).topic}`)
        : isLast
        ? element('a', { class: 'button', href: '#/race' }, finished ? 'Done. Now play: the race' : 'To the race: free play')
        : element('a', { class: 'button', href: address(here.step + 1, here.presents) }, `Next: ${lesson(STEPS[here.step].lessons[0]).topic}`));
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
      }, `${lesson(id).number} ${lesson(id).topic}`))) : null;
    stage.replaceChildren(...[
      element('p', { class: 'before' }, here.before), both, cardOf(here.id).element,
      element('p', { class: 'after', 'aria-live': 'polite' }), element('p', { class: 'row next-step' }),
      here.presents ? element('p', { class: 'small muted' }, HELP) : null,
    ].filter(Boolean));
    after();
  }

  /** To the next lesson: of this step, or the first of the next; backwards alike. */
  function turn(by) {
    const here = current();
    const shown = shownOf[here.step - 1] + by;
    if (shown >= 0 && shown < here.lessons.length) {
      shownOf[here.step - 1] = shown;
      show();
      return;
    }
    const step = here.step + by;
    if (step < 1 || step > STEPS.length) return;
    shownOf[step - 1] = by > 0 ? 0 : STEPS[step - 1].lessons.length - 1;
    location.hash = address(step, here.presents);
  }

  function keys(event) {
    const here = current();
    if (!here || event.ctrlKey || event.metaKey || event.altKey) return;
    const key = event.key.length === 1 ? event.key.toLowerCase() : event.key;
    // A slider and a list have their own use for arrows, a list for letters too; only a presenter's clicker pages.
    if (event.target.closest?.('select, textarea')) return;
    if (event.target.closest?.('input, [role="region"]') && key.length > 1 && key !== 'Escape') return;
    if (key.startsWith('Page') && !here.presents) return;
    const act = {
      ArrowRight: () => turn(1), PageDown: () => turn(1), ArrowLeft: () => turn(-1), PageUp: () => turn(-1),
      p: () => { location.hash = address(here.step, !here.presents); },
      Escape: () => { if (here.presents) location.hash = address(here.step, false); },
      r: () => cardOf(here.id).run.click(), s: () => cardOf(here.id).element.querySelector('.skip-guess')?.click(),
    }[key];
    if (!act) return;
    event.preventDefault();
    act();
  }
  addEventListener('hashchange', show);
  addEventListener('keydown', keys);
  show();
}

// One lesson as a card: the question, the learner's guess, the run, and then guess, model and measured on
// one axis with the verdict, and why. Used by the list of lessons and by the course alike.

import { LANES } from '../knobs.js';
import { element, source } from '../lessons/element.js';
import { figure } from '../lessons/figures.js';
import { axis, distributions, histogram, laneTitle } from '../lessons/plot.js';
import { remember, remembered } from '../lessons/progress.js';
import { recordable, recorded } from '../lessons/recorded.js';
import { runByGenerator, runHere, verdictOf } from '../lessons/run.js';
import { DOES_NOT, HOLDS, TOO_FEW } from '../verdict.js';

/** `onVerdict(verdict)` is told when the lesson has been judged. */
export function card(lesson, lab, { onVerdict = () => {} } = {}) {
  const state = { guess: null, skipped: false, busy: false, parameters: { ...lesson.parameters } };
  const question = element('p', { class: 'question' });
  const choose = guessControl(lesson, value => { state.guess = value; ready(); });
  const run = element('button', { type: 'button', class: 'primary run', onclick: () => go(false) }, lesson.by === 'generator' ? 'Run it with the generator' : 'Run it');
  const skip = element('button', { type: 'button', class: 'quiet skip-guess', onclick: () => { state.skipped = true; ready(); run.focus(); } }, 'Skip the guess');
  const more = lesson.scenario && lesson.by !== 'generator'
    ? element('button', { type: 'button', class: 'generator', title: 'loadgen runs the same lesson with many clients, and its own expectations are the verdict', onclick: () => go(true) }, 'Run with the generator')
    : null;
  const stop = element('button', { type: 'button', class: 'stop', hidden: true, onclick: halt }, 'Stop');
  const replay = element('button', { type: 'button', class: 'replay', hidden: true, onclick: showRecorded }, 'Show a recorded run');
  const status = element('p', { class: 'status', role: 'status' });
  const progress = element('progress', { hidden: true, max: 1, 'aria-label': 'Progress of the run' });
  const outcome = element('section', { class: 'outcome', hidden: true, tabindex: -1, 'aria-label': 'Verdict' });
  // The title says the answer, so it comes with the verdict.
  const heading = element('h2', { id: `title-${lesson.id}` }, remembered(lesson.id) ? lesson.title : lesson.topic);
  const what = element('p');
  const root = element('article', { class: 'lesson', 'data-lesson': lesson.id, 'aria-labelledby': `title-${lesson.id}` },
    element('header', {},
      element('p', { class: 'number' }, lesson.number, lesson.honest ? element('span', { class: 'tag' }, 'counter-lesson') : null, lesson.by === 'generator' ? element('span', { class: 'tag plain' }, 'needs loadgen') : null, lesson.by === 'computed' ? element('span', { class: 'tag plain' }, 'computed') : null),
      heading),
    question, choose.element, knob(), element('div', { class: 'row' }, run, skip, more, stop, replay), progress, status, outcome,
    element('details', { class: 'small' }, element('summary', {}, 'What is run, and who said so'),
      element('p', {}, lesson.claim), what, element('ul', { class: 'taught' }, lesson.taught.map(one => element('li', {}, source(one))))));
  ask();
  ready();
  lab.addEventListener('state', ready);

  function ask() {
    question.textContent = lesson.question(state.parameters);
    what.textContent = whatRuns();
  }

  function ready() {
    const may = lab.state === 'ready' && !state.busy;
    const guessed = state.guess !== null || state.skipped;
    run.disabled = !may || !guessed;
    run.title = guessed ? '' : 'Guess first, or skip the guess';
    if (more) more.disabled = !may || !guessed;
    skip.hidden = guessed || state.busy;
    stop.hidden = !state.busy;
    if (!state.busy && lab.state === 'off') status.textContent = `The lab is off, so nothing can be run: ${lab.why}`;
    if (!state.busy && lab.state === 'closed') status.textContent = lab.why;
    replay.hidden = state.busy || !(state.failed || lab.state === 'off' || lab.state === 'closed');
    root.dataset.busy = state.busy;
  }

  /** Where nothing can be run here, what another machine measured, said to be so. */
  async function showRecorded() {
    const found = await recorded(lesson.id);
    if (found) show(found);
    else status.textContent = 'No recorded run of this lesson is shipped.';
  }

  function knob() {
    if (!lesson.knob) return null;
    const { name, label, values } = lesson.knob;
    const id = `knob-${lesson.id}`;
    const select = element('select', { id, onchange: () => { state.parameters[name] = Number(select.value); ask(); } },
      values.map(value => element('option', { value, selected: value === lesson.parameters[name] }, value.toLocaleString('en'))));
    return element('p', { class: 'knob-line' }, element('label', { for: id }, label), select);
  }

  function whatRuns() {
    if (lesson.by === 'generator') return `loadgen runs the shipped scenario ${lesson.scenario} against servers of its own; its [expect] is the verdict.`;
    const at = state.parameters;
    const said = [
      `lanes: ${lesson.lanes.map(lane => LANES[lane]?.title ?? laneTitle(lane)).join(', ')}`,
      at.rate >= 0.1 && `${at.rate} events a second (${at.arrivals})`, at.payload && `payload ${at.payload} B`, at.interval_ms && `poll interval ${at.interval_ms} ms`,
      at.rtt_ms !== undefined && `round trip ${at.rtt_ms} ms`, at.duration_s && `${at.duration_s} s`, at.history && `history ${at.history}`,
    ].filter(Boolean).join('; ');
    const floor = lesson.by === 'computed' ? '' : '; before it, four seconds of WebSocket on a bare line say what this machine adds by itself';
    return `${said}. ${furtherRuns(lesson.runs?.(at) ?? [])}Real traffic between this browser and this server${floor}.`;
  }

  function halt() {
    state.halted = true;
    lab.stop();
  }

  async function go(byGenerator) {
    if (state.busy) return;
    Object.assign(state, { busy: true, halted: false, failed: false });
    delete root.dataset.failed;
    outcome.hidden = true;
    progress.hidden = false;
    progress.removeAttribute('value');
    delete root.dataset.verdict;
    ready();
    try {
      const asGenerator = byGenerator || lesson.by === 'generator';
      const found = asGenerator
        ? await runByGenerator(lesson, lab, (at, of, words) => tell(at, of, words))
        : await runHere(lesson, state.parameters, lab, (at, of, words) => tell(at, of, words));
      if (state.halted) throw new Error('Stopped before it had an answer.');
      status.textContent = '';
      show(found);
    } catch (error) {
      status.textContent = error.message;
      state.failed = true;
      root.dataset.failed = error.message;
    } finally {
      state.busy = false;
      progress.hidden = true;
      ready();
    }
  }

  function tell(at, of, words) {
    progress.max = of;
    progress.value = at - 0.5;
    status.textContent = `Step ${at} of ${of}: ${words}`;
  }

  function show(found) {
    const verdict = verdictOf(found);
    const main = found.rows.find(row => Number.isFinite(row.measured) && (row.beside || row.verdict)) ?? found.rows[0];
    const scaled = main && scaledRow({ ...main, model: Number.isFinite(main.model) ? main.model : null });
    const isChoice = lesson.guess.kind === 'choice';
    const told = isChoice ? choiceWords(found) : null;
    const model = lesson.model && !isChoice && found.by === 'generator' ? lesson.model(state.parameters) : null;
    if (scaled && model !== null && scaled.model === null) scaled.model = model;
    outcome.replaceChildren(...[
      found.recorded ? element('p', { class: 'notice' }, `Recorded, not run here: ${found.recorded}.`) : null,
      element('div', { class: 'verdict-line' }, badge(verdict, found.by === 'generator'), element('p', {}, `n = ${found.n.toLocaleString('en')} ${found.of}`, found.floor ? `; this machine adds ${found.floor.mean.toFixed(2)} ms by itself (n = ${found.floor.n})` : '')),
      verdict === DOES_NOT ? element('p', {}, 'A result like any other. Is another program busy, or a laptop on battery? Then run it again.') : null,
      told, !isChoice && scaled && Number.isFinite(scaled.measured) && (found.by !== 'generator' || lesson.by === 'generator')
        ? axis({ guess: sameUnit(scaled) ? state.guess : null, row: scaled, log: lesson.guess.log }) : null,
      table(found.rows.map(scaledRow), found.by === 'generator' ? 'expected' : 'model'),
      lesson.histogram && found.curves ? histogram(found.curves[0], found.floor?.mean ?? 0) : null,
      found.curves ? distributions(found.curves, { floor: found.floor?.mean ?? 0 }) : null,
      element('p', { class: 'small muted' }, found.text),
      ...lesson.why.map(words => element('p', {}, words)),
      found.model?.length ? element('details', { class: 'small' }, element('summary', {}, `The model, figure by figure (${found.model.length})`), table(found.model)) : null,
    ].filter(Boolean));
    outcome.hidden = false;
    heading.textContent = lesson.title;
    if (document.body.classList.contains('presents')) outcome.scrollIntoView({ block: 'nearest' });
    root.dataset.verdict = verdict;
    root.dataset.n = found.n;
    if (!found.recorded) {
      remember(lesson.id, { verdict, guess: state.guess, measured: scaled?.measured ?? null, n: found.n });
      root.dispatchEvent(new CustomEvent('judged', { bubbles: true, detail: recordable(found) }));
    }
    onVerdict(verdict, found);
  }

  function sameUnit(row) {
    return (lesson.guess.unit ?? '') === (row.unit ?? '') || lesson.guess.unit === 'events';
  }

  function choiceWords(found) {
    const right = found.answer;
    const label = value => lesson.guess.options.find(([option]) => option === value)?.[1];
    const words = [];
    if (state.guess) words.push(`Your guess: ${label(state.guess)}.`);
    words.push(right ? `Measured: ${label(right)}.` : 'The run did not decide it.');
    return element('p', { class: 'told' }, words.join(' '));
  }

  return { element: root, go, state, run, remembered: () => remembered(lesson.id) };
}

function guessControl(lesson, onGuess) {
  const { guess } = lesson;
  const id = `guess-${lesson.id}`;
  if (guess.kind === 'choice') {
    const choices = guess.options.map(([value, label]) => element('label', { class: 'choice' },
      element('input', { type: 'radio', name: id, value, onchange: () => onGuess(value) }), label));
    return { element: element('fieldset', { class: 'guess' }, element('legend', {}, guess.label), choices) };
  }
  const middle = (guess.min + guess.max) / 2;
  const output = element('output', { for: id }, 'not yet');
  const input = element('input', { type: 'range', id, min: guess.min, max: guess.max, step: guess.step, value: middle, 'aria-valuetext': 'no guess yet' });
  const take = () => {
    const value = Number(input.value);
    output.textContent = figure(value, guess.unit);
    input.setAttribute('aria-valuetext', figure(value, guess.unit));
    onGuess(value);
  };
  input.addEventListener('input', take);
  // Whoever means the middle presses it.
  input.addEventListener('click', take);
  return { element: element('div', { class: 'guess' }, element('label', { for: id }, `Your guess: ${guess.label}`), output, input) };
}

const WORDS = {
  model: { [HOLDS]: 'The model holds', [TOO_FEW]: 'Too few events', [DOES_NOT]: 'The model does not hold' },
  expected: { [HOLDS]: 'All expectations hold', [TOO_FEW]: 'The run is not valid', [DOES_NOT]: 'An expectation does not hold' },
};

/** loadgen's runs are judged by what their scenario expects, all others by a formula. */
export const badge = (verdict, byGenerator = false) => element('strong', { class: `badge ${verdict === HOLDS ? 'good' : verdict === TOO_FEW ? 'open' : 'bad'}` },
  WORDS[byGenerator ? 'expected' : 'model'][verdict]);

const VARIED = { interval_ms: ['poll interval', 'ms'], rate: ['rate', '/s'], history: ['history', ''], heartbeat_ms: ['heartbeat', 'ms'], duration_s: ['duration', 's'] };

/** “3 runs: poll interval 1,000, 300, 100 ms. ” or nothing, where there is one that has nothing special. */
function furtherRuns(runs) {
  const fixed = runs.filter(one => typeof one !== 'function');
  const said = [];
  for (const [name, [words, unit]] of Object.entries(VARIED)) {
    const values = fixed.map(one => one[name] ?? null);
    if (new Set(values).size > 1) said.push(`${words} ${values.map(value => (value === null || value >= 600_000 ? 'none' : value.toLocaleString('en'))).join(', ')} ${unit}`.trim());
  }
  if (runs.length > fixed.length) said.push('the last at a rate that follows from the one before');
  if (fixed.some(one => one.trouble)) said.push('connections cut where idle or held in a buffer');
  if (fixed.some(one => one.at)) said.push('a break of the line on the way');
  if (said.length === 0) return '';
  return `${runs.length === 1 ? 'One run' : `${runs.length} runs`}: ${said.join('; ')}. `;
}

const scaledRow = row => {
  const scale = row.scale ?? 1;
  const times = value => (Number.isFinite(value) ? value * scale : null);
  return { ...row, measured: times(row.measured), model: times(row.model), low: times(row.low), high: times(row.high), scale: 1 };
};

export function table(rows, wants = 'model') {
  const cell = row => {
    const wanted = row.modelText ?? `${row.operator ? `${row.operator} ` : ''}${figure(row.model, row.unit)}`;
    const band = Number.isFinite(row.low) && row.low !== row.high && !row.modelText ? `${figure(row.low, '')} to ${figure(row.high, row.unit)}` : '';
    return element('tr', {}, element('th', { scope: 'row' }, row.label), element('td', { 'data-label': wants }, wanted), element('td', { 'data-label': 'measured' }, figure(row.measured, row.unit)),
      element('td', { 'data-label': 'allowed' }, band), element('td', { class: `says ${row.verdict === HOLDS ? 'good' : row.verdict === null || row.beside ? '' : 'bad'}` }, row.beside || row.verdict === null ? '' : row.verdict));
  };
  return element('div', { class: 'scroll', tabindex: 0, role: 'region', 'aria-label': 'Model and measured' }, element('table', { class: 'figures' },
    element('thead', {}, element('tr', {}, ['figure', wants, 'measured', 'allowed', 'verdict'].map(words => element('th', { scope: 'col' }, words)))),
    element('tbody', {}, rows.map(cell))));
}

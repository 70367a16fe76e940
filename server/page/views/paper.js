// Paper mode: pick a publication, run its workload in loadgen, and see published, model and measured side
// by side. Without loadgen it says how to get it, and shows a run that is there, labelled as that.

import { element } from '../lessons/element.js';
import { figure } from '../lessons/figures.js';
import { PAPERS } from '../lessons/papers.js';
import { modelRows } from '../lessons/results.js';
import { generate, scenarios } from '../lessons/run.js';
import { address, list, results as resultsOf } from '../lessons/runs.js';
import { HOLDS } from '../verdict.js';
import { table as modelTable } from './card.js';

export function mount(root, lab) {
  const stage = element('article', { class: 'lesson paper' });
  const nav = element('ol', { class: 'lesson-list' });
  const shown = new Map();
  root.append(
    element('h1', {}, 'Published, computed, measured'),
    element('p', { class: 'muted' }, 'Eight tables that people have decided by. Each is run again here, and every row says what was printed, what the formula gives, and what this machine measured.'),
    element('div', { class: 'lesson-screen' }, element('nav', { 'aria-label': 'Publications' }, nav), stage));

  const named = () => {
    const [, screen, id] = location.hash.split('?')[0].split('/');
    return screen === 'paper' ? PAPERS.find(one => one.id === id) ?? PAPERS[0] : null;
  };

  function show() {
    const paper = named();
    if (!paper) return;
    nav.replaceChildren(...PAPERS.map(one => element('li', {}, element('a', { href: `#/paper/${one.id}`, class: 'two', 'aria-current': one === paper ? 'true' : null },
      element('span', { class: 'title' }, one.title, element('span', { class: 'small muted block' }, one.by))))));
    if (!shown.has(paper.id)) shown.set(paper.id, sheet(paper));
    stage.replaceChildren(...shown.get(paper.id));
  }

  function sheet(paper) {
    const status = element('p', { class: 'status', role: 'status' });
    const progress = element('progress', { hidden: true, 'aria-label': 'Progress of the run' });
    const outcome = element('section', { class: 'outcome', hidden: true, 'aria-label': 'Published, model and measured' });
    const parameters = element('div', { class: 'parameters' });
    const run = element('button', { type: 'button', class: 'primary run', onclick: go }, 'Run it');
    const stop = element('button', { type: 'button', hidden: true, onclick: () => lab.stop() }, 'Stop');
    const kept = element('button', { type: 'button', class: 'kept', onclick: showKept }, 'Show the newest run that is kept');
    const look = () => {
      const can = lab.state === 'ready' && lab.info?.loadgen;
      run.disabled = !can || !stop.hidden;
      if (!status.textContent && lab.state !== 'connecting' && !can) {
        status.textContent = lab.state === 'off' ? `The lab is off: ${lab.why}`
          : lab.info && !lab.info.loadgen ? 'This server has no load generator. Build it beside the server (cargo build --release -p loadgen), or name it with --loadgen PATH, and start again; “loadgen lab” brings both.' : '';
      }
    };
    lab.addEventListener('state', look);
    look();
    explain();

    async function explain() {
      try {
        const [found] = await scenarios(paper.id);
        if (found?.description) parameters.append(element('p', {}, found.description));
      } catch {
        // Without the lab the words above must do.
      }
    }

    async function go() {
      stop.hidden = false;
      progress.hidden = false;
      progress.removeAttribute('value');
      outcome.hidden = true;
      look();
      try {
        const found = await generate(lab, paper.id, words => { if (words) status.textContent = words; });
        fill(found, await newest(), false);
        status.textContent = '';
      } catch (error) {
        status.textContent = error.message;
      } finally {
        stop.hidden = true;
        progress.hidden = true;
        look();
      }
    }

    async function newest() {
      return (await list()).runs.find(one => one.name === paper.id);
    }

    async function showKept() {
      status.textContent = 'Reading…';
      try {
        const run = await newest();
        if (!run) {
          status.textContent = `No run of “${paper.id}” is under the reports folder yet.`;
          return;
        }
        const found = await resultsOf(run);
        fill(found, run, true);
        status.textContent = '';
      } catch (error) {
        status.textContent = error.message;
      }
    }

    function fill(found, run, isKept) {
      const judged = found.published.filter(row => row.within !== null && row.within !== undefined);
      const within = judged.filter(row => row.within).length;
      const machine = found.environment;
      outcome.replaceChildren(...[
        isKept ? element('p', { class: 'notice' }, `Not run now: a run of ${found.generated_at} on ${machine.cpu}, ${machine.cores} cores.`) : null,
        found.verdict.valid ? null : element('p', { class: 'notice bad' }, `The run is not valid: ${found.verdict.reasons.join('; ')}`),
        element('div', { class: 'verdict-line' },
          element('strong', { class: `badge ${within === judged.length ? 'good' : 'bad'}` }, `${within} of ${judged.length} rows within tolerance`),
          element('p', {}, `${found.trials.length} trials, ${machine.cpu}, ${machine.cores} cores, ${found.generated_at}`)),
        ...publishedTable(found.published),
        run ? element('p', {}, element('a', { href: address(run, 'report.html'), target: '_blank' }, 'The whole report, with the footnotes that the original lacks')) : null,
        element('details', { class: 'small' }, element('summary', {}, `The model, figure by figure (${modelRows(found).length})`), modelTable(modelRows(found))),
      ].filter(Boolean));
      outcome.dataset.within = within;
      outcome.dataset.judged = judged.length;
      outcome.hidden = false;
      stage.dataset.paper = paper.id;
    }

    return [
      element('header', {}, element('h2', {}, paper.title), element('p', { class: 'muted' }, paper.by, ' · ', element('a', { href: paper.address, rel: 'noreferrer', target: '_blank' }, 'source'))),
      element('p', { class: 'question' }, paper.claim),
      element('p', {}, `What is run: ${paper.runs}`), parameters,
      element('ul', {}, paper.mind.map(words => element('li', {}, words))),
      element('div', { class: 'row' }, run, stop, kept), progress, status, outcome,
    ];
  }
  addEventListener('hashchange', show);
  show();
}

/** The table, and its footnotes below it. */
function publishedTable(rows) {
  const notes = [];
  const noteOf = words => {
    if (!words) return null;
    if (!notes.includes(words)) notes.push(words);
    return element('sup', {}, String(notes.indexOf(words) + 1));
  };
  const quoted = row => (typeof row.published === 'number' ? figure(row.published, row.unit) : row.published ?? '–');
  const body = rows.map(row => element('tr', {},
    element('th', { scope: 'row' }, `${row.case}: ${row.figure}`, noteOf(row.note)),
    element('td', { class: 'words', 'data-label': 'published' }, quoted(row)), element('td', { 'data-label': 'model' }, figure(row.model, row.unit)),
    element('td', { 'data-label': 'measured' }, figure(row.measured, row.unit)),
    element('td', { class: `says ${row.within === true ? 'good' : row.within === false ? 'bad' : ''}` },
      row.within === true ? HOLDS : row.within === false ? 'outside' : '', row.tolerance !== null && row.tolerance !== undefined ? ` (±${figure(row.tolerance, row.unit)})` : '')));
  return [
    element('div', { class: 'scroll', tabindex: 0, role: 'region', 'aria-label': 'Published, model, measured' }, element('table', { class: 'figures' },
      element('thead', {}, element('tr', {}, ['figure', 'published', 'model', 'measured', 'within tolerance'].map(words => element('th', { scope: 'col' }, words)))),
      element('tbody', {}, body))),
    notes.length ? element('ol', { class: 'small muted footnotes' }, notes.map(words => element('li', {}, words))) : null,
  ].filter(Boolean);
}

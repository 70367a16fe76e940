// The runs that loadgen has kept: pick one to read its report in a frame of its own, or several to lay their
// distributions over each other. Percentiles of runs are never averaged; their histograms are added.

import { Histogram, decode } from '../hdr.js';
import { element } from '../lessons/element.js';
import { figure } from '../lessons/figures.js';
import { distributions } from '../lessons/plot.js';
import { address, list, results as resultsOf } from '../lessons/runs.js';
import { telling } from '../lessons/results.js';

const MOST_CURVES = 12;

export function mount(root, lab) {
  const status = element('p', { class: 'status', role: 'status' });
  const runs = element('ul', { class: 'run-list' });
  const unread = element('ul', { class: 'small muted', 'aria-label': 'Folders that could not be read', hidden: true });
  const overlay = element('section', { class: 'overlay', 'aria-label': 'Runs over each other' });
  const frame = element('section', { class: 'report', 'aria-label': 'Report' });
  const picked = new Map();
  root.append(
    element('h1', {}, 'Reports'),
    element('p', { class: 'muted' }, 'A run of loadgen leaves a folder, but for clients in the background of the race. Tick several to lay their distributions of delivery latency over each other; open one to read its whole report.'),
    element('div', { class: 'row' }, element('button', { type: 'button', onclick: load }, 'Look again')), status, runs, unread, overlay, frame);
  lab.addEventListener('generator', ({ detail }) => { if (detail.state === 'done' && !root.hidden) load(); });
  load();

  async function load() {
    try {
      const { runs: found, more, skipped } = await list();
      status.textContent = found.length === 0 ? 'No runs yet. Run a lesson or a paper with the generator, or “loadgen run FILE”.'
        : more > 0 ? `The newest ${found.length} runs; ${more} older ones are in the folder.` : '';
      runs.replaceChildren(...found.map(entry));
      unread.replaceChildren(...skipped.map(one => element('li', {}, `${one.name} ${one.stamp}: ${one.why}`)));
      unread.hidden = skipped.length === 0;
    } catch (error) {
      status.textContent = error.message;
    }
  }

  function entry(run) {
    const key = `${run.name}/${run.stamp}`;
    const tick = element('input', { type: 'checkbox', id: `run-${key}`, onchange: () => pick(key, run, tick.checked) });
    tick.checked = picked.has(key);
    return element('li', {}, tick,
      element('label', { for: `run-${key}` }, run.title ?? run.name, element('span', { class: 'small muted block' }, [run.name, run.generated_at ?? run.stamp, run.valid === false ? 'not valid' : null].filter(Boolean).join(' · '))),
      element('button', { type: 'button', onclick: () => open(run) }, 'Open', element('span', { class: 'unseen' }, ` the report of ${run.title ?? run.name}, ${run.stamp}`)));
  }

  function open(run) {
    const page = element('iframe', { src: address(run, 'report.html'), sandbox: '', title: `Report of ${run.name}, ${run.stamp}` });
    frame.replaceChildren(element('h2', {}, run.title ?? run.name), page,
      element('p', { class: 'row' }, (run.files ?? []).filter(file => file !== 'report.html').map(file => element('a', { href: address(run, file), download: file }, file)),
        element('button', { type: 'button', onclick: () => frame.replaceChildren() }, 'Close the report')));
    frame.scrollIntoView({ block: 'start' });
  }

  async function pick(key, run, isOn) {
    if (isOn) {
      picked.set(key, { run, curves: [] });
      try {
        picked.set(key, { run, curves: await curvesOf(run) });
      } catch (error) {
        picked.delete(key);
        status.textContent = `${key}: ${error.message}`;
      }
    } else picked.delete(key);
    draw();
  }

  function draw() {
    const several = picked.size > 1;
    const nameOf = run => [run.name, run.stamp === '-' ? null : run.stamp].filter(Boolean).join(' ');
    const all = [...picked.values()].flatMap(({ run, curves }, which) =>
      curves.map(curve => ({ ...curve, run: which, label: several ? `${nameOf(run)}: ${curve.label}` : curve.label })));
    if (all.length === 0) {
      overlay.replaceChildren();
      return;
    }
    const drawn = all.slice(0, MOST_CURVES);
    overlay.replaceChildren(...[
      element('h2', {}, 'Delivery latency'),
      distributions(drawn.map(curve => ({ ...curve, cumulative: curve.histogram.cumulative().map(([us, share]) => [us / 1000, share]) }))),
      several ? element('p', { class: 'small muted' }, `Colours are transports; the first run is drawn through, the next ones dashed, dotted and dash-dotted: ${[...picked.values()].map(({ run }) => nameOf(run)).join(', ')}.`) : null,
      all.length > drawn.length ? element('p', { class: 'small muted' }, `The first ${MOST_CURVES} of ${all.length} curves are drawn; all are in the table.`) : null,
      element('div', { class: 'scroll', tabindex: 0, role: 'region', 'aria-label': 'Percentiles' }, element('table', { class: 'figures' },
        element('thead', {}, element('tr', {}, ['transport', 'n', 'p50', 'p90', 'p99', 'max'].map(words => element('th', { scope: 'col' }, words)))),
        element('tbody', {}, all.map(curve => element('tr', {}, element('th', { scope: 'row' }, curve.label), element('td', { 'data-label': 'n' }, curve.histogram.count.toLocaleString('en')),
          [['p50', 0.5], ['p90', 0.9], ['p99', 0.99], ['max', 1]].map(([name, q]) => element('td', { 'data-label': name }, figure(curve.histogram.quantile(q) / 1000, 'ms')))))))),
    ].filter(Boolean));
  }
  return { pick, draw };
}

/** One curve for each row of the summary: the histograms of its valid trials, added. */
async function curvesOf(run, read = resultsOf) {
  const results = await read(run);
  const groups = new Map();
  for (const trial of results.trials.filter(one => one.valid && one.latency_us?.delivery?.hdr)) {
    const key = JSON.stringify([trial.name, trial.parameters]);
    if (!groups.has(key)) groups.set(key, []);
    groups.get(key).push(trial);
  }
  const first = [...groups.values()].map(([trial]) => trial);
  const said = telling(first);
  return Promise.all([...groups.values()].map(async trials => ({
    label: [trials[0].name, said(trials[0])].filter(Boolean).join(', '), lane: trials[0].transport,
    histogram: Histogram.merged(await Promise.all(trials.map(trial => decode(trial.latency_us.delivery.hdr)))),
  })));
}

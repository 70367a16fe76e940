// The knobs of a run: their ranges, their words and their controls. A value from outside (a share link, a
// lesson) passes through `clean`, which lets nothing but a number in range or a listed choice through.

export const LANES = {
  'interval-polling': { title: 'Interval polling', file: 'interval_polling.js', how: 'asks every so often' },
  'long-polling': { title: 'Long polling', file: 'long_polling.js', how: 'the request waits for news' },
  'http-streaming': { title: 'HTTP streaming', file: 'http_streaming.js', how: 'one answer without end (Comet)' },
  sse: { title: 'Server-sent events', file: 'sse.js', how: 'a stream with a standard' },
  websocket: { title: 'WebSocket', file: 'websocket.js', how: 'a pipe both ways' },
  socketio: { title: 'Socket.IO', file: 'socketio.js', how: 'polls first, then a WebSocket' },
};

/** The share of a slider's way → value, for ranges that span decades. */
const decades = [0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 50, 100];

export const KNOBS = [
  { name: 'rate', label: 'Events', unit: '/s', initial: 2, stops: decades, group: 'events', help: 'How many events a second the lab publishes, into every lane alike.' },
  { name: 'arrivals', label: 'Arrivals', initial: 'poisson', choices: { poisson: 'at random (Poisson)', constant: 'evenly spaced', burst: 'in bursts' }, group: 'events', help: 'Even spacing flatters or punishes polling by chance of phase; real events come at random.' },
  { name: 'payload', label: 'Payload', unit: 'B', initial: 64, stops: [16, 21, 32, 64, 128, 256, 512, 1024, 4096, 16384], group: 'events', help: 'Bytes of data in each event. On the wire, payload is the whole JSON of the event: this and about 30 bytes for its number, its type and the quotes.' },
  { name: 'interval_ms', label: 'Poll interval', unit: 'ms', initial: 1000, stops: [100, 200, 250, 500, 1000, 2000, 5000, 10000], group: 'lanes', help: 'How often interval polling asks.' },
  { name: 'hold_s', label: 'Longest hold', unit: 's', initial: 25, stops: [1, 2, 5, 10, 25], group: 'lanes', help: 'A long poll without news is answered empty after this time, less up to 10 %.' },
  { name: 'cookie', label: 'Cookie', unit: 'B', initial: 0, stops: [0, 100, 250, 500, 1000, 2000, 3500], group: 'lanes', help: 'A cookie of this many bytes goes with every HTTP request on every lane.' },
  { name: 'rtt_ms', label: 'Round trip', unit: 'ms', initial: 100, stops: [0, 10, 20, 50, 100, 200, 300, 500], group: 'network', help: 'Delay added by the lab on every lane, half each way. 0 is the bare loopback.' },
  { name: 'background', label: 'Background clients', unit: '', initial: 0, stops: [0, 10, 50, 100, 200, 500, 1000], group: 'network', help: 'Further clients of the load generator, on the same server at the same time.' },
  { name: 'background_transport', label: 'They use', initial: 'long-polling', choices: Object.fromEntries(Object.entries(LANES).map(([kind, lane]) => [kind, lane.title])), group: 'network', help: 'What the background clients speak.' },
  { name: 'duration_s', label: 'Duration', unit: 's', initial: 20, stops: [5, 10, 20, 30, 60, 120, 300], group: 'run', help: 'How long events are published.' },
  { name: 'seed', label: 'Seed', initial: 7, min: 1, max: 2 ** 31 - 1, group: 'run', help: 'The same seed gives the same instants and the same poll phase again.' },
];

const GROUPS = { events: 'Events', lanes: 'Lanes', network: 'Network', run: 'Run' };

export const initial = () => Object.fromEntries(KNOBS.map((knob) => [knob.name, knob.initial]));

function knobNamed(name) {
  return KNOBS.find((knob) => knob.name === name);
}

/** The value if the knob can have it, else null. Sliders stop at round values; links may name others. */
export function clean(name, value) {
  const knob = knobNamed(name);
  if (!knob) return null;
  if (knob.choices) return typeof value === 'string' && Object.hasOwn(knob.choices, value) ? value : null;
  if (value === '' || !['number', 'string'].includes(typeof value)) return null;
  const number = Number(value);
  const [least, most] = range(knob);
  if (!Number.isFinite(number) || number < least || number > most) return null;
  return name === 'rate' || name === 'hold_s' ? number : Math.round(number);
}

export function range(knob) {
  return knob.stops ? [knob.stops[0], knob.stops.at(-1)] : [knob.min, knob.max];
}

/** A value with its unit, as a reader writes it. */
export function words(knob, value) {
  if (knob.choices) return knob.choices[value];
  if (knob.unit === 'ms' && value >= 1000) return `${value / 1000} s`;
  if (knob.unit === 'B' && value >= 1024 && value % 1024 === 0) return `${value / 1024} KiB`;
  return `${value}${knob.unit === '/s' ? '' : ' '}${knob.unit ?? ''}`.trim();
}

/** Builds a labelled control for each knob within `place`; `onChange(name, value)` tells of a turn. */
export function controls(place, values, onChange, names = KNOBS.map((knob) => knob.name)) {
  const set = {};
  for (const [group, title] of Object.entries(GROUPS)) {
    const knobs = KNOBS.filter((knob) => knob.group === group && names.includes(knob.name));
    if (knobs.length === 0) continue;
    const box = element('fieldset', 'knob-group');
    box.append(element('legend', '', title));
    for (const knob of knobs) box.append(control(knob, values, onChange, set));
    place.append(box);
  }
  /** Shows values that came from elsewhere. */
  return (fresh) => {
    for (const [name, show] of Object.entries(set)) if (name in fresh) show(fresh[name]);
  };
}

function control(knob, values, onChange, set) {
  const id = `knob-${knob.name}-${Math.random().toString(36).slice(2, 7)}`;
  const row = element('div', 'knob');
  const label = element('label', '', knob.label);
  label.htmlFor = id;
  const help = element('span', 'unseen', knob.help);
  help.id = `${id}-help`;
  const input = knob.choices ? choice(knob) : knob.stops ? slider(knob) : number(knob);
  input.id = id;
  input.title = knob.help;
  input.setAttribute('aria-describedby', help.id);
  const output = element('output', 'knob-value');
  output.htmlFor = id;
  const show = (value) => {
    if (knob.stops) {
      input.value = nearest(knob.stops, value);
      input.setAttribute('aria-valuetext', words(knob, value));
      output.textContent = words(knob, value);
    } else input.value = value;
  };
  input.addEventListener(knob.stops ? 'input' : 'change', () => {
    const value = knob.stops ? knob.stops[Number(input.value)] : clean(knob.name, input.value);
    if (value === null) return show(values[knob.name]);
    values[knob.name] = value;
    show(value);
    onChange(knob.name, value);
  });
  set[knob.name] = show;
  show(values[knob.name]);
  row.append(label, ...(knob.stops ? [output] : []), input, help);
  return row;
}

function choice(knob) {
  const select = element('select');
  for (const [value, text] of Object.entries(knob.choices)) {
    const option = element('option', '', text);
    option.value = value;
    select.append(option);
  }
  return select;
}

function slider(knob) {
  const input = element('input');
  Object.assign(input, { type: 'range', min: 0, max: knob.stops.length - 1, step: 1 });
  return input;
}

function number(knob) {
  const input = element('input');
  Object.assign(input, { type: 'number', min: knob.min, max: knob.max, step: 1 });
  return input;
}

function nearest(stops, value) {
  const distances = stops.map((stop) => Math.abs(stop - value));
  return distances.indexOf(Math.min(...distances));
}

function element(name, className = '', text = '') {
  const made = document.createElement(name);
  if (className) made.className = className;
  if (text) made.textContent = text;
  return made;
}

// What can go wrong on the way, as the lab's proxy can make it: each with its choices, how a choice is
// told to the server, and what came of it in a recording. Pure; the panel is views/trouble.js.

const seconds = (milliseconds) => (milliseconds < 1000 ? `${milliseconds} ms` : `${milliseconds / 1000} s`);
const choices = (values, words) => values.map((value) => [String(value), words(value)]);

/** `apply(value)` gives the fields of the server's `trouble`; the empty choice is off. */
export const TROUBLES = [
  {
    name: 'delay', label: 'Delay', help: 'Everything on its way down comes this much later.',
    options: choices([100, 250, 500, 1000], (value) => `+${seconds(value)}`),
    apply: (value) => ({ delay_ms: Number(value) }),
  },
  {
    name: 'stall', label: 'Stall', help: 'Nothing comes down for a while, again and again, as on a bad radio link.',
    options: choices([200, 500, 1000], (value) => `${seconds(value)} of every ${seconds(value * 4)}`),
    apply: (value) => ({ stall: { every_ms: Number(value) * 4, for_ms: Number(value) } }),
  },
  {
    name: 'idle', label: 'Idle cut', help: 'A connection without a byte for so long is closed, as proxies do after 30 or 60 s.',
    options: choices([1000, 2000, 5000, 10000], (value) => `after ${seconds(value)}`),
    apply: (value) => ({ idle_cut_ms: Number(value) }),
  },
  {
    name: 'silent', label: 'Silent drop', help: 'Nothing passes any more and nobody is told, as when a router forgets the connection. With an idle cut: only then.',
    options: [['on', 'nobody is told']], says: () => 'silent drop',
    apply: () => ({ silent_drop: true }),
  },
  {
    name: 'buffer', label: 'Buffering', help: 'A proxy that hands answers on only when so many bytes are there.',
    options: choices([1024, 4096, 16384], (value) => `${value / 1024} KiB`),
    apply: (value) => ({ buffer_bytes: Number(value) }),
  },
  {
    name: 'upgrade', label: 'Upgrade blocked', help: 'A box on the way does not let WebSocket handshakes through.', lanes: ['websocket', 'socketio'],
    options: [['refuse', 'refused (403)'], ['swallow', 'swallowed']], says: (text) => `upgrade ${text}`,
    apply: (value) => ({ block_upgrade: value }),
  },
];

/** Bounds of a run beside trouble: what the server keeps and says, and what clients remember. */
export const BOUNDS = [
  { name: 'heartbeat', label: 'Heartbeat', help: 'How often a stream or socket says that it lives.', options: [['', 'the server’s own'], ['500', 'every 0.5 s'], ['1000', 'every 1 s'], ['5000', 'every 5 s'], ['600000', 'none']], says: (text) => (text === 'none' ? 'no heartbeat' : `heartbeat ${text}`), apply: (value) => ({ heartbeat_ms: Number(value) }) },
  { name: 'history', label: 'Server keeps', help: 'How much can be made up for after a break.', options: [['', 'its whole history'], ['10', 'the last 10 events'], ['1', 'the latest value']], apply: (value) => ({ history: Number(value) }) },
  { name: 'resume', label: 'Clients return', help: 'Whether a client that comes back says where it was.', options: [['', 'with their cursor'], ['no', 'without one']], says: () => 'clients return without a cursor', apply: () => ({ resume: false }) },
];

export function isChoice({ options }, value) {
  return typeof value === 'string' && options.some(([own]) => own === value);
}

/** `{lane: {delay: '500', …}}` → `{lane: {delay_ms: 500, …}}`, what is no choice left out. */
export function troubleOf(chosen, lanes) {
  const trouble = {};
  for (const lane of lanes) {
    const fields = TROUBLES.filter((one) => isChoice(one, chosen[lane]?.[one.name]) && (one.lanes ?? lanes).includes(lane));
    trouble[lane] = Object.assign({}, ...fields.map((one) => one.apply(chosen[lane][one.name])));
  }
  return trouble;
}

/** What is switched on, each in a few words: `['idle cut after 1 s', …]`. */
export function wordsOf(list, chosen = {}) {
  return list.filter((one) => chosen[one.name] && isChoice(one, chosen[one.name])).map((one) => inWords(one, chosen[one.name]));
}

/** The same of fields as they are told to the server; what is none of the choices is not named. */
export function wordsIn(list, fields = {}) {
  return list.flatMap((one) => one.options.filter(([value]) => value !== '' && has(fields, one.apply(value))).map(([value]) => inWords(one, value)));
}

function inWords(one, value) {
  const [, text] = one.options.find(([own]) => own === value);
  return one.says ? one.says(text) : `${one.label.toLowerCase()} ${text}`;
}

const has = (fields, wanted) => Object.entries(wanted).every(([name, value]) => JSON.stringify(fields[name]) === JSON.stringify(value));

export function boundsOf(chosen) {
  const set = BOUNDS.filter((one) => chosen[one.name] && isChoice(one, chosen[one.name]));
  return Object.assign({}, ...set.map((one) => one.apply(chosen[one.name])));
}

/** A restart cuts each connection: what comes so close together is one fault. */
const ONE_FAULT_MS = 100;

/** `blocked-upgrade` cuts nothing, `back` is the end of a restart. */
function faultsOf(lane) {
  const faults = [];
  for (const { what, atMs } of lane.faults) {
    if (what === 'blocked-upgrade' || what === 'back') continue;
    if (faults.length === 0 || atMs - faults.at(-1).lastMs > ONE_FAULT_MS) faults.push({ what, atMs });
    faults.at(-1).lastMs = atMs;
  }
  return faults;
}

/**
 * What each fault did to a lane: `{what, atMs, noticedMs, backMs, resumed, missing}`. Times are after the
 * fault; null where the client did not notice or did not come back. `resumed` events were published while
 * it was away and came nevertheless.
 */
export function consequences(lane, events) {
  const faults = faultsOf(lane);
  return faults.map(({ what, atMs }, index) => {
    const next = faults[index + 1]?.atMs ?? Infinity;
    const lost = lane.states.find((one) => one.state === 'lost' && one.atMs >= atMs && one.atMs < next);
    const back = lost && lane.states.find((one) => ['open', 'answered'].includes(one.state) && one.atMs > lost.atMs);
    const away = events.filter(({ plannedMs }) => plannedMs >= atMs && plannedMs < (back?.atMs ?? next));
    const came = away.filter(({ offset }) => lane.has(offset)).length;
    return {
      what, atMs,
      noticedMs: lost ? lost.atMs - atMs : null,
      backMs: back ? back.atMs - atMs : null,
      resumed: lost ? came : null,
      missing: away.length - came,
    };
  });
}

// The chat's own parts: a connection that is lost and switched, lines that are sent once, what strangers
// may put into a line, and where one left off. Servers and clocks are played here.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Connection } from '../../page/chat/connection.js';
import { Members } from '../../page/chat/members.js';
import { Outbox } from '../../page/chat/outbox.js';
import { flaw, fromHash, keptOf, remembered, toHash, visit } from '../../page/chat/rooms.js';
import { Sitting } from '../../page/chat/sitting.js';
import { Tabs } from '../../page/chat/tabs.js';
import { Talk } from '../../page/chat/talk.js';
import { Unread } from '../../page/chat/unread.js';
import { words } from '../../page/chat/views/pending.js';
import { stateWords } from '../../page/chat/views/state.js';
import { after, epochOf } from '../../page/cursor.js';
import { Refusal, retryAfter } from '../../page/refusal.js';

const soon = () => new Promise((done) => setTimeout(done, 5));
const YAO = { id: 'u1', name: '瑶' };

/** A client that is played by hand: its calls are kept, its abort is seen. */
function played() {
  const calls = [];
  const subscribe = (options) => new Promise((done) => {
    calls.push(options);
    options.signal.addEventListener('abort', done);
  });
  return { calls, subscribe };
}

function connection(more = {}) {
  const one = played();
  const other = played();
  const told = [];
  const made = new Connection({
    url: 'http://lab', room: '峡谷', cursor: '0', clients: { sse: one.subscribe, websocket: other.subscribe },
    look: async () => null, isBehind: async () => false, patience: { shortest: 4, longest: 8 }, ...more,
  });
  for (const name of ['event', 'gone', 'state', 'note']) made.addEventListener(name, ({ detail }) => told.push([name, detail]));
  const events = () => told.filter(([name]) => name === 'event').map(([, { event }]) => event.id);
  return { made, sse: one.calls, websocket: other.calls, told, events, gone: () => told.filter(([name]) => name === 'gone').map(([, gone]) => gone) };
}

test('another transport goes on at the cursor, and the first is not heard any more', () => {
  const { made, sse, websocket, events } = connection();
  made.use('sse');
  assert.deepEqual([sse[0].room, sse[0].cursor], ['%E5%B3%A1%E8%B0%B7', '0']);
  sse[0].onState('open', { missed: 0, cursor: 'e-4' });
  sse[0].onEvent({ id: 5 });
  made.use('websocket');
  assert.ok(sse[0].signal.aborted);
  assert.equal(websocket[0].cursor, 'e-5');
  sse[0].onEvent({ id: 6 });
  sse[0].onState('lost');
  websocket[0].onState('open', { missed: 0, cursor: 'e-5', send() {} });
  websocket[0].onEvent({ id: 6 });
  websocket[0].onEvent({ id: 6 });
  assert.deepEqual(events(), [5, 6]);
  assert.deepEqual([made.state.name, made.cursor, typeof made.send], ['live', 'e-6', 'function']);
  made.stop();
});

test('a new epoch is told as a restart, a gap as a number, and offsets begin again', () => {
  const { made, sse, gone, events } = connection();
  made.use('sse');
  sse[0].onState('open', { missed: 0, cursor: 'a-0' });
  sse[0].onEvent({ id: 1 });
  sse[0].onEvent({ id: 2 });
  sse[0].onState('open', { missed: 12, cursor: 'a-14' });
  sse[0].onEvent({ id: 15 });
  sse[0].onState('lost');
  sse[0].onState('open', { missed: null, cursor: 'b-0' });
  sse[0].onEvent({ id: 1 });
  assert.deepEqual(gone(), [{ missed: 12, restarted: false }, { missed: null, restarted: true }]);
  assert.deepEqual(events(), [1, 2, 15, 1]);
  assert.equal(made.cursor, 'b-1');
  made.stop();
});

test('a room that nothing was heard of yet has lost nothing', () => {
  const { made, sse, gone } = connection();
  made.use('sse');
  sse[0].onState('answered', { missed: 0, cursor: '0' });
  sse[0].onState('answered', { missed: 0, cursor: 'b-3' });
  assert.deepEqual(gone(), []);
  made.stop();
});

test('a break is waited out longer each time, and no shorter than the server asks', async () => {
  const { made, sse, told } = connection({ look: async () => new Refusal({ status: 503, title: 'Full', retryAfterMs: 50_000 }) });
  made.use('sse');
  let over = false;
  const resting = sse[0].rest(1, sse[0].signal, new Error('x')).then(() => { over = true; });
  const began = Date.now();
  await soon();
  const { name, untilMs, why, tries } = made.state;
  assert.deepEqual([name, why.status, tries], ['waiting', 503, 2]);
  // As long as it asks and up to a fifth more; the rest is room for a machine that is slow.
  assert.ok(untilMs - began >= 50_000 && untilMs - began < 90_000, `${untilMs - began}`);
  assert.equal(over, false);
  assert.ok(made.hurry(), 'there is a wait to end');
  await resting;
  assert.equal(made.hurry(), false);
  sse[0].onState('asking');
  assert.equal(made.state.name, 'connecting');
  assert.equal(told.at(-1)[1].tries, 2);
  made.stop();
});

test('who is nobody is not tried again by itself', async () => {
  const { made, sse } = connection({ look: async () => new Refusal({ status: 401, title: 'Invalid user' }) });
  made.use('sse');
  let over = false;
  sse[0].rest(1, sse[0].signal, new Error('x')).then(() => { over = true; });
  await soon();
  await soon();
  assert.deepEqual([made.state.name, over], ['nobody', false]);
  made.use('sse');
  assert.equal(sse.length, 2);
  await soon();
  assert.equal(made.state.name, 'connecting');
  made.stop();
});

test('a silence in which the room went on is a dead connection', async () => {
  let isBehind = false;
  const { made, sse } = connection({ silenceMs: 3, isBehind: async () => isBehind });
  made.use('sse');
  sse[0].onState('open', { missed: 0, cursor: 'e-1' });
  await soon();
  await soon();
  assert.equal(sse.length, 1, 'a quiet room is not left');
  isBehind = true;
  await soon();
  await soon();
  assert.ok(sse[0].signal.aborted);
  assert.equal(sse[1].cursor, 'e-1');
  made.stop();
});

/** An outbox whose POSTs are answered by hand. */
function outbox({ frame = null, live = true } = {}) {
  const world = { live, posts: [], frames: [], deaths: 0, answers: [] };
  world.box = new Outbox({
    post: (line) => { world.posts.push(line.text); return new Promise((resolve, reject) => world.answers.push({ resolve, reject })); },
    frame: () => (frame ? (text) => world.frames.push(JSON.parse(text)) : null),
    isLive: () => world.live,
    dead: () => { world.deaths += 1; },
    echoMs: 15,
    patience: { shortest: 4, longest: 8 },
  });
  world.box.shown = 'KPL';
  return world;
}

test('lines wait for the connection and go one by one, each with its key', async () => {
  const world = outbox({ live: false });
  const one = world.box.add('KPL', 'one');
  const two = world.box.add('KPL', 'two');
  assert.notEqual(one.key, two.key);
  assert.deepEqual(world.posts, []);
  assert.match(words(one, false), /connection/);
  world.live = true;
  world.box.work();
  assert.deepEqual(world.posts, ['one']);
  world.answers[0].resolve();
  await soon();
  assert.equal(one.state, 'taken');
  assert.deepEqual(world.posts, ['one', 'two']);
  world.box.arrived(two.key);
  world.box.arrived(one.key);
  world.answers[1].resolve();
  await soon();
  assert.deepEqual(world.box.lines, []);
});

test('an answer that was lost is asked for again with the same key', async () => {
  const world = outbox();
  const line = world.box.add('KPL', 'one');
  world.answers[0].reject(new TypeError('Failed to fetch'));
  await soon();
  await new Promise((done) => setTimeout(done, 20));
  assert.deepEqual(world.posts, ['one', 'one']);
  assert.equal(world.box.lines[0], line);
  world.answers[1].resolve();
  await soon();
  assert.equal(line.state, 'taken');
});

test('what the server took and then forgot is sent again, what it refused is not', async () => {
  const world = outbox();
  const taken = world.box.add('KPL', 'one');
  const refused = world.box.add('KPL', 'two');
  world.answers[0].resolve();
  await soon();
  world.answers[1].reject(new Refusal({ status: 413, title: 'Too large' }));
  await soon();
  assert.deepEqual([taken.state, refused.state], ['taken', 'refused']);
  assert.match(words(refused, true), /too long/);
  world.box.forgotten('KPL');
  assert.deepEqual(world.posts, ['one', 'two', 'one']);
  world.answers[2].resolve();
  await soon();
  world.box.retry(refused);
  assert.equal(world.posts.at(-1), 'two');
  world.box.discard(refused);
  world.box.arrived(taken.key);
  assert.deepEqual(world.box.lines, []);
});

test('a frame bears the key, is done with when it comes back, and sent again where it does not', async () => {
  const world = outbox({ frame: true });
  const one = world.box.add('KPL', 'one');
  world.box.add('KPL', 'two');
  assert.deepEqual(world.frames.map(({ type, key, data }) => [type, key, data.text, data.nonce]), [['chat', one.key, 'one', one.key]]);
  world.box.arrived(one.key);
  assert.equal(world.frames[1].data.text, 'two');
  world.live = false;
  world.box.lost();
  assert.equal(world.box.lines[0].state, 'waiting');
  world.live = true;
  world.box.work();
  assert.deepEqual(world.frames.slice(1).map(({ key }) => key), [world.frames[1].key, world.frames[1].key]);
  await new Promise((done) => setTimeout(done, 25));
  assert.equal(world.deaths, 1, 'no echo');
  world.box.work();
  world.box.refusedFrame(new Refusal({ status: 429, title: 'Too many', retryAfterMs: 60_000 }));
  assert.equal(world.box.lines[0].state, 'waiting');
  assert.match(words(world.box.lines[0], true), /too much at once.*again in (59|60) s/);
  assert.deepEqual(world.posts, []);
  // Its event came after all: nothing is left to wait for, and no timer either.
  world.box.arrived(world.box.lines[0].key);
  assert.deepEqual(world.box.lines, []);
});

test('what was kept of the last page is sent again, and what is not looked at ends with the answer', async () => {
  const world = outbox();
  world.box.add('峡谷', 'elsewhere');
  world.answers[0].resolve();
  await soon();
  assert.deepEqual(world.box.lines, []);
  const again = new Outbox({ post: async () => {}, frame: () => null, isLive: () => false, dead() {}, lines: [{ room: 'KPL', key: 'k', text: 'x', sent: 1, state: 'sending' }] });
  assert.equal(again.lines[0].state, 'waiting');
});

test('a line is taken once by its nonce, and data of strangers is only text', () => {
  const talk = new Talk();
  const event = (id, data, type = 'chat') => ({ id, type, user: YAO, data });
  const first = talk.take(event(1, { text: 'hi', nonce: 'n', sent: 1000 }), 2000);
  assert.deepEqual([first.kind, first.text, first.atMs, first.byClock, first.user], ['line', 'hi', 1000, 'author', YAO]);
  assert.equal(talk.take(event(1, { text: 'hi', nonce: 'n' })), null, 'a copy');
  const other = { ...event(2, { text: 'other words', nonce: 'n' }), user: { id: 'u2', name: '瑶' } };
  assert.equal(talk.take(other).text, 'other words', 'somebody else cannot use a nonce up');
  assert.equal(talk.take(other), null);
  assert.equal(talk.take(event(3, { text: 'hi' })).text, 'hi', 'without a nonce there are no copies');
  assert.deepEqual([9e15, 'x', -1, NaN].map((sent) => talk.take(event(4, { text: 'x', sent }), 5).byClock), Array(4).fill('reader'));
  assert.equal(talk.take(event(5, 'plain')).text, 'plain');
  assert.equal(talk.take(event(6, null)).text, 'null');
  assert.equal(talk.take(event(7, { text: { a: 1 } })).text, '{"text":{"a":1}}');
  assert.deepEqual([talk.take(event(8, [1], 'tick'))].map(({ kind, text }) => [kind, text]), [['other', '[1]']]);
  assert.equal(talk.take({ id: 9, type: 'chat', user: { id: 1, name: [] }, data: 'x' }).user, null);
  assert.equal(talk.take({ id: 10, type: 'join', user: YAO, data: null }).kind, 'join');
});

test('members are those of the list and who came since, once each', () => {
  const members = new Members();
  const other = { id: 'u2', name: '瑶' };
  members.list([YAO, YAO, { id: 3 }]);
  members.take({ kind: 'join', user: other });
  members.take({ kind: 'join', user: other });
  assert.deepEqual(members.sorted(other), [other, YAO]);
  assert.deepEqual(members.label(YAO), { name: '瑶', tag: 'u1' });
  members.take({ kind: 'left', user: other });
  members.take({ kind: 'left', user: other });
  assert.deepEqual(members.sorted(null), [YAO]);
  members.list('harm');
  assert.deepEqual(members.sorted(null), [YAO]);
});

test('a label counts who is called so now', () => {
  const members = new Members();
  members.meet(YAO);
  members.meet(YAO);
  assert.equal(members.label(YAO).tag, null);
  members.meet({ id: 'u2', name: '瑶' });
  assert.equal(members.label(YAO).tag, 'u1');
  members.meet({ id: 'u2', name: '云' });
  assert.deepEqual([members.label(YAO).tag, members.label({ id: 'u2', name: '云' }).tag], [null, null]);
});

test('a room may be called like what every object has', () => {
  for (const room of ['constructor', '__proto__', 'toString', 'hasOwnProperty']) {
    assert.equal(keptOf({}, room), null);
    assert.equal(keptOf(null, room), null);
    const kept = JSON.parse(JSON.stringify({ [room]: 'e-4' }));
    assert.equal(keptOf(kept, room), 'e-4');
  }
});

test('after a gap in mid-stream the members are asked again, on every transport', async (t) => {
  const asked = [];
  const { location, fetch } = globalThis;
  t.after(() => Object.assign(globalThis, { location, fetch }));
  globalThis.location = { origin: 'http://lab' };
  globalThis.fetch = async (url) => { asked.push(String(url)); return Response.json([YAO]); };
  for (const [state, expected] of [['live', [YAO]], ['connecting', []]]) {
    const sitting = new Sitting({ room: '峡谷', log: { said() {} }, left: null });
    Object.assign(sitting.connection, { state: { name: state }, transport: 'websocket' });
    sitting.connection.dispatchEvent(new CustomEvent('gone', { detail: { missed: 3, restarted: false } }));
    await soon();
    assert.deepEqual(sitting.members.sorted(null), expected, state);
  }
  assert.equal(asked.length, 1);
  assert.match(asked[0], /members/);
});

test('“new” stands where one left off: once a stay', () => {
  const unread = new Unread('e-4');
  assert.equal(unread.take({ id: 3 }, 'e', true), false);
  assert.equal(unread.take({ id: 5 }, 'e', true), true);
  assert.equal(unread.take({ id: 6 }, 'e', true), false);
  assert.equal(new Unread('d-4').take({ id: 5 }, 'e', true), false, 'another life of the room');
  const hidden = new Unread();
  assert.equal(hidden.take({ id: 1 }, 'e', true), false);
  hidden.lookAway();
  assert.deepEqual([2, 3].map((id) => hidden.take({ id }, 'e', false)), [true, false]);
  assert.equal(hidden.count, 2);
  hidden.look();
  assert.equal(hidden.count, 0);
  hidden.lookAway();
  assert.equal(hidden.take({ id: 4 }, 'e', false), true);
});

test('rooms stand in the address as text, and only names that the server takes', () => {
  for (const name of ['KPL', '峡谷', 'a/b c?#%', '<script>']) assert.equal(fromHash(toHash(name)), name);
  for (const hash of ['', '#text', '#/', '#/%', '#/%00', '#/%0A', `#/${'x'.repeat(65)}`, `#/${encodeURIComponent('峡'.repeat(22))}`, '#/..']) {
    assert.equal(fromHash(hash), null, hash);
  }
  assert.equal(flaw('峡'.repeat(21)), null);
  assert.deepEqual(remembered(['x', 7, 'x', '\n']), ['KPL', 'x']);
  assert.deepEqual(remembered('harm'), ['KPL']);
  let visited = null;
  for (let n = 0; n < 50; n += 1) visited = visit(visited, `r${n}`);
  assert.deepEqual([visited.length, visited[0], visited.at(-1)], [30, 'KPL', 'r49']);
});

test('six connections that hang are a crowd, and WebSockets are not of them', async () => {
  const heard = [];
  const channel = () => Object.assign(new EventTarget(), { postMessage: (data) => heard.push(data) });
  const own = channel();
  const tabs = new Tabs(own);
  const say = (id, kind, transport) => own.dispatchEvent(Object.assign(new Event('message'), { data: { id, kind, transport } }));
  tabs.holds('sse');
  for (const id of ['a', 'b', 'c', 'd']) say(id, 'here', 'long-polling');
  say('w', 'here', 'websocket');
  assert.deepEqual([tabs.held, tabs.isTight, tabs.isCrowded], [5, true, false]);
  say('e', 'here', 'http-streaming');
  assert.ok(tabs.isCrowded);
  say('a', 'bye');
  assert.equal(tabs.held, 5);
  say('z', 'who');
  assert.deepEqual([heard.at(-1).kind, heard.at(-1).transport], ['here', 'sse']);
});

test('the state is said in words, with what the server asks for', () => {
  const at = (more) => stateWords({ transport: 'sse', tries: 4, ...more }, true, 0);
  assert.equal(at({ name: 'live' }).words, 'live over SSE');
  assert.deepEqual(at({ name: 'waiting', untilMs: 2500 }), { words: 'the connection broke; reconnecting', count: ' in 3 s (try 4)' });
  const full = new Refusal({ status: 503, title: 'Full.', retryAfterMs: 5000 });
  assert.equal(at({ name: 'waiting', why: full, untilMs: 1 }).words, 'the server says 503 (Full), and asks to wait 5 s; reconnecting');
  assert.equal(stateWords({ name: 'waiting', transport: 'sse' }, false).words, 'this browser is offline; lines wait until it is back');
  assert.equal(at({ name: 'waiting', why: new Refusal({ code: 1001 }), untilMs: 0 }).count, ' now (try 4)');
});

test('a note without a place in the history moves no cursor', () => {
  assert.equal(after('e-4', { type: 'list', data: [] }), 'e-4');
  assert.equal(after('e-4', { type: 'chat', id: 5 }), 'e-5');
  assert.equal(after('e-4', { type: 'gap', cursor: 'e-9' }), 'e-9');
  assert.deepEqual([epochOf('e-4'), epochOf('0'), epochOf(null)], ['e', null, null]);
  assert.equal(retryAfter('7'), 7000);
  assert.equal(retryAfter('Thu, 01 Jan 1970 00:00:09 GMT', 4000), 5000);
  assert.deepEqual([retryAfter(null), retryAfter('soon')], [null, null]);
});

// The chat room's page: who one is, which room one sits in and over which transport, and the lines on their
// way. It ties the parts together; what each of them knows is in its own file.

import { TITLES, clients } from '../transports.js';
import { wearTheme } from '../theme.js';
import { compose, drawers } from './composer.js';
import { Door } from './door.js';
import { leave, whoAmI } from './identity.js';
import { hasLab } from './lab.js';
import { forNextTime, forThisTab } from './memory.js';
import { Outbox } from './outbox.js';
import { post } from './room.js';
import { FIRST, flaw, fromHash, keptOf, remembered, toHash, visit } from './rooms.js';
import { Sitting } from './sitting.js';
import { SIX, Tabs } from './tabs.js';
import { LogView } from './views/log.js';
import { showMembers, showRooms } from './views/lists.js';
import { PendingView } from './views/pending.js';
import { StateView } from './views/state.js';

/** An attempt that has heard nothing for so long may be waiting for its turn among six connections. */
const SLOW_MS = 6000;

const at = (id) => document.getElementById(id);

// Exported for a console, and for the tests that drive the page.
export const chat = { me: null, sitting: null, transport: 'websocket', outbox: null };
const mine = new Set();
const isMine = (user) => Boolean(user) && mine.has(user.id);
const isLooking = () => !document.hidden;
const isLive = () => chat.sitting?.connection.state.name === 'live';

const tabs = new Tabs();
const log = new LogView({ scroll: at('scroll'), log: at('log'), down: at('down'), isMine, label: (user) => chat.sitting.members.label(user) });
const state = new StateView({ place: at('state'), words: at('state-words'), count: at('state-count'), said: at('state-said'), now: at('now') });
const door = new Door({ section: at('door'), form: at('door-form'), name: at('name'), why: at('door-why'), onEnter: entered });
const outbox = new Outbox({
  post,
  frame: (room) => (chat.sitting?.room === room ? chat.sitting.connection.send : null),
  isLive,
  dead: () => chat.sitting?.connection.restart(),
  keep: (lines) => forThisTab.write('lines', lines),
  lines: forThisTab.read('lines') ?? [],
});
chat.outbox = outbox;
const pending = new PendingView({ place: at('pending'), onRetry: (line) => outbox.retry(line), onDiscard: (line) => outbox.discard(line) });

function be(me) {
  chat.me = me;
  if (me) mine.add(me.id);
  at('me').hidden = !me;
  at('leave').hidden = !me;
  at('my-name').textContent = me?.name ?? '';
}

function entered(me) {
  be(me);
  tabs.renamed();
  for (const line of outbox.lines) if (line.why?.status === 401) outbox.retry(line);
  comeIn();
}

/** Past the door: into the room of the address, or on in the one that was lost. */
function comeIn() {
  door.close();
  at('room').hidden = false;
  const room = fromHash(location.hash) ?? FIRST;
  if (chat.sitting?.room === room) chat.sitting.use(chat.transport);
  else sit(room);
  at('text').focus();
}

function goOut(words) {
  chat.sitting?.connection.stop();
  tabs.holds(null);
  be(null);
  at('room').hidden = true;
  document.title = 'Chat · pushlab';
  door.open(words);
}

function sit(room) {
  if (chat.sitting) {
    chat.sitting.end();
    outbox.leave(chat.sitting.room);
  }
  if (fromHash(location.hash) !== room) history.replaceState(null, '', toHash(room));
  const visited = visit(forNextTime.read('rooms'), room);
  forNextTime.write('rooms', visited);
  showRooms(at('rooms'), visited, room);
  at('room-name').textContent = room;
  log.clear(room);
  const sitting = new Sitting({ room, log, left: keptOf(forNextTime.read('read'), room), isLooking, isMine, isCrowded: () => tabs.isCrowded });
  chat.sitting = sitting;
  outbox.shown = room;
  const on = (name, take) => sitting.addEventListener(name, ({ detail }) => { if (chat.sitting === sitting) take(detail); });
  on('state', (told) => stateTold(told));
  on('members', () => drawMembersSoon());
  on('own', ({ nonce, user }) => ownLine(nonce, user));
  on('refused', (refusal) => outbox.refusedFrame(refusal));
  on('restarted', () => outbox.forgotten(room));
  on('unread', () => drawTitle());
  on('read', (cursor) => read(room, cursor));
  drawMembers();
  showPending();
  sitting.use(chat.transport);
  drawTitle();
}

function stateTold(told) {
  state.show(told);
  if (told.name === 'nobody') {
    goOut('The server does not know you any more: its keys are others, or your time is up. Take a name to go on; lines that were not sent are kept.');
    return;
  }
  tabs.holds(told.name === 'live' || told.name === 'connecting' ? chat.transport : null);
  if (told.name === 'live') outbox.work();
  else outbox.lost();
  showPending();
  watchCrowd(told);
}

/** Our line has come back, if it bears us: others can copy a nonce. Another tab may have taken another name
 *  since the line was sent. */
async function ownLine(nonce, user) {
  if (!outbox.lines.some((line) => line.key === nonce)) return;
  if (!isMine(user)) await renamedElsewhere();
  if (isMine(user)) outbox.arrived(nonce);
}

let reading = null;
/** How far a room was read, written down once things are quiet. */
function read(room, cursor) {
  clearTimeout(reading);
  const write = () => {
    const all = forNextTime.read('read') ?? {};
    const kept = remembered(forNextTime.read('rooms')).filter((name) => Object.hasOwn(all, name));
    forNextTime.write('read', { ...Object.fromEntries(kept.map((name) => [name, all[name]])), [room]: cursor });
  };
  reading = setTimeout(write, 300);
}

let drawing = null;
/** Once for all who come and go within a moment. */
function drawMembersSoon() {
  drawing ??= setTimeout(() => {
    drawing = null;
    drawMembers();
  }, 100);
}

function drawMembers() {
  const { members } = chat.sitting;
  const users = members.sorted(chat.me);
  showMembers(at('members'), users, chat.me, (user) => members.label(user));
  at('member-count').textContent = users.length;
}

function drawTitle() {
  const { room, unread } = chat.sitting;
  document.title = `${unread.count > 0 ? `(${unread.count}) ` : ''}${room} · Chat · pushlab`;
}

function showPending() {
  const follow = log.isAtNewest;
  pending.show(outbox.lines.filter((line) => line.room === chat.sitting?.room), isLive());
  if (follow) log.toNewest();
}

let slow = null;
function watchCrowd({ name }) {
  clearTimeout(slow);
  drawCrowd(false);
  if (name === 'connecting') slow = setTimeout(() => drawCrowd(true), SLOW_MS);
}

function drawCrowd(isSlow) {
  const { isCrowded, isTight } = tabs;
  const holds = `this browser opens ${SIX} connections to one server, all tabs together, and tabs of this chat hold ${tabs.held} of them. Close some tabs, or choose WebSocket in them: it is not one of the ${SIX}.`;
  const isStuck = isSlow && chat.transport !== 'websocket';
  at('crowd').hidden = !isCrowded && !isTight && !isSlow;
  if (isCrowded) at('crowd').textContent = `Lines have to wait: ${holds}`;
  else if (isTight) at('crowd').textContent = `With one tab more, lines and pages will have to wait: ${holds}`;
  else if (isStuck) at('crowd').textContent = `No answer for ${SLOW_MS / 1000} s. If the server is well, other tabs may be in the way: ${holds}`;
  else if (isSlow) at('crowd').textContent = `No answer for ${SLOW_MS / 1000} s. A proxy on the way may not let WebSockets through; another transport may.`;
}

function follow() {
  const room = fromHash(location.hash);
  at('go-why').hidden = true;
  if (!chat.me || room === chat.sitting?.room) return;
  if (room) sit(room);
  else if (location.hash.startsWith('#/')) refuseRoom('The address names no room that can be.');
}

function refuseRoom(words) {
  at('go-why').textContent = words;
  at('go-why').hidden = false;
}

function wire() {
  wearTheme(at('theme'));
  for (const kind of Object.keys(clients)) at('transport').append(new Option(TITLES[kind] ?? kind, kind));
  const kept = forThisTab.read('transport');
  if (Object.hasOwn(clients, kept ?? '')) chat.transport = kept;
  at('transport').value = chat.transport;
  at('transport').addEventListener('change', ({ target }) => {
    chat.transport = target.value;
    forThisTab.write('transport', chat.transport);
    chat.sitting?.use(chat.transport);
  });
  compose({ form: at('composer'), text: at('text'), onLine: (text) => { outbox.add(chat.sitting.room, text); log.toNewest(); } });
  drawers([[at('show-rooms'), at('rooms-panel')], [at('show-members'), at('members-panel')]]);
  at('skip').addEventListener('click', (event) => {
    event.preventDefault();
    (chat.me ? at('text') : at('name')).focus();
  });
  at('go').addEventListener('submit', (event) => {
    event.preventDefault();
    const name = at('other').value.trim();
    const wrong = flaw(name);
    if (wrong) return refuseRoom(wrong);
    at('other').value = '';
    location.hash = toHash(name);
    at('text').focus();
  });
  at('now').addEventListener('click', () => { chat.sitting.connection.hurry(); at('text').focus(); });
  at('leave').addEventListener('click', async () => {
    chat.sitting?.connection.stop();
    try {
      await leave();
      tabs.renamed();
      goOut(null);
    } catch (error) {
      chat.sitting?.use(chat.transport);
      log.said(`You are still here: ${error.message}`, true);
    }
  });
  outbox.addEventListener('change', () => showPending());
  tabs.addEventListener('change', () => { if (chat.sitting) watchCrowd(chat.sitting.connection.state); });
  tabs.addEventListener('renamed', () => renamedElsewhere());
  setInterval(() => { if (outbox.lines.some((line) => line.untilMs)) showPending(); }, 1000);
  addEventListener('hashchange', follow);
  addEventListener('pagehide', () => tabs.bye());
  addEventListener('pageshow', ({ persisted }) => { if (persisted) chat.sitting?.connection.restart(); });
  addEventListener('online', () => { if (chat.me && !isLive()) chat.sitting?.connection.restart(); });
  addEventListener('offline', () => { if (chat.sitting) state.show(chat.sitting.connection.state); });
  document.addEventListener('visibilitychange', looked);
}

function looked() {
  if (!chat.sitting) return;
  if (document.hidden) chat.sitting.unread.lookAway();
  else {
    chat.sitting.unread.look();
    read(chat.sitting.room, chat.sitting.connection.cursor);
    drawTitle();
  }
}

/** The cookie is all tabs': this one goes on as whoever it says. */
async function renamedElsewhere() {
  const me = await whoAmI().catch(() => chat.me);
  if (me === null) {
    if (chat.me) goOut('Another tab of this browser left the chat.');
  } else if (me?.id !== chat.me?.id) {
    const wasOut = chat.me === null;
    be(me);
    if (!wasOut) log.said(`Another tab of this browser took the name \u2068${me.name}\u2069; this tab goes on with it.`, true);
    if (wasOut) comeIn();
    else chat.sitting.connection.restart();
  }
}

async function linkLab() {
  if (await hasLab()) return;
  at('to-lab').hidden = true;
  at('brand').href = '/chat';
  at('brand').setAttribute('aria-label', 'pushlab');
}

async function begin() {
  wire();
  linkLab();
  try {
    be(await whoAmI());
  } catch (error) {
    goOut(`The server does not say who you are: ${error.message}`);
    return;
  }
  if (chat.me) comeIn();
  else goOut(null);
}

begin();

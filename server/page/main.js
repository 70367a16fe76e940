// The frame of the page: which screen is shown, the colours, and what the lab is doing. It makes the one
// Lab that all screens share, mounts a screen when it is first asked for, and measures nothing itself.

import { leave } from './chat/identity.js';
import { tellTabs } from './chat/tabs.js';
import { Lab } from './lab.js';
import { follow } from './share.js';
import { wearTheme } from './theme.js';
import { FLAWS } from './wire/cookies.js';

const screens = {
  race: { title: 'Race', load: () => import('./views/race.js') },
  wire: { title: 'Wire', load: () => import('./views/wire.js') },
  course: { title: 'Course', load: () => import('./views/course.js') },
  lessons: { title: 'Lessons', load: () => import('./views/lessons.js') },
  paper: { title: 'Papers', load: () => import('./views/paper.js') },
  reports: { title: 'Reports', load: () => import('./views/reports.js') },
};

const view = document.getElementById('view');
// Exported for a console, and for the tests that drive the page.
export const lab = new Lab();
const mounted = new Map();

/** `#/lessons/l02` → ['lessons', 'l02']; what is no screen leads to the race. */
function route() {
  const [name, ...rest] = location.hash.replace(/^#\/?/, '').split('?')[0].split('/');
  return Object.hasOwn(screens, name) ? [name, ...rest] : ['race'];
}

async function show() {
  const [name] = route();
  for (const link of document.querySelectorAll('.top nav a')) {
    const here = link.getAttribute('href') === `#/${name}`;
    if (here) link.setAttribute('aria-current', 'page');
    else link.removeAttribute('aria-current');
  }
  document.title = `${screens[name].title} · pushlab`;
  if (!mounted.has(name)) {
    const section = document.createElement('section');
    section.className = `screen screen-${name}`;
    mounted.set(name, section);
    view.append(section);
    try {
      const screen = await screens[name].load();
      await screen.mount(section, lab);
    } catch (error) {
      console.warn(`the screen ${name} cannot be shown`, error);
      const words = document.createElement('p');
      words.className = 'notice bad';
      words.textContent = `This screen could not be loaded (${error.message}). Reload the page; the other screens work.`;
      section.replaceChildren(words);
    }
  }
  // The route may have changed while a screen was being loaded.
  const [current] = route();
  for (const [other, section] of mounted) section.hidden = other !== current;
  view.dispatchEvent(new CustomEvent('route', { detail: route() }));
}

let first = true;
/** A shared link sets the knobs; the race says what it did. */
function followLink() {
  const words = follow(lab, location.hash);
  if (words === null) return;
  lab.linkWords = words;
  lab.dispatchEvent(new Event('shared'));
}
addEventListener('hashchange', async () => {
  followLink();
  await show();
  view.focus({ preventScroll: true });
});

const stateWords = { connecting: 'connecting', ready: 'lab ready', running: 'running', off: 'lab is off', closed: 'disconnected' };
function showState() {
  const place = document.getElementById('lab-state');
  place.dataset.state = lab.state;
  place.querySelector('.words').textContent = stateWords[lab.state];
  place.title = lab.why ?? (lab.busyWith ? `busy with ${lab.busyWith}` : '');
  const announce = document.getElementById('announce');
  if (!first || lab.state !== 'ready') announce.textContent = `The lab: ${stateWords[lab.state]}. ${lab.why ?? ''}`;
  first = false;
}
lab.addEventListener('state', showState);

/** The one cookie that a visitor of this page may have from this very server, and the way to be rid of it. */
function watchChatCookie(place) {
  const told = place.querySelector('[role="status"]');
  lab.addEventListener('done', ({ detail: recording }) => {
    if (recording.bytesVoid === FLAWS.chat) place.hidden = false;
  });
  place.querySelector('button').addEventListener('click', async () => {
    try {
      await leave();
      tellTabs();
      place.hidden = true;
      view.focus({ preventScroll: true });
    } catch (error) {
      told.textContent = `That did not work: ${error.message}`;
    }
  });
}
watchChatCookie(document.getElementById('chat-cookie'));
wearTheme(document.getElementById('theme'));

showState();
followLink();
lab.connect();
show();

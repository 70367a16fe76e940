// The two lists beside the talk: rooms as links, members with who one is oneself.

import { element } from '../../views/element.js';
import { toHash } from '../rooms.js';

export function showRooms(place, rooms, current) {
  place.replaceChildren(...rooms.map((room) => element('li', {},
    element('a', { href: toHash(room), 'aria-current': room === current ? 'page' : null }, element('bdi', {}, room)))));
}

export function showMembers(place, users, me, label) {
  place.replaceChildren(...users.map((user) => {
    const { name, tag } = label(user);
    return element('li', { 'data-user': user.id },
      element('bdi', {}, name), tag && element('span', { class: 'tag' }, ` ${tag}`), user.id === me?.id ? element('span', { class: 'you' }, ' (you)') : null);
  }));
}

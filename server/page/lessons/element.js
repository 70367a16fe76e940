// Elements as lessons need them: lists of children, drawings, sources. Text is only ever text: nothing that
// came from outside is read as markup.

import { element as plain } from '../views/element.js';

const SVG = 'http://www.w3.org/2000/svg';

/** As the views' own, and a child may be a list or nothing. */
export const element = (name, attributes = {}, ...children) => plain(name, attributes, ...children.flat().filter(Boolean));

export function drawing(name, attributes = {}, ...children) {
  const made = document.createElementNS(SVG, name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  made.append(...children.flat());
  return made;
}

/** A link where there is an address, words where there is none. */
export const source = ([words, address]) =>
  (address ? element('a', { href: address, rel: 'noreferrer', target: '_blank' }, words) : element('span', {}, words));

// Makes elements of the page. Text is only ever text: nothing that came from outside is read as markup.

const SVG = 'http://www.w3.org/2000/svg';

/** `element('p', {class: 'muted', onclick: f}, 'words', child)`; a value of null or false is left out. */
export function element(name, attributes = {}, ...children) {
  return fill(document.createElement(name), attributes, children);
}

export function drawing(name, attributes = {}, ...children) {
  return fill(document.createElementNS(SVG, name), attributes, children);
}

function fill(made, attributes, children) {
  for (const [key, value] of Object.entries(attributes)) {
    if (value === null || value === undefined || value === false) continue;
    if (key.startsWith('on')) made.addEventListener(key.slice(2), value);
    else made.setAttribute(key, value === true ? '' : value);
  }
  made.append(...children.flat().filter(child => child !== null && child !== undefined && child !== false));
  return made;
}

/** A link where there is an address, words where there is none. */
export const source = ([words, address]) =>
  (address ? element('a', { href: address, rel: 'noreferrer', target: '_blank' }, words) : element('span', {}, words));

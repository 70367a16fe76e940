// Elements made without markup: names, attributes and texts that come from anywhere are data here and
// never parsed. Nothing else.

/** `element('button', { class: 'quiet', type: 'button', onclick }, 'text', child…)` */
export function element(name, attributes = {}, ...children) {
  const made = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) {
    if (key.startsWith('on')) made.addEventListener(key.slice(2), value);
    else if (value === true) made.setAttribute(key, '');
    else if (value !== null && value !== undefined && value !== false) made.setAttribute(key, value);
  }
  made.append(...children.filter((child) => child !== null && child !== undefined));
  return made;
}

/** Sets a text only where it differs: an unchanged node costs no layout. */
export function write(node, text) {
  if (node.textContent !== text) node.textContent = text;
}

/** `kind` of bytes → the class that colours it. */
export const kindClass = (kind) => `kind-${kind.replaceAll('_', '-')}`;

export const KIND_WORDS = {
  payload: 'payload',
  framing: 'framing',
  http_headers: 'HTTP headers',
  empty_polls: 'empty polls',
  handshake: 'handshake and greeting',
  keep_alive: 'keep-alive',
  packets: 'packets of Socket.IO',
  probes: 'probes',
  upgrade: 'upgrade',
  tls: 'TLS',
};

/** For legends: the knob counts the data, the wire the event around it as well. */
export const PAYLOAD_WORDS = 'payload (the whole JSON of the event)';

export const grouped = (count) => Math.round(count).toLocaleString('en');

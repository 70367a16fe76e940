// Names of rooms: which are good, where they stand in the address, and which were visited. KPL is the first.

export const FIRST = 'KPL';
const MOST_BYTES = 64;
const MOST_REMEMBERED = 30;

/** What the server would say of a name, or null where it is one. */
export function flaw(name) {
  if (name === '') return 'A room has a name.';
  const bytes = new TextEncoder().encode(name).length;
  if (bytes > MOST_BYTES) return `A room’s name has at most ${MOST_BYTES} bytes of UTF-8; this one has ${bytes}.`;
  if (/\p{Cc}/u.test(name)) return 'A room’s name has no control characters.';
  if (!name.isWellFormed()) return 'That is no text.';
  // A browser takes these two out of an address, percent-encoded or not.
  if (name === '.' || name === '..') return 'A browser cannot ask for this name.';
  return null;
}

/** `#/峡谷` → 峡谷; null where the hash names no room. */
export function fromHash(hash) {
  if (!hash.startsWith('#/')) return null;
  try {
    const name = decodeURIComponent(hash.slice(2)).trim();
    return flaw(name) ? null : name;
  } catch {
    return null;
  }
}

export const toHash = (name) => `#/${encodeURIComponent(name)}`;

/** KPL, then the visited ones as they were visited, the latest last. */
export function remembered(visited) {
  const good = Array.isArray(visited) ? visited.filter((name) => typeof name === 'string' && !flaw(name)) : [];
  return [...new Set([FIRST, ...good])].slice(0, MOST_REMEMBERED);
}

export function visit(visited, name) {
  const all = remembered(visited);
  if (all.includes(name)) return all;
  return remembered([...all.slice(1).slice(-(MOST_REMEMBERED - 2)), name]);
}

/** What is kept of a room, whatever it is called: `constructor` is a room like any other. */
export function keptOf(all, room) {
  return Object.hasOwn(all ?? {}, room) ? all[room] : null;
}

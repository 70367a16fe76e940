// What the events of a room say: lines of people, who came and went, what is gone. It takes each event
// once, in order, and a line of somebody's once by its nonce; it trusts nothing in `data`, which comes from strangers.

/** As many nonces are remembered; a copy comes soon or never. */
const NONCES = 10_000;
/** A sender's clock may be this far ahead before it is not believed. */
const AHEAD_MS = 60_000;

export class Talk {
  #nonces = new Set();

  /** An event → {kind, id, user, text, atMs, byClock, nonce}, or null for a copy. */
  take(event, receivedMs = Date.now()) {
    const line = { id: event.id, user: person(event.user), nonce: null, atMs: receivedMs, byClock: 'reader' };
    if (event.type === 'join' || event.type === 'left') return { ...line, kind: event.type };
    const { data } = event;
    const isOurs = event.type === 'chat' && data !== null && typeof data === 'object' && typeof data.text === 'string';
    if (!isOurs) {
      const text = typeof data === 'string' ? data : JSON.stringify(data);
      return event.type === 'chat' ? { ...line, kind: 'line', text } : { ...line, kind: 'other', type: String(event.type), text };
    }
    if (typeof data.nonce === 'string') {
      const whose = JSON.stringify([line.user?.id ?? null, data.nonce]);
      if (this.#nonces.has(whose)) return null;
      this.#nonces.add(whose);
      if (this.#nonces.size > NONCES) this.#nonces.delete(this.#nonces.values().next().value);
      line.nonce = data.nonce;
    }
    if (Number.isFinite(data.sent) && data.sent > 0 && data.sent < receivedMs + AHEAD_MS) {
      line.atMs = data.sent;
      line.byClock = 'author';
    }
    return { ...line, kind: 'line', text: data.text };
  }
}

/** A user as the server tells them; null where the publisher has no name. */
export function person(user) {
  if (!user || typeof user.id !== 'string' || typeof user.name !== 'string') return null;
  return { id: user.id, name: user.name };
}

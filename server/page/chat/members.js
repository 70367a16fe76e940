// Who is in the room: what a list said, and who came and went since. Two people may have one name; then
// the beginning of their ids tells them apart.

import { person } from './talk.js';

export class Members {
  #here = new Map();
  /** id → name of everybody who was ever seen here: a line's author may have left. */
  #known = new Map();
  /** name → how many of those are called so. */
  #namesakes = new Map();

  /** A list is the truth of its moment; events that came before it are in it. */
  list(users) {
    if (!Array.isArray(users)) return;
    this.#here = new Map(users.map(person).filter(Boolean).map((user) => [user.id, user]));
    for (const user of this.#here.values()) this.meet(user);
  }

  take({ kind, user }) {
    if (!user) return;
    this.meet(user);
    if (kind === 'join') this.#here.set(user.id, user);
    if (kind === 'left') this.#here.delete(user.id);
  }

  meet({ id, name }) {
    const before = this.#known.get(id);
    if (before === name) return;
    if (before !== undefined) this.#namesakes.set(before, this.#namesakes.get(before) - 1);
    this.#known.set(id, name);
    this.#namesakes.set(name, (this.#namesakes.get(name) ?? 0) + 1);
  }

  clear() {
    this.#here.clear();
  }

  /** `me` first, the others by name. */
  sorted(me) {
    return [...this.#here.values()].sort((one, other) =>
      (other.id === me?.id) - (one.id === me?.id) || one.name.localeCompare(other.name) || (one.id < other.id ? -1 : 1));
  }

  /** The name, and a tag where somebody else here is called the same. */
  label(user) {
    if (!user) return { name: 'somebody without a name', tag: null };
    return { name: user.name, tag: this.#namesakes.get(user.name) > 1 ? user.id.slice(0, 4) : null };
  }
}

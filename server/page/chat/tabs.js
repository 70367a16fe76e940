// Other tabs of this chat in this browser. HTTP/1.1 gives a browser six connections to one server, all tabs
// together, and all but WebSocket hold one of them for good: the seventh waits without a word. Tabs tell
// each other what they hold, and that another name was taken.

import { HANG } from '../transports.js';

export const SIX = 6;
const CHANNEL = 'pushlab-chat';

/** Another part of the site has taken the name away. */
export function tellTabs() {
  const channel = new BroadcastChannel(CHANNEL);
  channel.postMessage({ id: crypto.randomUUID(), kind: 'renamed' });
  channel.close();
}

export class Tabs extends EventTarget {
  #id = crypto.randomUUID();
  #others = new Map();
  #transport = null;
  #channel;

  constructor(channel = new BroadcastChannel(CHANNEL)) {
    super();
    this.#channel = channel;
    channel.addEventListener('message', ({ data }) => this.#take(data));
    channel.postMessage({ id: this.#id, kind: 'who' });
  }

  /** What this tab holds; null: nothing. */
  holds(transport) {
    this.#transport = transport;
    this.#say('here');
  }

  /** The cookie is all tabs'. */
  renamed() {
    this.#say('renamed');
  }

  bye() {
    this.#say('bye');
  }

  /** Connections that hang, in all tabs of this chat. */
  get held() {
    return [this.#transport, ...this.#others.values()].filter((transport) => HANG.has(transport)).length;
  }

  /** Whether a line by POST, a page, anything at all has to wait. */
  get isCrowded() {
    return this.held >= SIX;
  }

  /** Whether one tab more would make it so. */
  get isTight() {
    return this.held === SIX - 1;
  }

  #say(kind) {
    this.#channel.postMessage({ id: this.#id, kind, transport: this.#transport });
  }

  #take({ id, kind, transport }) {
    if (kind === 'bye') this.#others.delete(id);
    else if (kind === 'who') this.#say('here');
    else if (kind === 'here') this.#others.set(id, transport);
    this.dispatchEvent(new Event(kind === 'renamed' ? 'renamed' : 'change'));
  }
}

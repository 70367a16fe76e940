// The page's one WebSocket to `/lab/session`: JSON text both ways. It knows no meaning of any message:
// each becomes an event named after its `kind`. When the socket ends, the server ends all that it owned.

export class Session extends EventTarget {
  #socket;

  /** Resolves with the first `session` message; rejects with the server's reason. */
  static async open() {
    const session = new Session();
    const address = new URL('/lab/session', location.href);
    address.protocol = address.protocol === 'https:' ? 'wss:' : 'ws:';
    session.#socket = new WebSocket(address);
    const hello = new Promise((resolve, reject) => {
      session.addEventListener('session', (event) => resolve(event.detail), { once: true });
      session.addEventListener('refused', (event) => reject(new Error(event.detail.why)), { once: true });
      session.#socket.addEventListener('close', () => reject(null), { once: true });
    });
    session.#socket.addEventListener('message', (event) => session.#take(event.data));
    session.#socket.addEventListener('close', () => session.dispatchEvent(new Event('closed')));
    try {
      return { session, hello: await hello };
    } catch (told) {
      throw told ?? new Error(await reason());
    }
  }

  #take(text) {
    const message = JSON.parse(text);
    this.dispatchEvent(new CustomEvent(message.kind, { detail: message }));
  }

  get isOpen() {
    return this.#socket.readyState === WebSocket.OPEN;
  }

  send(message) {
    if (this.isOpen) this.#socket.send(JSON.stringify(message));
  }

  close() {
    this.#socket.close();
  }

  /** The next message of a kind that `wanted` accepts. */
  next(kind, { wanted = () => true, within = 10_000 } = {}) {
    return new Promise((resolve, reject) => {
      const end = () => {
        clearTimeout(timer);
        this.removeEventListener(kind, take);
        this.removeEventListener('closed', lost);
      };
      const take = (event) => {
        if (!wanted(event.detail)) return;
        end();
        resolve(event.detail);
      };
      const lost = () => {
        end();
        reject(new Error('The connection to the lab ended.'));
      };
      const timer = setTimeout(() => {
        end();
        reject(new Error(`The lab did not answer within ${within / 1000} s (${kind}).`));
      }, within);
      this.addEventListener(kind, take);
      this.addEventListener('closed', lost);
    });
  }
}

/** A WebSocket does not tell why it was refused; a plain request to the same address does. */
async function reason() {
  try {
    const answer = await fetch('/lab/session', { cache: 'no-store' });
    // What this request lacks; the socket's did not, and yet it never came, or was cut.
    if (answer.status === 426) return 'The WebSocket to the lab was cut off before it began. Try again; a proxy in between must let WebSockets through.';
    const problem = await answer.json();
    return problem.detail ?? problem.title ?? `The lab answered ${answer.status}.`;
  } catch {
    return 'The server cannot be reached. Is pushlab-server running?';
  }
}

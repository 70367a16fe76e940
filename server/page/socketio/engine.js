// Engine.IO 4, which carries Socket.IO: a session that begins with polls, which every proxy lets through, and
// moves to a WebSocket once that has proved itself. A packet is a digit and a text. It knows nothing of what
// the messages mean, and does not come back after a break.

import { Refusal, refusal } from '../refusal.js';

const [OPEN, CLOSE, PING, PONG, MESSAGE, UPGRADE] = '012345';
/** Has no digit: base64 follows it where only text can go. */
const BINARY = 'b';
/** Between the packets of one body. */
const SEPARATOR = '\x1e';
/** More packets in one POST are refused. */
const MOST_PACKETS = 100;
const utf8 = new TextEncoder();

export class Engine {
  /** The session that the server gives; rejects with a Refusal. */
  static async open(url, signal) {
    const address = `${url}/socket.io/?EIO=4&transport=polling`;
    const answer = await fetch(address, { signal, credentials: 'include' });
    if (!answer.ok) throw await refusal(answer);
    const packet = await answer.text();
    if (packet[0] !== OPEN) throw new Error('this is no Engine.IO server');
    const hello = JSON.parse(packet.slice(1));
    return new Engine(`${address}&sid=${encodeURIComponent(hello.sid)}`, hello, signal);
  }

  #address;
  #hello;
  #signal;
  #take;
  #onAsk;
  #fail;
  #waiting = [];
  #polled = null;
  #posted = null;
  #socket = null;
  /** The WebSocket has proved itself: no further poll and no further POST. */
  #isMoving = false;
  #silence = null;
  #over = new AbortController();

  constructor(address, hello, signal) {
    this.#address = address;
    this.#hello = hello;
    this.#signal = signal;
  }

  /** `text` and `binary` get the messages, binary ones in base64, `onAsk` hears of each poll; rejects when the
   *  session ends, as it always does. */
  run(text, binary, onAsk = () => {}) {
    return new Promise((_, reject) => {
      this.#take = { [MESSAGE]: text, [BINARY]: binary };
      this.#onAsk = onAsk;
      this.#fail = (why) => {
        clearTimeout(this.#silence);
        this.#over.abort();
        reject(why);
      };
      const leave = () => this.#leave(this.#signal.reason);
      this.#signal.addEventListener('abort', leave, { signal: this.#over.signal });
      this.#alive();
      this.#polled = this.#poll();
      if (this.#hello.upgrades.includes('websocket')) this.#upgrade();
      if (this.#signal.aborted) leave();
    });
  }

  send(text) {
    this.#send(MESSAGE + text);
  }

  #send(packet) {
    if (this.#socket) this.#socket.send(packet);
    else {
      this.#waiting.push(packet);
      this.#posted ??= this.#post();
    }
  }

  #packet(packet) {
    // What comes after the end belongs to nobody.
    if (this.#over.signal.aborted) return;
    this.#alive();
    const [type] = packet;
    if (type === PING) this.#send(PONG);
    else if (type === CLOSE) this.#fail(new Error('the server ended the session'));
    else if (type === MESSAGE || type === BINARY) this.#message(type, packet.slice(1));
  }

  /** Who cannot do with a message what it should leaves. */
  #message(type, content) {
    try {
      this.#take[type](content);
    } catch (error) {
      this.#leave(error);
    }
  }

  // -- polling --------------------------------------------------------------------------------------

  /** One GET at a time: the server holds it until there is something. */
  async #poll() {
    try {
      while (!this.#isMoving && !this.#over.signal.aborted) {
        this.#onAsk();
        for (const packet of (await this.#asked()).split(SEPARATOR)) this.#packet(packet);
      }
    } catch (error) {
      this.#fail(error);
    }
  }

  /** One POST at a time, with all that waits. */
  async #post() {
    try {
      while (this.#waiting.length > 0 && !this.#isMoving) {
        await this.#asked({ method: 'POST', headers: { 'content-type': 'text/plain;charset=UTF-8' }, body: this.#batch().join(SEPARATOR) });
      }
    } catch (error) {
      this.#fail(error);
    }
    this.#posted = null;
  }

  async #asked(options = {}) {
    const answer = await fetch(this.#address, { ...options, signal: this.#over.signal, credentials: 'include' });
    if (answer.status === 400) throw new Error('the server does not know this session any more');
    if (!answer.ok) throw await refusal(answer);
    return answer.text();
  }

  /** As many packets as the server takes in one body. */
  #batch() {
    let bytes = 0;
    const fits = (packet, at) => at < MOST_PACKETS && (bytes += utf8.encode(packet).length + 1) <= this.#hello.maxPayload + 1;
    const more = this.#waiting.findIndex((packet, at) => !fits(packet, at));
    return this.#waiting.splice(0, more < 0 ? this.#waiting.length : Math.max(1, more));
  }

  // -- the move to a WebSocket ----------------------------------------------------------------------

  #upgrade() {
    const socket = new WebSocket(this.#address.replace(/^http/, 'ws').replace('transport=polling', 'transport=websocket'));
    socket.binaryType = 'arraybuffer';
    // A probe: where a box on the way swallows the WebSocket, nothing answers, and the polls go on.
    socket.onopen = () => socket.send(`${PING}probe`);
    socket.onmessage = ({ data }) => {
      if (this.#socket) this.#packet(typeof data === 'string' ? data : BINARY + base64(data));
      else if (data === `${PONG}probe`) this.#move(socket);
      else socket.close();
    };
    socket.onclose = ({ code }) => { if (this.#isMoving) this.#fail(new Refusal({ code })); };
    this.#over.signal.addEventListener('abort', () => socket.close());
  }

  /** The server answers the poll that is held, so that nothing is on both ways at once. */
  async #move(socket) {
    this.#isMoving = true;
    await Promise.all([this.#polled, this.#posted]);
    if (this.#over.signal.aborted) return;
    socket.send(UPGRADE);
    this.#socket = socket;
    for (const packet of this.#waiting.splice(0)) socket.send(packet);
  }

  // -- the end --------------------------------------------------------------------------------------

  /** The server pings; where it does not, it is gone, or the way to it is. */
  #alive() {
    clearTimeout(this.#silence);
    const { pingInterval, pingTimeout } = this.#hello;
    this.#silence = setTimeout(() => this.#fail(new Error('the server did not ping')), pingInterval + pingTimeout);
  }

  /** Says goodbye, so that the server need not wait for us. */
  async #leave(why) {
    this.#send(CLOSE);
    await this.#posted;
    this.#fail(why);
  }
}

function base64(buffer) {
  return btoa(Array.from(new Uint8Array(buffer), (byte) => String.fromCharCode(byte)).join(''));
}

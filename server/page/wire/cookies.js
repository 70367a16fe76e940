// Cookies know no ports: those of every other program on this host go out on the lanes as well. A guard
// for each connection finds them in the requests as they come, masks their values before anything keeps
// them, and says where the cookies are not exactly what the page set. Lengths never change.

const NAME = 'pad';
/** Who one is in this server’s chat room. */
const CHAT = 'pushlab_session';
const FILL = 0x78;
const MASK = 0x2a;
const [LF, CR, SPACE, COLON, SEMICOLON, EQUALS] = [10, 13, 0x20, 0x3a, 0x3b, 0x3d];
/** More of a header than this tells nothing that is asked here. */
const LONGEST = 64;

/** `pad=xxx…` of `size` bytes, as the page sets it; null where it sets none. */
export function ownCookie(size) {
  if (!size) return null;
  return `${NAME}=`.padEnd(size, String.fromCharCode(FILL));
}

/** Why the figures are void, by what was found. */
export const FLAWS = {
  foreign: 'cookies of another program on this host went with the requests, for cookies know no ports (their values are masked here); open the page in a private window, or start the lab on a loopback address of its own, as with --listen 127.0.0.2:8080',
  chat: 'the cookie of this server’s chat room (pushlab_session) went with the requests, for cookies know no ports (its value is masked here); leave the chat, or open this page in a private window',
  other: 'a cookie of another run of this page went with the requests; close the other tab, or open this page in a private window',
  missing: 'the run’s own cookie did not go with every request: this browser keeps none for this page, or another tab has cleared it',
};

export class CookieGuard {
  #own;
  #isFirstLine = true;
  #line = '';
  #header = null;
  #value = '';
  #isCookie = false;
  #place = 'gap';
  #name = '';
  #isNamed = false;
  #length = 0;
  #isOdd = false;
  #pads = [];
  #hasForeign = false;
  #hasChat = false;
  #body = 0;
  #bodyAhead = 0;
  #isUpgrade = false;
  #isOver = false;
  #isBlind;

  /** The gravest that was found: a name in FLAWS, or null. */
  flaw = null;

  /** `size` is that of the page's own cookie, 0 = none; `isBlind` where what came before is not known. */
  constructor(size, isBlind = false) {
    this.#own = ownCookie(size)?.length ?? 0;
    this.#isBlind = isBlind;
  }

  /** Bytes are missing: all is masked until a request has ended. */
  lose() {
    if (this.#isOver) return;
    this.#isBlind = true;
    this.#isCookie = false;
    this.#body = 0;
    this.#endLine();
  }

  /** The next bytes of the browser, with what is not the page's own masked; a copy where they differ. */
  take(bytes) {
    if (this.#isOver) return bytes;
    let masked = bytes;
    const mask = (at) => {
      if (masked === bytes) masked = bytes.slice();
      masked[at] = MASK;
    };
    if (this.#place === 'name') this.#isNamed = isNamed(bytes, 0);
    for (let at = 0; at < bytes.length && !this.#isOver; at += 1) {
      if (this.#body > 0) this.#body -= 1;
      else if (this.#isBlind) this.#grope(bytes[at], at, mask);
      else if (this.#isCookie && bytes[at] !== LF) this.#cookie(bytes, at, mask);
      else this.#plain(bytes[at]);
    }
    return masked;
  }

  /** Nothing is known of this byte but whether it ends a head. */
  #grope(byte, at, mask) {
    if (byte === LF) {
      if (this.#line === '\r' && this.#value === '\n') {
        this.#isBlind = false;
        this.#begin();
        return;
      }
      this.#line = '';
      this.#value = '\n';
    } else {
      if (this.#line.length < LONGEST) this.#line += String.fromCharCode(byte);
      if (byte !== CR) mask(at);
    }
  }

  #begin() {
    this.#isFirstLine = true;
    this.#isCookie = false;
    this.#isUpgrade = false;
    this.#hasForeign = false;
    this.#hasChat = false;
    this.#isOdd = false;
    this.#pads = [];
    this.#bodyAhead = 0;
    this.#endLine();
  }

  #endLine() {
    this.#line = '';
    this.#header = null;
    this.#value = '';
  }

  #plain(byte) {
    if (byte === LF) {
      if (this.#isCookie) this.#endPair();
      const isEnd = !this.#isFirstLine && !this.#isCookie && this.#header === null && this.#line === '\r';
      this.#note();
      // An empty line before a request is none of it (RFC 9112 §2.2).
      if (this.#line !== '\r') this.#isFirstLine = false;
      this.#isCookie = false;
      this.#endLine();
      if (isEnd) this.#endHead();
    } else if (this.#header !== null) {
      if (this.#value.length < LONGEST) this.#value += String.fromCharCode(byte);
    } else if (byte === COLON && !this.#isFirstLine) {
      this.#header = this.#line.toLowerCase();
      this.#isCookie = this.#header === 'cookie';
      this.#place = 'gap';
    } else if (this.#line.length < LONGEST) this.#line += String.fromCharCode(byte);
  }

  #note() {
    if (this.#header === 'upgrade') this.#isUpgrade ||= /websocket/i.test(this.#value);
    if (this.#header === 'content-length') this.#bodyAhead = Number.parseInt(this.#value, 10) || 0;
  }

  #cookie(bytes, at, mask) {
    const byte = bytes[at];
    if (byte === SEMICOLON || byte === CR) return this.#endPair();
    if (this.#place === 'gap') {
      if (byte === SPACE) return;
      this.#place = 'name';
      this.#name = '';
      this.#length = 0;
      this.#isNamed = isNamed(bytes, at);
    }
    if (this.#place === 'name') {
      if (byte === EQUALS) {
        this.#place = 'value';
        return;
      }
      if (this.#name.length < LONGEST) this.#name += String.fromCharCode(byte);
      // A cookie may be without a name; then this is its value.
      if (!this.#isNamed && !NAME.startsWith(this.#name)) mask(at);
      return;
    }
    this.#length += 1;
    if (this.#name === NAME && byte === FILL) return;
    if (this.#name === NAME) this.#isOdd = true;
    mask(at);
  }

  #endPair() {
    if (this.#place === 'value' && this.#name === NAME) this.#pads.push(NAME.length + 1 + this.#length);
    else if (this.#place === 'value' && this.#name === CHAT) this.#hasChat = true;
    else if (this.#place !== 'gap') this.#hasForeign = true;
    this.#place = 'gap';
  }

  #endHead() {
    const found = this.#judge();
    const grave = Object.keys(FLAWS);
    if (found && (this.flaw === null || grave.indexOf(found) < grave.indexOf(this.flaw))) this.flaw = found;
    if (this.#isUpgrade) this.#isOver = true;
    this.#body = this.#bodyAhead;
    this.#begin();
  }

  #judge() {
    if (this.#hasForeign) return 'foreign';
    if (this.#hasChat) return 'chat';
    const wanted = this.#own ? [this.#own] : [];
    if (!this.#isOdd && String(this.#pads) === String(wanted)) return null;
    return this.#pads.length === 0 ? 'missing' : 'other';
  }
}

/** Whether an equals sign ends what begins at `from`; where the bytes end first, nobody knows. */
function isNamed(bytes, from) {
  for (let at = from; at < bytes.length; at += 1) {
    if (bytes[at] === EQUALS) return true;
    if (bytes[at] === SEMICOLON || bytes[at] === CR || bytes[at] === LF) return false;
  }
  return false;
}

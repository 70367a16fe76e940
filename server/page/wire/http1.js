// Heads of HTTP/1.1 (RFC 9112): where one ends, its lines, and how long the body behind it is. It
// looks at bytes and says what they are; it neither waits nor counts.

const latin = new TextDecoder('latin1');

/** A head that is longer than this is none. */
export const MOST_HEAD_BYTES = 64 * 1024;

/** Position after the empty line that ends the head beginning at `from`, or -1 while it is not there. */
export function headEnd(bytes, from = 0) {
  for (let at = bytes.indexOf(10, from); at >= 0; at = bytes.indexOf(10, at + 1)) {
    if (at >= from + 3 && bytes[at - 1] === 13 && bytes[at - 2] === 10 && bytes[at - 3] === 13) {
      return at + 1;
    }
  }
  return -1;
}

/** The lines of a whole head: `[{from, to, part, name, value}]`, line ends included in each. */
export function headLines(bytes) {
  const lines = [];
  for (let from = 0; from < bytes.length; ) {
    const feed = bytes.indexOf(10, from);
    const to = feed < 0 ? bytes.length : feed + 1;
    lines.push({ from, to, ...headLine(latin.decode(bytes.subarray(from, to)), lines.length) });
    from = to;
  }
  return lines;
}

function headLine(text, index) {
  const line = text.replace(/\r?\n$/, '');
  if (index === 0) {
    const part = line.startsWith('HTTP/') ? 'status-line' : 'request-line';
    return { part, name: '', value: line };
  }
  if (line === '') return { part: 'head-end', name: '', value: '' };
  const colon = line.indexOf(':');
  return { part: 'header', name: line.slice(0, colon), value: line.slice(colon + 1).trim() };
}

/** `{method, target, version, headers}` of a request; null if it is none. */
export function requestHead(bytes) {
  const [first, ...rest] = headLines(bytes);
  const match = /^([!#$%&'*+.^_`|~0-9A-Za-z-]+) (\S+) (HTTP\/1\.[01])$/.exec(first.value);
  return match && { method: match[1], target: match[2], version: match[3], headers: headers(rest) };
}

/** `{status, reason, version, headers}` of an answer; null if it is none. */
export function answerHead(bytes) {
  const [first, ...rest] = headLines(bytes);
  const match = /^(HTTP\/1\.[01]) (\d{3})(?: (.*))?$/.exec(first.value);
  return match && { status: Number(match[2]), reason: match[3] ?? '', version: match[1], headers: headers(rest) };
}

/** Names in lower case; values of a name that comes twice are joined (RFC 9110 §5.3). */
function headers(lines) {
  const found = new Map();
  for (const { part, name, value } of lines) {
    if (part !== 'header') continue;
    const key = name.toLowerCase();
    found.set(key, found.has(key) ? `${found.get(key)}, ${value}` : value);
  }
  return found;
}

export function hasToken(value, token) {
  return (value ?? '').split(',').some((one) => one.trim().toLowerCase() === token);
}

/** How the body of a request is framed: `{length}` or `{chunked: true}`. */
export function requestBody(head) {
  if (hasToken(head.headers.get('transfer-encoding'), 'chunked')) return { chunked: true };
  return { length: Number.parseInt(head.headers.get('content-length') ?? '0', 10) || 0 };
}

/** The same for an answer to `method`, where without either it goes to the end (RFC 9112 §6.3). */
export function answerBody(head, method) {
  const { status, headers } = head;
  if (method === 'HEAD' || status < 200 || status === 204 || status === 304) return { length: 0 };
  if (hasToken(headers.get('transfer-encoding'), 'chunked')) return { chunked: true };
  const length = Number.parseInt(headers.get('content-length') ?? '', 10);
  return Number.isNaN(length) ? { toEnd: true } : { length };
}

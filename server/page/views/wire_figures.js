// The three things on the wire that a table of bytes does not show: the bits of a WebSocket frame, a
// mask being undone, and how Sec-WebSocket-Accept comes about. Worked out from the bytes that came.

import { headLines } from '../wire/http1.js';
import { acceptFor, GUID, OPCODES } from '../wire/websocket.js';
import { element } from './element.js';

const UNMASKED = 24;
const UNMASKED_PARTS = new Set(['payload', 'ws-control']);

/** A figure for this span, a promise of one, or nothing. */
export function figureFor(span, dissector) {
  if (span.part.startsWith('ws-') && span.part !== 'ws-control') return bits(span);
  if (span.note?.key && (UNMASKED_PARTS.has(span.part) || /^[es]io-/.test(span.part))) return unmasking(span);
  if (span.direction === 'down' && ['status-line', 'header', 'head-end'].includes(span.part) && span.note?.status === 101) {
    return accept(span.note, dissector);
  }
  return null;
}

/** RFC 6455 §5.2, drawn with the bits that came. */
function bits({ note, part }) {
  const { fin, rsv, opcode, masked, short, lengthBytes, length, key } = note;
  const binary = (value, digits) => value.toString(2).padStart(digits, '0');
  const cells = [
    ['FIN', Number(fin).toString(), fin ? 'last frame' : 'more follow', 'ws-bits'],
    ['RSV', rsv.map(Number).join(''), 'extensions', 'ws-bits'],
    ['opcode', binary(opcode, 4), OPCODES.get(opcode) ?? 'reserved', 'ws-bits'],
    ['MASK', Number(masked).toString(), masked ? 'a key follows' : 'not masked', 'ws-length'],
    ['length', binary(short, 7), short < 126 ? `${short} B` : `${short}: see next`, 'ws-length'],
  ];
  if (lengthBytes > 0) cells.push([`extended length, ${lengthBytes * 8} bits`, length.toString(2), `${length} B`, 'ws-extended-length']);
  if (key) cells.push(['masking key, 32 bits', Array.from(key, (byte) => binary(byte, 8)).join(' '), Array.from(key, hex).join(' '), 'ws-mask']);
  const row = element('dl', { class: 'bits' }, ...cells.map(([name, digits, meaning, own]) =>
    element('div', { class: `bit-cell${own === part || part === 'ws-header' ? ' chosen' : ''}` },
      element('dt', {}, name), element('dd', { class: 'digits' }, digits), element('dd', { class: 'muted small' }, meaning))));
  return element('figure', {}, row, element('figcaption', { class: 'muted small' }, `The header of this frame is ${note.size} bytes (RFC 6455 §5.2).`));
}

const hex = (byte) => byte.toString(16).padStart(2, '0');

function unmasking({ bytes, note }) {
  const shown = bytes.subarray(0, UNMASKED);
  const rows = [['on the wire', (byte) => hex(byte)], ['XOR key', (_, at) => hex(note.key[at % 4])], ['is', (byte, at) => hex(byte ^ note.key[at % 4])], ['text', (byte, at) => letter(byte ^ note.key[at % 4])]];
  const table = element('table', { class: 'unmask' }, ...rows.map(([name, cell]) =>
    element('tr', {}, element('th', { scope: 'row' }, name), ...Array.from(shown, (byte, at) => element('td', {}, cell(byte, at))))));
  const more = bytes.length > shown.length ? ` The first ${shown.length} of ${bytes.length} bytes are shown.` : '';
  return element('figure', {}, element('div', { class: 'scrolls', tabindex: '0', role: 'group', 'aria-label': 'The mask undone, byte by byte' }, table), element('figcaption', { class: 'muted small' }, `Each byte XOR the key’s byte of its place modulo 4.${more}`));
}

function letter(byte) {
  return byte > 0x20 && byte < 0x7f ? String.fromCharCode(byte) : '·';
}

async function accept(exchange, dissector) {
  const head = (part, wanted) => dissector.runs.find((run) => run.part === part && run.note === exchange && wanted(run));
  const value = (run, name) => run && headLines(run.bytes).find((line) => line.name.toLowerCase() === name)?.value;
  const key = value(head('request-head', () => true), 'sec-websocket-key');
  const came = value(head('answer-head', () => true), 'sec-websocket-accept');
  if (!key || !came) return null;
  if (!globalThis.crypto?.subtle) {
    return element('p', { class: 'notice' }, 'Browsers compute SHA-1 for pages of a safe origin only: open the page by 127.0.0.1 or localhost to see the accept key worked out.');
  }
  const { digest, accept: computed } = await acceptFor(key);
  const step = (name, text, detail) => element('div', {}, element('dt', {}, name), element('dd', {}, element('code', {}, text), ' ', element('span', { class: 'muted small' }, detail)));
  return element('figure', {},
    element('dl', { class: 'accept' },
      step('the key that the browser drew', key, '16 bytes in base64, in the request'),
      step('+ a GUID that every server knows', GUID, 'RFC 6455 §1.3'),
      step('SHA-1 of both', Array.from(digest, hex).join(' '), '20 bytes, computed by this page'),
      step('in base64', computed, 'computed'),
      step('came over the wire', came, computed === came ? '= equal, byte for byte' : '≠ not equal: the server did not read this key')),
    element('figcaption', { class: 'muted small' }, 'It is no secret and no signature. It shows that the other side speaks WebSocket, and is no HTTP cache that repeats an old answer (RFC 6455 §4.2.2).'));
}

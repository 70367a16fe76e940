// WebSocket frames (RFC 6455 §5.2): the bits of a header, how long it is, and the mask undone. Pure:
// bytes in, fields out. Extensions are shown by their bit and not undone.

export const OPCODES = new Map([
  [0x0, 'continuation'],
  [0x1, 'text'],
  [0x2, 'binary'],
  [0x8, 'close'],
  [0x9, 'ping'],
  [0xa, 'pong'],
]);

/** What the server appends to the key before it hashes (RFC 6455 §1.3). */
export const GUID = '258EAFA5-E914-47DA-95CA-C5AB0DC85B11';

/**
 * The header of the frame at the front of `bytes`; null while it is not all there.
 * `lengthBytes` is 0, 2 or 8: what the 7-bit length of 126 or 127 adds.
 */
export function frameHeader(bytes) {
  if (bytes.length < 2) return null;
  const [first, second] = bytes;
  const short = second & 0x7f;
  const lengthBytes = short === 127 ? 8 : short === 126 ? 2 : 0;
  const masked = (second & 0x80) !== 0;
  const size = 2 + lengthBytes + (masked ? 4 : 0);
  if (bytes.length < size) return null;
  let length = lengthBytes === 0 ? short : 0;
  for (const byte of bytes.subarray(2, 2 + lengthBytes)) length = length * 256 + byte;
  return {
    fin: (first & 0x80) !== 0,
    rsv: [(first & 0x40) !== 0, (first & 0x20) !== 0, (first & 0x10) !== 0],
    opcode: first & 0x0f,
    masked,
    short,
    lengthBytes,
    length,
    key: masked ? bytes.slice(2 + lengthBytes, size) : null,
    size,
  };
}

export function isControl(opcode) {
  return opcode >= 0x8;
}

/** Masking is its own inverse: each byte XOR the key's byte of its place modulo 4 (§5.3). */
export function unmask(payload, key, from = 0) {
  return key ? payload.map((byte, index) => byte ^ key[(from + index) % 4]) : payload;
}

/** The key as it is for what begins `from` bytes into the payload. */
export function keyFrom(key, from) {
  return key && key.map((_, index) => key[(from + index) % 4]);
}

/** `{code, reason}` of a close frame's payload. */
export function closeReason(payload) {
  if (payload.length < 2) return { code: null, reason: '' };
  return { code: payload[0] * 256 + payload[1], reason: new TextDecoder().decode(payload.subarray(2)) };
}

/** The answer to a key: base64 of SHA-1 of the key and the GUID (§4.2.2), with what is between. */
export async function acceptFor(key) {
  const joined = key + GUID;
  const digest = new Uint8Array(await crypto.subtle.digest('SHA-1', new TextEncoder().encode(joined)));
  return { joined, digest, accept: btoa(String.fromCharCode(...digest)) };
}

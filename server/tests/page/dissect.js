// Reads a capture on stdin, a line for each piece (`connection direction hex`), and prints what the
// page's dissector makes of it: bytes by kind over all connections, and how many were not understood.

import { Dissector } from '../../page/wire/dissector.js';

const connections = new Map();
let text = '';
for await (const piece of process.stdin) text += piece;
for (const line of text.split('\n').filter(Boolean)) {
  const [connection, direction, hex] = line.split(' ');
  if (!connections.has(connection)) connections.set(connection, new Dissector('capture'));
  connections.get(connection).feed(direction, new Uint8Array(Buffer.from(hex, 'hex')), 0);
}
const total = { not_understood: 0 };
for (const dissector of connections.values()) {
  dissector.end(0);
  for (const { part, from, to } of dissector.spans) if (['unknown', 'broken-off'].includes(part)) total.not_understood += to - from;
  for (const [kind, { up, down }] of Object.entries(dissector.byKind)) total[kind] = (total[kind] ?? 0) + up + down;
}
console.log(JSON.stringify(total));

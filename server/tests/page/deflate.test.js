// Sizes under context takeover, against zlib itself, which can flush as permessage-deflate does.
import test from 'node:test';
import assert from 'node:assert/strict';
import { constants, createDeflateRaw, deflateRawSync } from 'node:zlib';
import { alone, withMemory } from '../../page/lessons/deflate.js';
import { ticks } from '../../page/lessons/l19.js';

const messages = ticks(150).map(text => new TextEncoder().encode(text));
const size = messages.reduce((sum, message) => sum + message.length, 0);

/** Bytes that zlib writes for all messages with one memory, less the four that RFC 7692 drops. */
async function zlib(all) {
  const stream = createDeflateRaw({ strategy: constants.Z_FIXED });
  let bytes = 0;
  stream.on('data', chunk => { bytes += chunk.length; });
  for (const message of all) {
    stream.write(message);
    await new Promise(resolve => stream.flush(constants.Z_SYNC_FLUSH, resolve));
    bytes -= 4;
  }
  return bytes;
}

test('our count of fixed codes is zlib’s within a fiftieth', async () => {
  const [own, theirs] = [withMemory(messages), await zlib(messages)];
  assert.ok(Math.abs(own - theirs) / theirs < 0.02, `${own}, zlib ${theirs}`);
});

test('alone is what every DEFLATE of one message takes', async () => {
  const theirs = messages.reduce((sum, message) => sum + deflateRawSync(message).length, 0);
  assert.ok(Math.abs(await alone(messages) - theirs) / theirs < 0.02);
});

test('memory makes the difference', async () => {
  assert.ok(size / messages.length > 50 && size / messages.length < 62, `${size / messages.length} B a tick`);
  assert.ok(await alone(messages) > 0.8 * size, `${await alone(messages) / size}`);
  assert.ok(withMemory(messages) < 0.4 * size, `${withMemory(messages) / size}`);
});

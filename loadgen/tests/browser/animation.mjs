// Screenshots → one animated WebP: each frame keeps only the rectangle that changed, chromium's own
// canvas encodes it, and the container (RFC 9649) is put together here. It takes no screenshots.

/** frames: [{png: Buffer, ms}], all of one size; answers the file's bytes. `blank` is any empty tab. */
export async function animate(blank, frames, quality = 0.8) {
  await blank.evaluate(() => { globalThis.last = null; });
  const pieces = [];
  let size;
  for (const { png, ms } of frames) {
    const piece = await blank.evaluate(encodeChange, { png: png.toString('base64'), quality });
    size = piece.size;
    // A frame in which nothing moved is the last one, shown for longer.
    if (piece.webp) pieces.push({ ...piece, ms, image: imageChunk(Buffer.from(piece.webp, 'base64')) });
    else pieces.at(-1).ms += ms;
  }
  const header = Buffer.concat([Buffer.from([2, 0, 0, 0]), uint24(size.width - 1), uint24(size.height - 1)]);
  const body = Buffer.concat([
    Buffer.from('WEBP'),
    chunk('VP8X', header),
    chunk('ANIM', Buffer.from([255, 255, 255, 255, 0, 0])),
    ...pieces.map(piece => chunk('ANMF', Buffer.concat([
      uint24(piece.x / 2), uint24(piece.y / 2), uint24(piece.width - 1), uint24(piece.height - 1),
      uint24(piece.ms), Buffer.from([2]), piece.image,
    ]))),
  ]);
  return chunk('RIFF', body);
}

/** In the tab: the changed rectangle of the picture against the one before, as WebP. */
async function encodeChange({ png, quality }) {
  const bytes = Uint8Array.from(atob(png), letter => letter.charCodeAt(0));
  const picture = await createImageBitmap(new Blob([bytes], { type: 'image/png' }));
  const { width, height } = picture;
  const canvas = new OffscreenCanvas(width, height);
  const drawing = canvas.getContext('2d', { alpha: false, willReadFrequently: true });
  drawing.drawImage(picture, 0, 0);
  const now = new Uint32Array(drawing.getImageData(0, 0, width, height).data.buffer);
  const before = globalThis.last;
  globalThis.last = now;
  let [left, top, right, bottom] = before ? [width, height, 0, 0] : [0, 0, width, height];
  for (let at = 0; before && at < now.length; at += 1) {
    if (now[at] === before[at]) continue;
    const x = at % width;
    const y = (at - x) / width;
    left = Math.min(left, x);
    right = Math.max(right, x + 1);
    top = Math.min(top, y);
    bottom = Math.max(bottom, y + 1);
  }
  if (right <= left) return { size: { width, height } };
  // The container counts offsets in twos.
  left -= left % 2;
  top -= top % 2;
  const part = new OffscreenCanvas(right - left, bottom - top);
  part.getContext('2d', { alpha: false }).drawImage(canvas, -left, -top);
  const webp = new Uint8Array(await (await part.convertToBlob({ type: 'image/webp', quality })).arrayBuffer());
  let text = '';
  for (const byte of webp) text += String.fromCharCode(byte);
  return { webp: btoa(text), x: left, y: top, width: right - left, height: bottom - top, size: { width, height } };
}

/** The picture's own chunk of a still WebP file. */
function imageChunk(file) {
  for (let at = 12; at < file.length;) {
    const name = file.toString('latin1', at, at + 4);
    const length = file.readUInt32LE(at + 4);
    const end = at + 8 + length + (length % 2);
    if (name === 'VP8 ' || name === 'VP8L') return file.subarray(at, end);
    at = end;
  }
  throw new Error('no picture in the WebP file');
}

function chunk(name, body) {
  const length = Buffer.alloc(4);
  length.writeUInt32LE(body.length);
  return Buffer.concat([Buffer.from(name), length, body, Buffer.alloc(body.length % 2)]);
}

function uint24(number) {
  return Buffer.from([number & 255, (number >> 8) & 255, (number >> 16) & 255]);
}

// Where the elements of a JSON array lie in its bytes: sizes are counted on the wire and not on what a parser
// makes of them. The JSON must be valid; nothing is checked.

const [QUOTE, BACKSLASH, COMMA] = [0x22, 0x5c, 0x2c];
const OPENS = new Set([0x5b, 0x7b]);
const CLOSES = new Set([0x5d, 0x7d]);

/** `[{from, to}]` of the outermost array's elements, without the blanks around them. */
export function elementRanges(bytes) {
  const found = [];
  let depth = 0;
  let from = null;
  const close = (at) => {
    let to = at;
    while (from !== null && to > from && bytes[to - 1] <= 0x20) to -= 1;
    if (from !== null && to > from) found.push({ from, to });
    from = null;
  };
  for (let at = 0; at < bytes.length; at += 1) {
    const byte = bytes[at];
    if (CLOSES.has(byte)) {
      depth -= 1;
      if (depth === 0) close(at);
      continue;
    }
    if (depth === 1 && byte === COMMA) {
      close(at);
      continue;
    }
    if (depth === 1 && from === null && byte > 0x20) from = at;
    if (byte === QUOTE) at = stringEnd(bytes, at);
    else if (OPENS.has(byte)) depth += 1;
  }
  return found;
}

/** Position of the quote that ends the string which begins at `from`. */
export function stringEnd(bytes, from) {
  let at = from + 1;
  while (at < bytes.length && bytes[at] !== QUOTE) at += bytes[at] === BACKSLASH ? 2 : 1;
  return at;
}

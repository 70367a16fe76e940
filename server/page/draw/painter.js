// One way of drawing, two backends: a canvas for what moves, SVG text for what is exported. Colours are
// names of the style sheet's custom properties, so both follow light and dark. Coordinates are CSS pixels.

const TOKENS = [
  'paper', 'raised', 'ink', 'muted', 'grid', 'accent', 'warn', 'good', 'waits', 'held',
  'kind-payload', 'kind-framing', 'kind-http-headers', 'kind-empty-polls', 'kind-handshake', 'kind-keep-alive', 'kind-packets', 'kind-probes', 'kind-upgrade', 'kind-tls',
  'lane-interval-polling', 'lane-long-polling', 'lane-http-streaming', 'lane-sse', 'lane-websocket', 'lane-socketio',
];

let palette = null;

/** The colours as they are now; read anew after the theme has changed. */
export function colours() {
  if (palette) return palette;
  const style = getComputedStyle(document.documentElement);
  palette = Object.fromEntries(TOKENS.map((token) => [token, style.getPropertyValue(`--${token}`).trim()]));
  return palette;
}
addEventListener('theme', () => { palette = null; });

/** Draws on a canvas. Flat lists (x1, y1, x2, y2, …) share one path, which keeps thousands of marks quick. */
export class CanvasPainter {
  constructor(canvas) {
    this.canvas = canvas;
    this.context = canvas.getContext('2d');
    this.width = 0;
    this.height = 0;
  }

  /** Fits the canvas to its place; true where that changed it. */
  fit(width, height, ratio = Math.min(devicePixelRatio || 1, 2)) {
    if (width === this.width && height === this.height && ratio === this.ratio) return false;
    Object.assign(this, { width, height, ratio });
    this.canvas.width = Math.round(width * ratio);
    this.canvas.height = Math.round(height * ratio);
    return true;
  }

  begin() {
    this.context.setTransform(this.ratio, 0, 0, this.ratio, 0, 0);
    this.context.clearRect(0, 0, this.width, this.height);
  }

  #style({ fill, stroke, width = 1, alpha = 1, dash }) {
    const { context } = this;
    context.globalAlpha = alpha;
    if (fill) context.fillStyle = colours()[fill];
    if (stroke) {
      context.strokeStyle = colours()[stroke];
      context.lineWidth = width;
      context.setLineDash(dash ?? []);
    }
  }

  lines(flat, style) {
    if (flat.length === 0) return;
    this.#style(style);
    const { context } = this;
    context.beginPath();
    for (let at = 0; at < flat.length; at += 4) {
      context.moveTo(flat[at], flat[at + 1]);
      context.lineTo(flat[at + 2], flat[at + 3]);
    }
    context.stroke();
  }

  rects(flat, style) {
    if (flat.length === 0) return;
    this.#style(style);
    for (let at = 0; at < flat.length; at += 4) this.context.fillRect(flat[at], flat[at + 1], flat[at + 2], flat[at + 3]);
  }

  dots(flat, radius, style) {
    if (flat.length === 0) return;
    this.#style(style);
    const { context } = this;
    context.beginPath();
    for (let at = 0; at < flat.length; at += 2) {
      context.moveTo(flat[at] + radius, flat[at + 1]);
      context.arc(flat[at], flat[at + 1], radius, 0, 7);
    }
    if (style.fill) context.fill();
    if (style.stroke) context.stroke();
  }

  /** A line through all points; with a fill, closed. */
  path(flat, style) {
    if (flat.length < 4) return;
    this.#style(style);
    const { context } = this;
    context.beginPath();
    context.moveTo(flat[0], flat[1]);
    for (let at = 2; at < flat.length; at += 2) context.lineTo(flat[at], flat[at + 1]);
    if (style.fill) context.fill();
    if (style.stroke) context.stroke();
  }

  text(x, y, words, { fill = 'muted', size = 11, align = 'left', weight = 400 } = {}) {
    const { context } = this;
    context.globalAlpha = 1;
    context.fillStyle = colours()[fill];
    context.font = `${weight} ${size}px system-ui, sans-serif`;
    context.textAlign = align;
    context.fillText(words, x, y);
  }
}

/** The same calls as text: an SVG that stands alone, in the colours that are shown now. */
export class SvgPainter {
  #parts = [];

  constructor(width, height) {
    Object.assign(this, { width, height });
  }

  begin() {
    this.#parts = [];
  }

  #style({ fill = null, stroke = null, width = 1, alpha = 1, dash }) {
    const paint = (token) => (token ? colours()[token] : 'none');
    return `fill="${paint(fill)}" stroke="${paint(stroke)}"${stroke ? ` stroke-width="${width}"` : ''}`
      + `${alpha === 1 ? '' : ` opacity="${alpha}"`}${dash ? ` stroke-dasharray="${dash.join(' ')}"` : ''}`;
  }

  lines(flat, style) {
    let way = '';
    for (let at = 0; at < flat.length; at += 4) way += `M${point(flat, at)}L${point(flat, at + 2)}`;
    if (way) this.#parts.push(`<path d="${way}" ${this.#style(style)}/>`);
  }

  rects(flat, style) {
    let way = '';
    for (let at = 0; at < flat.length; at += 4) way += `M${point(flat, at)}h${short(flat[at + 2])}v${short(flat[at + 3])}h${short(-flat[at + 2])}z`;
    if (way) this.#parts.push(`<path d="${way}" ${this.#style(style)}/>`);
  }

  dots(flat, radius, style) {
    for (let at = 0; at < flat.length; at += 2) {
      this.#parts.push(`<circle cx="${short(flat[at])}" cy="${short(flat[at + 1])}" r="${radius}" ${this.#style(style)}/>`);
    }
  }

  path(flat, style) {
    if (flat.length < 4) return;
    let points = '';
    for (let at = 0; at < flat.length; at += 2) points += `${point(flat, at)} `;
    this.#parts.push(`<${style.fill ? 'polygon' : 'polyline'} points="${points.trim()}" ${this.#style(style)}/>`);
  }

  text(x, y, words, { fill = 'muted', size = 11, align = 'left', weight = 400 } = {}) {
    const anchor = { left: 'start', center: 'middle', right: 'end' }[align];
    this.#parts.push(`<text x="${short(x)}" y="${short(y)}" font-size="${size}" font-weight="${weight}" text-anchor="${anchor}" fill="${colours()[fill]}">${escape(words)}</text>`);
  }

  /** What was drawn, moved by (x, y), to be put among other drawings. */
  group(x, y) {
    return `<g transform="translate(${x} ${y})">${this.#parts.join('')}</g>`;
  }

  toString() {
    return wrap(this.width, this.height, this.#parts.join(''));
  }
}

/** An SVG document around parts that were drawn already. */
export function wrap(width, height, inner) {
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" width="${width}" height="${height}" font-family="system-ui, sans-serif">`
    + `<rect width="100%" height="100%" fill="${colours().paper}"/>${inner}</svg>`;
}

const short = (value) => Number(value.toFixed(2));
const point = (flat, at) => `${short(flat[at])} ${short(flat[at + 1])}`;

function escape(words) {
  return String(words).replace(/[&<>"']/g, (sign) => `&#${sign.charCodeAt(0)};`);
}

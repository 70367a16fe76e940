// The list of transports as the browser has them: one module each, all with the same `subscribe`; beside
// it what they are called within a sentence, and which of them ask or hang.

import { subscribe as intervalPolling } from './clients/interval_polling.js';
import { subscribe as longPolling } from './clients/long_polling.js';
import { subscribe as httpStreaming } from './clients/http_streaming.js';
import { subscribe as sse } from './clients/sse.js';
import { subscribe as websocket } from './clients/websocket.js';
import { subscribe as socketio } from './clients/socketio.js';

/**
 * `subscribe({ url, room, cursor, signal, onEvent, onState, … })` goes on until the signal is aborted, over
 * every break. It tells onEvent(event) and onState(state, detail): `asking`; `open` (streams) or `answered`
 * (polls) with { missed, cursor } and, where the connection goes both ways, send(text); `lost`. Beside
 * them it takes onNote(message) for what is no event (`list`, `error`), and rest(failures, signal, error),
 * which is awaited before the next attempt in place of `backOff`.
 */
export const clients = {
  'interval-polling': intervalPolling,
  'long-polling': longPolling,
  'http-streaming': httpStreaming,
  sse,
  websocket,
  socketio,
};

/** Within a sentence. */
export const TITLES = {
  'interval-polling': 'interval polling',
  'long-polling': 'long polling',
  'http-streaming': 'HTTP streaming',
  sse: 'SSE',
  websocket: 'WebSocket',
  socketio: 'Socket.IO',
};

/** Each answer is a whole one: there is no stream that something could be told on beside the events. */
export const POLLS = new Set(['interval-polling', 'long-polling']);
/** They keep one of the connections that HTTP/1.1 gives a browser for good. */
export const HANG = new Set(['long-polling', 'http-streaming', 'sse']);

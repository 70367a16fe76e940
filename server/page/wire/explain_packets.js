// What the parts of an Engine.IO and a Socket.IO packet say in words. Texts only; where they begin and end was
// decided in packets.js.

import { unmask } from './websocket.js';

const utf8 = new TextDecoder();
const say = (label, value, detail) => ({ label, value, detail });

const ENGINE = {
  0: ['open', 'The session: its id, what it can be upgraded to, how often the server pings and how large a body may be.'],
  1: ['close', 'Ends the session.'],
  2: ['ping', 'From the server every so often, 25 s by default: proxies see traffic, and both sides know that the other is there. With “probe” it tries out a WebSocket.'],
  3: ['pong', 'The answer to a ping; where it stays away, the server ends the session.'],
  4: ['message', 'Engine.IO only carries it: what it means is Socket.IO’s.'],
  5: ['upgrade', 'The WebSocket has proved itself: from here on the session is on it, and the polls are over.'],
  6: ['noop', 'Means nothing. It ends a poll that is held, so that the session can move to the WebSocket.'],
  b: ['binary', 'Base64 follows, since a body of text cannot hold bytes as they are: a third more of them.'],
};

const SOCKET = {
  0: ['CONNECT', 'Asks to be let into a namespace, perhaps with a token, or says that one is in.'],
  1: ['DISCONNECT', 'Leaves the namespace; the session goes on.'],
  2: ['EVENT', 'A name and its arguments.'],
  3: ['ACK', 'The answer to an event that asked for one, known by the same number.'],
  4: ['CONNECT_ERROR', 'Not let in; the JSON says why.'],
  5: ['BINARY_EVENT', 'An event whose binary data follows as packets of its own.'],
  6: ['BINARY_ACK', 'An acknowledgement whose binary data follows as packets of its own.'],
};

/** A digit in words; one that is none is said to be none. */
function digit(table, protocol) {
  return (span, bytes) => {
    const sign = text(span, bytes);
    const [name, detail] = table[sign] ?? ['unknown', 'No packet begins so.'];
    return say(`${protocol} type`, `${sign} (${name})`, detail);
  };
}

const text = (span, bytes) => utf8.decode(unmask(bytes, span.note?.key));
const part = (label, detail) => (span, bytes) => say(label, text(span, bytes), detail);

export const PACKET_PARTS = {
  'eio-type': digit(ENGINE, 'Engine.IO'),
  'eio-open': part('session', 'The id is a secret: whoever has it can speak in this session. Times are in milliseconds.'),
  'eio-data': part('data', 'What came with the packet.'),
  'eio-separator': () => say('separator', '0x1e', 'One byte between the packets of a body (ASCII record separator). JSON never holds it bare.'),
  'eio-ok': part('answer', 'The packets of this POST were taken.'),
  'sio-type': digit(SOCKET, 'Socket.IO'),
  'sio-attachments': part('attachments', 'So many binary packets follow; the JSON keeps a place for each.'),
  'sio-namespace': part('namespace', 'A part of the application with users of its own; / is not written.'),
  'sio-ack': part('acknowledgement', 'The number under which the other side is to answer, or does.'),
  'sio-data': part('JSON', 'What belongs to the packet: the arguments of an event or of an acknowledgement.'),
  'sio-name': part('array, event name', 'An event is an array: first its name, then the arguments. The name goes with every one.'),
  'sio-more': part('further arguments', 'After an event: its room, and the cursor that a client gives after a break, which Socket.IO calls the offset.'),
  'sio-attachment': (span, bytes) => say('attachment', `${bytes.length} B`, 'Binary data that belongs to the event before it.'),
};

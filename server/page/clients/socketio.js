// Socket.IO: packets over Engine.IO (`socketio/engine.js`), which polls until a WebSocket has proved itself.
// Rooms and acknowledgements are part of it; after a break a new session joins the room where the old one was.

import { backOff } from '../patience.js';
import { told } from '../refusal.js';
import { Engine } from '../socketio/engine.js';
import { ACK, BINARY_EVENT, CONNECT, CONNECT_ERROR, DISCONNECT, EVENT, Packets, eventText } from '../socketio/packet.js';

/** The id of the acknowledgement that a join is answered with; publishes have later ones. */
const JOIN = 0;

export async function subscribe({ url, room, cursor, signal, onEvent, onState, onNote = () => {}, rest = backOff, resume = true }) {
  const name = decodeURIComponent(room);
  for (let failures = 0; !signal.aborted;) {
    try {
      onState('asking');
      const engine = await Engine.open(url, signal);
      const packets = new Packets();
      let acks = JOIN;
      const send = (text) => engine.send(eventText(acks += 1, 'publish', { room: name, ...JSON.parse(text) }));
      const take = (packet) => {
        if (signal.aborted || !packet) return;
        const { type, ack, data } = packet;
        if (type === CONNECT) engine.send(eventText(JOIN, 'join', { room: name, ...(cursor && { cursor }) }));
        else if (type === EVENT || type === BINARY_EVENT) {
          const [, message, , after] = data;
          cursor = after ?? message.cursor ?? cursor;
          if (message.id) onEvent(message);
          else if (message.cursor) onState('open', { missed: message.missed, cursor, send });
          else onNote(message);
        } else if (type === ACK && ack === JOIN) {
          if (data[0].type === 'error') throw told(data[0]);
          cursor = data[0].cursor;
          onState('open', { missed: data[0].missed, cursor, send });
          failures = 0;
        } else if (type === ACK && data[0].type === 'error') onNote(data[0]);
        else if (type === CONNECT_ERROR) throw told({ title: data.message, ...data.data });
        else if (type === DISCONNECT) throw new Error('the server ended the connection');
      };
      engine.send(`${CONNECT}`);
      await engine.run((text) => take(packets.text(text)), (base64) => take(packets.binary(base64)), () => onState('asking'));
    } catch (error) {
      if (signal.aborted) return;
      onState('lost');
      if (!resume) cursor = null;
      await rest(failures += 1, signal, error);
    }
  }
}

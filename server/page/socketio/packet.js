// A Socket.IO 5 packet: a digit for its type, perhaps a number of attachments, a namespace and the id of an
// acknowledgement, then JSON. Attachments follow as packets of their own, each in the place that was kept for
// it. Pure, but for the attachments that are still to come.

export const [CONNECT, DISCONNECT, EVENT, ACK, CONNECT_ERROR, BINARY_EVENT] = [0, 1, 2, 3, 4, 5];

const PACKET = /^(\d)(?:(\d+)-)?(?:(\/[^,]*),?)?(\d+)?(.*)$/s;

/** `2["event",…]` → {type, attachments, namespace, ack, data}. */
export function packetOf(text) {
  const [, type, attachments = 0, namespace = '/', ack = null, json] = PACKET.exec(text) ?? [];
  if (type === undefined) throw new Error('no Socket.IO packet');
  return { type: Number(type), attachments: Number(attachments), namespace, ack: ack && Number(ack), data: json ? JSON.parse(json) : null };
}

export const eventText = (ack, ...event) => `${EVENT}${ack ?? ''}${JSON.stringify(event)}`;

/** Packets in, whole packets out: binary data is put back as `{"$binary":…}`, as every other transport has it. */
export class Packets {
  #waiting = null;
  #binaries = [];

  /** A packet that is whole, or null while attachments are missing. */
  text(text) {
    const packet = packetOf(text);
    if (packet.attachments === 0) return packet;
    this.#waiting = packet;
    this.#binaries = [];
    return null;
  }

  binary(base64) {
    const packet = this.#waiting;
    if (!packet || this.#binaries.push(base64) < packet.attachments) return null;
    this.#waiting = null;
    return { ...packet, data: filled(packet.data, this.#binaries) };
  }
}

function filled(value, binaries) {
  if (value === null || typeof value !== 'object') return value;
  if (value._placeholder === true) return { $binary: binaries[value.num] };
  if (Array.isArray(value)) return value.map((one) => filled(one, binaries));
  return Object.fromEntries(Object.entries(value).map(([name, one]) => [name, filled(one, binaries)]));
}

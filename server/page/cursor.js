// A client's place in a room's history: `epoch-offset`. A client that comes back says where it was, and
// gets what came since. It starts without one, which means: from now; `0` means: from the start.

export const query = (cursor) => (cursor ? `cursor=${encodeURIComponent(cursor)}` : '');

/** The cursor after a message of a stream: the server's own where it gives one, else the event's. */
export function after(cursor, message) {
  if (message.cursor || !message.id) return message.cursor ?? cursor;
  return `${cursor.slice(0, cursor.lastIndexOf('-'))}-${message.id}`;
}

/** The life of the room that a cursor belongs to; null where it names none. */
export function epochOf(cursor) {
  const dash = (cursor ?? '').lastIndexOf('-');
  return dash > 0 ? cursor.slice(0, dash) : null;
}

export const offsetOf = (cursor) => Number(cursor.slice(cursor.lastIndexOf('-') + 1));

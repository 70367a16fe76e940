// A client's place in a room's history: `epoch-offset`. A client that comes back says where it was, and
// gets what came since. It starts without one, which means: from now.

export const query = (cursor) => (cursor ? `cursor=${encodeURIComponent(cursor)}` : '');

/** The cursor after a message of a stream: the server's own where it gives one, else the event's. */
export function after(cursor, message) {
  return message.cursor ?? `${cursor.slice(0, cursor.lastIndexOf('-'))}-${message.id}`;
}

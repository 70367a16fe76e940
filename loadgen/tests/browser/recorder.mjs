// A SOCKS5 proxy that keeps every byte of every connection: what went over the wire, seen by neither
// the page nor the server, and without the permission that a packet capture needs. The browser writes
// to a proxy of this kind exactly what it would write to the server. It knows nothing of HTTP.

import { createServer, connect } from 'node:net';

/** Listens on a loopback port; `connections` grows as the browser opens them. */
export async function record() {
  const connections = [];
  const server = createServer(browser => greet(browser, connections));
  await new Promise(done => server.listen(0, '127.0.0.1', done));
  return {
    address: `socks5://127.0.0.1:${server.address().port}`,
    connections,
    /** What was carried to `port`: [{up, down, closed}], connections that carried nothing left out. */
    to: port => connections
      .filter(one => one.port === port)
      .map(one => ({ up: Buffer.concat(one.up), down: Buffer.concat(one.down), closed: one.closed }))
      .filter(one => one.up.length + one.down.length > 0),
    close: () => server.close(),
  };
}

/** RFC 1928: a greeting, a request to CONNECT to an IPv4 address or a name, then bytes. */
function greet(browser, connections) {
  let waiting = Buffer.alloc(0);
  let greeted = false;
  browser.on('error', () => browser.destroy());
  browser.on('data', function take(chunk) {
    waiting = Buffer.concat([waiting, chunk]);
    if (!greeted) {
      if (waiting.length < 2 || waiting.length < 2 + waiting[1]) return;
      waiting = waiting.subarray(2 + waiting[1]);
      greeted = true;
      browser.write(Buffer.from([5, 0]));
    }
    const target = destination(waiting);
    if (!target) return;
    browser.off('data', take);
    carry(browser, target, waiting.subarray(target.length), connections);
  });
}

function destination(request) {
  if (request.length < 5) return null;
  const [, command, , kind] = request;
  if (command !== 1) throw new Error(`SOCKS command ${command}`);
  const width = { 1: 4, 3: 1 + request[4], 4: 16 }[kind];
  const length = 4 + width + 2;
  if (request.length < length) return null;
  const host = kind === 1 ? [...request.subarray(4, 8)].join('.')
    : kind === 3 ? request.toString('latin1', 5, 4 + width)
      : 'localhost';
  return { host, port: request.readUInt16BE(4 + width), length };
}

function carry(browser, { host, port }, first, connections) {
  const kept = { port, up: [], down: [], closed: false };
  const server = connect({ host, port, allowHalfOpen: true, noDelay: true }, () => {
    connections.push(kept);
    browser.write(Buffer.from([5, 0, 0, 1, 0, 0, 0, 0, 0, 0]));
    if (first.length > 0) pass('up', server)(first);
  });
  const pass = (direction, to) => bytes => {
    kept[direction].push(bytes);
    to.write(bytes);
  };
  browser.setNoDelay(true);
  browser.on('data', pass('up', server));
  server.on('data', pass('down', browser));
  const end = () => {
    kept.closed = true;
    browser.destroy();
    server.destroy();
  };
  browser.on('end', () => server.end());
  server.on('end', () => browser.end());
  browser.on('close', end);
  server.on('close', end);
  server.on('error', end);
}

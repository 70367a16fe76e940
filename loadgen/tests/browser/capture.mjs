// A packet capture of loopback by tcpdump, put together into the bytes of each connection. `start` gives
// null where there is no tcpdump or no permission to capture. IPv4 over Ethernet frames, as loopback
// has them on Linux; a capture with a hole in it is an error, not a shorter stream.

import { spawn } from 'node:child_process';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const ETHERNET = 14;

/** Captures every TCP port of loopback until `stop`, which answers the connections' bytes. */
export async function start() {
  const folder = await mkdtemp(join(tmpdir(), 'pushlab-capture-'));
  const file = join(folder, 'capture.pcap');
  // -Z: as who we are, so that the file in our folder can be written.
  const user = process.env.USER || 'root';
  const tcpdump = spawn('tcpdump', ['-i', 'lo', '-s', '0', '-B', '65536', '-U', '-Z', user, '-w', file, 'tcp'],
    { stdio: ['ignore', 'ignore', 'pipe'] });
  const ready = await new Promise(resolve => {
    let said = '';
    tcpdump.stderr.on('data', text => {
      said += text;
      if (said.includes('listening on')) resolve(true);
    });
    tcpdump.on('error', () => resolve(false));
    tcpdump.on('exit', () => resolve(false));
  });
  if (!ready) {
    await rm(folder, { recursive: true });
    return null;
  }
  let connections = null;
  return {
    /** More than once answers the same. */
    async stop() {
      if (connections) return connections;
      const ended = new Promise(resolve => tcpdump.on('exit', resolve));
      tcpdump.kill('SIGINT');
      await ended;
      const bytes = await readFile(file);
      await rm(folder, { recursive: true });
      connections = connectionsOf(segmentsOf(bytes));
      return connections;
    },
  };
}

/** A pcap file's TCP segments, in the order in which they were captured. */
export function segmentsOf(pcap) {
  if (pcap.readUInt32LE(0) !== 0xa1b2c3d4 || pcap.readUInt32LE(20) !== 1) {
    throw new Error('not a little-endian pcap file of Ethernet frames');
  }
  const segments = [];
  for (let at = 24; at + 16 <= pcap.length;) {
    const length = pcap.readUInt32LE(at + 8);
    const frame = pcap.subarray(at + 16, at + 16 + length);
    at += 16 + length;
    if (frame.length < ETHERNET + 40 || frame.readUInt16BE(12) !== 0x0800) continue;
    const ip = frame.subarray(ETHERNET, ETHERNET + frame.readUInt16BE(ETHERNET + 2));
    const tcp = ip.subarray((ip[0] & 15) * 4);
    segments.push({
      from: tcp.readUInt16BE(0),
      to: tcp.readUInt16BE(2),
      sequence: tcp.readUInt32BE(4),
      opens: (tcp[13] & 2) !== 0,
      data: tcp.subarray((tcp[12] >> 4) * 4),
    });
  }
  return segments;
}

/** [{client, server, up, down}]: ports, and the bytes each way, of connections whose start was seen. */
export function connectionsOf(segments) {
  const open = new Map();
  const all = [];
  for (const segment of segments) {
    const { from, to } = segment;
    const one = open.get(`${from} ${to}`) ?? open.get(`${to} ${from}`);
    // A SYN from the client begins a connection, also where its ports were used before.
    if (segment.opens && !(one && one.server === from && !one.down)) {
      const fresh = { client: from, server: to, up: stream(segment), down: null };
      if (one && one.client === from && one.up.first === fresh.up.first) continue;
      open.delete(`${to} ${from}`);
      open.set(`${from} ${to}`, fresh);
      all.push(fresh);
    } else if (segment.opens) {
      one.down = stream(segment);
    } else if (one) {
      put(from === one.client ? one.up : one.down, segment);
    }
  }
  return all.map(({ client, server, up, down }) => ({
    client, server, up: whole(up), down: down ? whole(down) : Buffer.alloc(0),
  }));
}

const stream = segment => ({ first: (segment.sequence + 1) >>> 0, parts: [] });

function put(stream, { sequence, data }) {
  if (data.length > 0) stream.parts.push({ at: (sequence - stream.first) >>> 0, data });
}

function whole({ parts }) {
  let end = 0;
  const kept = [];
  for (const { at, data } of parts.toSorted((one, other) => one.at - other.at)) {
    if (at > end) throw new Error(`the capture lacks ${at - end} bytes`);
    if (at + data.length > end) {
      kept.push(data.subarray(end - at));
      end = at + data.length;
    }
  }
  return Buffer.concat(kept);
}

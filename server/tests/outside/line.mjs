// A line between a client and a server that breaks when it is told to: a TCP proxy. It passes bytes on and
// reads none of them.

import { once } from 'node:events';
import { connect, createServer } from 'node:net';

export async function lineTo(port) {
  const pairs = new Set();
  let isDown = false;
  let allowance = Infinity;
  const proxy = createServer({ allowHalfOpen: true }, (near) => {
    if (isDown) return near.resetAndDestroy();
    const far = connect({ port, host: '127.0.0.1', allowHalfOpen: true });
    const pair = [near, far];
    pairs.add(pair);
    for (const [from, to] of [pair, pair.toReversed()]) {
      from.setNoDelay(true);
      from.on('data', (bytes) => {
        const passed = bytes.subarray(0, allowance);
        if (passed.length > 0) to.write(passed);
        allowance -= passed.length;
        if (allowance <= 0) breakAll();
      });
      from.on('end', () => to.end());
      from.on('error', () => to.destroy());
      from.on('close', () => {
        to.destroy();
        pairs.delete(pair);
      });
    }
  });
  /** Both ends of every connection get a reset; what was on its way is gone. */
  const breakAll = () => {
    allowance = Infinity;
    for (const pair of pairs) for (const end of pair) end.resetAndDestroy();
    pairs.clear();
  };
  proxy.listen(0, '127.0.0.1');
  await once(proxy, 'listening');
  return {
    url: `http://127.0.0.1:${proxy.address().port}`,
    cut: breakAll,
    /** Cuts, and lets nobody through until `mend`. */
    down() {
      isDown = true;
      breakAll();
    },
    mend() {
      isDown = false;
    },
    /** The client's end alone is cut: the server hears nothing of it, as where a phone changes its network. */
    cutNear() {
      for (const [near, far] of pairs) {
        near.removeAllListeners('close');
        near.resetAndDestroy();
        far.removeAllListeners('data').resume();
      }
    },
    /** Cuts all once so many bytes more have gone through, wherever in a packet that falls. */
    cutAfter(bytes) {
      allowance = bytes;
    },
    close() {
      isDown = true;
      breakAll();
      proxy.close();
    },
  };
}

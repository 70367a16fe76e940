// The npm package ws as a client of our WebSockets: argument 1 is the folder that has it in its
// node_modules, argument 2 the address of a server with --conformance and short ping intervals. Each check
// is a line; the first that does not hold ends it.

import assert from "node:assert/strict";
import { once } from "node:events";
import { createRequire } from "node:module";
import { join } from "node:path";

const [folder, address] = process.argv.slice(2);
const WebSocket = createRequire(join(folder, "package.json"))("ws");

/** A connection that keeps what it hears until it is asked for. */
class Connection {
  constructor(path, protocols) {
    this.socket = new WebSocket(`ws://${address}${path}`, protocols, { perMessageDeflate: true });
    this.heard = [];
    this.wake = () => {};
    const hear = (kind) => (...what) => {
      this.heard.push([kind, ...what]);
      this.wake();
    };
    for (const kind of ["open", "message", "ping", "pong", "close", "error"]) {
      this.socket.on(kind, hear(kind));
    }
  }

  async hear(kind) {
    for (;;) {
      const next = this.heard.shift();
      if (next === undefined) {
        await new Promise((wake) => (this.wake = wake));
      } else if (next[0] === kind) {
        return next.slice(1);
      } else {
        assert.ok(next[0] === "ping" && kind !== "ping", `${next} in place of ${kind}`);
      }
    }
  }

  async closed() {
    const [code, reason] = await this.hear("close");
    return [code, reason.toString()];
  }
}

async function open(path, protocols) {
  const connection = new Connection(path, protocols);
  await connection.hear("open");
  return connection;
}

const checks = {
  async "text and binary come back as they were"() {
    const echo = await open("/lab/echo");
    assert.equal(echo.socket.extensions, "", "no extension is offered back");
    for (const payload of ["", "瑶, 峡谷", "x".repeat(1 << 20)]) {
      echo.socket.send(payload);
      const [data, isBinary] = await echo.hear("message");
      assert.equal(isBinary, false);
      assert.ok(data.toString() === payload);
    }
    for (const length of [0, 125, 65536, 1 << 24]) {
      const payload = Buffer.alloc(length, 0xfe);
      echo.socket.send(payload);
      const [data, isBinary] = await echo.hear("message");
      assert.equal(isBinary, true);
      assert.ok(data.equals(payload));
    }
    echo.socket.close();
    await echo.closed();
  },

  async "a ping is answered with its payload, between fragments too"() {
    const echo = await open("/lab/echo");
    for (const payload of ["", "瑶", "x".repeat(125)]) {
      echo.socket.ping(payload);
      assert.equal((await echo.hear("pong"))[0].toString(), payload);
    }
    const [one, two] = [Buffer.from("峡谷").subarray(0, 4), Buffer.from("峡谷").subarray(4)];
    echo.socket.send(one, { fin: false, binary: false });
    echo.socket.ping("now");
    assert.equal((await echo.hear("pong"))[0].toString(), "now");
    echo.socket.send(Buffer.alloc(0), { fin: false });
    echo.socket.send(two, { fin: true });
    assert.equal((await echo.hear("message"))[0].toString(), "峡谷");
    echo.socket.close();
    await echo.closed();
  },

  async "a close is echoed, code for code"() {
    for (const [code, reason] of [[1000, ""], [3000, "再见"], [4999, "x".repeat(123)]]) {
      const room = await open("/rooms/KPL/ws");
      await room.hear("message");
      room.socket.close(code, reason);
      assert.deepEqual(await room.closed(), [code, ""]);
    }
  },

  async "what is wrong is told by a code and a sentence"() {
    const wrong = [
      ["/lab/echo", 1007, /UTF-8/, (socket) => socket.send(Buffer.of(0xff), { binary: false })],
      ["/rooms/KPL/ws", 1007, /UTF-8/, (socket) => socket.send(Buffer.of(0xff), { binary: false })],
      ["/rooms/KPL/ws", 1009, /131072 bytes/, (socket) => socket.send("x".repeat(131073))],
      ["/rooms/KPL/ws", 1008, /1024 fragments/, (socket) => {
        for (let sent = 0; sent <= 1024; sent += 1) socket.send("", { fin: false });
      }],
      ["/rooms/KPL/ws", 1002, /masks/, (socket) => socket.send("x", { mask: false })],
    ];
    for (const [path, code, sentence, send] of wrong) {
      const connection = await open(path);
      if (path !== "/lab/echo") await connection.hear("message");
      send(connection.socket);
      const [told, reason] = await connection.closed();
      assert.equal(told, code, `${path}: ${reason}`);
      assert.match(reason, sentence);
    }
  },

  async "the subprotocol is one of those that were offered"() {
    for (const [offered, chosen] of [
      [[], ""],
      [["pushlab.json"], "pushlab.json"],
      [["chat", "pushlab.msgpack"], "pushlab.msgpack"],
      [["pushlab.json", "pushlab.msgpack"], "pushlab.json"],
    ]) {
      const room = await open("/rooms/KPL/ws", offered);
      assert.equal(room.socket.protocol, chosen);
      const [, isBinary] = await room.hear("message");
      assert.equal(isBinary, chosen === "pushlab.msgpack");
      room.socket.close();
      await room.closed();
    }
    // Without a choice this client gives up by itself (RFC 6455 §4.1 lets it).
    const none = new Connection("/rooms/KPL/ws", ["chat"]);
    const [error] = await none.hear("error");
    assert.match(error.message, /no subprotocol/);
  },

  async "a client that answers pings stays, and hears its own publish"() {
    const room = await open("/rooms/KPL/ws");
    assert.equal(JSON.parse((await room.hear("message"))[0]).type, "hello");
    for (let pings = 0; pings < 4; pings += 1) await once(room.socket, "ping");
    room.socket.send(JSON.stringify({ type: "chat", data: "瑶" }));
    const event = JSON.parse((await room.hear("message"))[0]);
    assert.deepEqual([event.type, event.data], ["chat", "瑶"]);
    room.socket.close();
    await room.closed();
  },
};

for (const [name, check] of Object.entries(checks)) {
  await check();
  console.log(`ok: ${name}`);
}

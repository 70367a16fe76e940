// A second measurement that shares no line with loadgen: subscribes CLIENTS clients to a server, POSTs RATE events
// a second for SECONDS, and prints latencies from the intended instants, what was lost, and bytes a delivery.
// `node observer.mjs WAY SUBSCRIBE PUBLISH CLIENTS RATE SECONDS`: WAY is a key of `ways`, the two are URLs.
import { Agent, request } from "node:http";
import { createRequire } from "node:module";

const [way, subscribe, publish, clients, rate, seconds] = process.argv.slice(2);
// The packages of the browser tests: clients that others wrote.
const packages = createRequire(new URL("../browser/package.json", import.meta.url));
const WARM_UP_MS = 500;
const DRAIN_MS = 2000;
const PAYLOAD = 128;

// Each resolves with a function that tells the bytes of its connection so far, or null where it has many.
const ways = {
  websocket: (hear) => webSocket(hear),
  sse: (hear) => eventStream(hear),
  "long-polling": (hear) => longPolls(hear),
  "socketio-websocket": (hear) => socketIo(["websocket"], hear),
  "socketio-upgrade": (hear) => socketIo(["polling", "websocket"], hear),
  "socketio-polling": (hear) => socketIoPolls(hear),
};

const bytesOf = (socket) => () => socket.bytesRead + socket.bytesWritten;

function webSocket(hear) {
  const WebSocket = packages("ws");
  const socket = new WebSocket(subscribe.replace("http:", "ws:"));
  socket.on("message", (data) => hear(data.toString()));
  return new Promise((resolve, reject) => {
    socket.on("open", () => resolve(bytesOf(socket._socket)));
    socket.on("error", reject);
  });
}

function eventStream(hear) {
  return new Promise((resolve, reject) => {
    const asked = request(subscribe, { agent: false, headers: { Accept: "text/event-stream" } }, (response) => {
      let rest = "";
      response.setEncoding("utf8");
      response.on("data", (text) => {
        const lines = (rest + text).split("\n");
        rest = lines.pop();
        for (const line of lines) if (line.startsWith("data:")) hear(line.slice(5));
      });
      resolve(bytesOf(response.socket));
    });
    asked.on("error", reject).end();
  });
}

/** One answer: its status, its headers, its body. */
function ask(url, options, body) {
  return new Promise((resolve, reject) => {
    const asked = request(url, options, (response) => {
      let text = "";
      response.setEncoding("utf8");
      response.on("data", (more) => (text += more));
      response.on("end", () => resolve({ status: response.statusCode, headers: response.headers, text }));
    });
    asked.on("error", reject).end(body);
  });
}

/** One connection that asks again as soon as it is answered, from where the last answer left off. */
async function longPolls(hear) {
  const agent = new Agent({ keepAlive: true, maxSockets: 1 });
  const forEver = async () => {
    let headers = {};
    for (;;) {
      const { status, headers: answered, text } = await ask(subscribe, { agent, headers });
      if (answered.etag) headers = { "If-Modified-Since": answered["last-modified"], "If-None-Match": answered.etag };
      if (status === 200) hear(text);
    }
  };
  forEver().catch(complain);
  return null;
}

/** socket.io-client itself, on a WebSocket from the first or in the end. */
function socketIo(transports, hear) {
  const { io } = packages("socket.io-client");
  const socket = io(subscribe, { transports, forceNew: true, reconnection: false });
  socket.on("event", (data) => hear(data));
  return new Promise((resolve, reject) => {
    const settled = () => resolve(bytesOf(socket.io.engine.transport.ws._socket));
    socket.on("connect_error", reject);
    socket.on("connect", () => {
      // The upgrade may be faster than the answer to CONNECT.
      if (socket.io.engine.transport.name === "websocket") settled();
      else socket.io.engine.once("upgrade", settled);
    });
  });
}

/** By hand: socket.io-client in Node opens a connection for each poll, which no browser does. */
async function socketIoPolls(hear) {
  const agent = new Agent({ keepAlive: true });
  const open = `${subscribe}/socket.io/?EIO=4&transport=polling`;
  const { sid } = JSON.parse((await ask(open, { agent })).text.slice(1));
  const session = `${open}&sid=${sid}`;
  const say = (packet) => ask(session, { agent, method: "POST", headers: { "Content-Type": "text/plain" } }, packet);
  await say("40");
  await ask(session, { agent });
  const forEver = async () => {
    for (;;) {
      for (const packet of (await ask(session, { agent })).text.split("\x1e")) {
        if (packet.startsWith("42")) hear(packet);
        else if (packet === "2") await say("3");
      }
    }
  };
  forEver().catch(complain);
  return null;
}

const complain = (error) => console.error(error.message);

const poster = new Agent({ keepAlive: true });

const posting = { method: "POST", agent: poster, headers: { "Content-Type": "text/plain", "Content-Length": PAYLOAD } };

const payload = (sequence) => `observer-${sequence}-`.padEnd(PAYLOAD, "x");

/** Waits to within some 20 µs by letting the event loop spin through the last two milliseconds. */
async function until(instant) {
  const left = instant - performance.now();
  if (left > 2) await new Promise((resolve) => setTimeout(resolve, left - 2));
  while (performance.now() < instant) await new Promise((resolve) => setImmediate(resolve));
}

const quantile = (sorted, q) => sorted[Math.min(sorted.length - 1, Math.ceil(q * sorted.length) - 1)];

const WARM_UP = Math.ceil((WARM_UP_MS / 1000) * rate);
const ALL = WARM_UP + Math.ceil(seconds * rate);
const intended = [];
const latencies = [];
const heard = Array.from({ length: Number(clients) }, () => new Set());
let delivered = 0;
let repeated = 0;

function hears(client) {
  return (text) => {
    const now = performance.now();
    for (const [, digits] of text.matchAll(/observer-(\d+)-/g)) {
      const sequence = Number(digits);
      if (heard[client].has(sequence)) repeated += 1;
      heard[client].add(sequence);
      if (sequence < WARM_UP) continue;
      delivered += 1;
      latencies.push(now - intended[sequence]);
    }
  };
}

const meters = [];
for (let client = 0; client < clients; client += 1) meters.push(await ways[way](hears(client)));
// What has no answer yet, such as a first long poll, is on its way.
await new Promise((resolve) => setTimeout(resolve, 300));

const carried = () => (meters.includes(null) ? null : meters.reduce((sum, bytes) => sum + bytes(), 0));
const begun = performance.now() + 50;
let before = null;
for (let sequence = 0; sequence < ALL; sequence += 1) {
  intended[sequence] = begun + (sequence * 1000) / rate;
  // Half an event before the window: what the warm-up brought has been counted.
  if (sequence === WARM_UP) {
    await until(intended[sequence] - 500 / rate);
    before = carried();
  }
  await until(intended[sequence]);
  ask(publish, posting, payload(sequence)).catch(complain);
}
const expected = (ALL - WARM_UP) * clients;
const limit = performance.now() + DRAIN_MS;
while (delivered < expected && performance.now() < limit) await new Promise((resolve) => setTimeout(resolve, 10));

latencies.sort((a, b) => a - b);
const micros = (milliseconds) => Math.round(milliseconds * 1000);
console.log(
  JSON.stringify({
    expected,
    delivered,
    lost: expected - heard.reduce((sum, set) => sum + [...set].filter((sequence) => sequence >= WARM_UP).length, 0),
    repeated,
    p50_us: micros(quantile(latencies, 0.5)),
    p99_us: micros(quantile(latencies, 0.99)),
    bytes_per_delivery: before === null ? null : (carried() - before) / delivered,
  }),
);
process.exit(0);

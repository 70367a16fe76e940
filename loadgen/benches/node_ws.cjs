// The yardstick of `cargo bench --bench cost`: the broadcast server that most tutorials end with, on
// Node's `ws`, with just enough of pushlab's routes that the same clients can drive and measure it.
const { WebSocketServer, WebSocket } = require("ws");
const http = require("http");
let id = 0;

function usage() {
  const { user, system } = process.cpuUsage();
  const spent = { cpu_s: (user + system) / 1e6, rss: process.memoryUsage.rss() };
  return JSON.stringify({ uptime_s: process.uptime(), process: spent, transports: {}, published: id, rooms: 1 });
}

const server = http.createServer(async (request, response) => {
  if (request.url === "/lab/usage") return response.end(usage());
  let body = "";
  for await (const chunk of request) body += chunk;
  const event = `{"id":${++id},${body.slice(1)}`;
  for (const client of sockets.clients) if (client.readyState === WebSocket.OPEN) client.send(event);
  response.writeHead(201, { "Content-Type": "application/json" });
  response.end(`{"cursor":"0-${id}","offset":${id}}`);
});
const sockets = new WebSocketServer({ server, perMessageDeflate: false });
sockets.on("connection", (socket) => socket.send(`{"type":"hello","cursor":"0-${id}","missed":0}`));
server.listen(0, "127.0.0.1", () => console.log(`listening on http://127.0.0.1:${server.address().port}`));
process.stdin.resume().on("end", () => process.exit(0));

// A broadcast server on Node's `ws`, as its README has it: what one client says goes to all. What is POSTed to
// /publish goes to all as well, so that the same publisher can drive every peer.
import { createServer } from "node:http";
import { text } from "node:stream/consumers";
import WebSocket, { WebSocketServer } from "ws";

const server = createServer(async (request, response) => {
  if (request.method !== "POST" || request.url !== "/publish") return response.writeHead(404).end();
  broadcast(await text(request), { binary: false });
  response.writeHead(204).end();
});

const sockets = new WebSocketServer({ server });

sockets.on("connection", (socket) => {
  socket.on("error", console.error);
  socket.on("message", (data, binary) => broadcast(data, { binary }));
});

function broadcast(data, options) {
  for (const client of sockets.clients) {
    if (client.readyState === WebSocket.OPEN) client.send(data, options);
  }
}

server.listen(process.env.PORT, "127.0.0.1");

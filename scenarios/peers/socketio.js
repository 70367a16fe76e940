// A broadcast server on Socket.IO with the settings it comes with: what one client publishes goes to all, as in
// its tutorial, and so does what is POSTed to /publish. `node socketio.js --recovery` turns connection state
// recovery on, which pushlab always has.
import { createServer } from "node:http";
import { text } from "node:stream/consumers";
import { Server } from "socket.io";

const server = createServer(async (request, response) => {
  if (request.method !== "POST" || request.url !== "/publish") return response.writeHead(404).end();
  io.emit("event", await text(request));
  response.writeHead(204).end();
});

const recovery = process.argv.includes("--recovery");
const io = new Server(server, recovery ? { connectionStateRecovery: {} } : {});

io.on("connection", (socket) => {
  socket.on("publish", (data, acknowledge) => {
    io.emit("event", data);
    acknowledge?.();
  });
});

server.listen(process.env.PORT, "127.0.0.1");

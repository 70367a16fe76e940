// Two broadcast servers of other people's, on PORT: `ws` sends each text to all, `socketio` sends what is said
// in /guarded to all there who know the word. What is POSTed to /publish goes to all, too.
import { createRequire } from 'node:module';
import { createServer } from 'node:http';
import { text } from 'node:stream/consumers';

const require = createRequire(new URL('../browser/package.json', import.meta.url));
const http = createServer(async (request, response) => {
  say(await text(request));
  response.writeHead(204).end();
});
const say = process.argv[2] === 'ws' ? ws() : socketio();
http.listen(process.env.PORT, '127.0.0.1');

function ws() {
  const { WebSocketServer } = require('ws');
  const sockets = new WebSocketServer({ server: http });
  const all = (data) => sockets.clients.forEach((client) => client.send(`${data}`));
  sockets.on('connection', (socket) => socket.on('message', all));
  return all;
}

function socketio() {
  const { Server } = require('socket.io');
  const guarded = new Server(http).of('/guarded');
  guarded.use((socket, next) => next(socket.handshake.auth.token === 'abracadabra' ? undefined : new Error('not you')));
  const all = (data) => guarded.emit('said', data);
  guarded.on('connection', (socket) => socket.on('say', all));
  return all;
}

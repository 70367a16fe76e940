// A broadcast server on Socket.IO's own library, as its tutorials begin: what one client emits as
// `publish`, every client of the namespace receives as `event`. `/guarded` lets in who knows the word.
// Its first line on stdout is its port; it ends when its stdin does.
import { createRequire } from 'node:module';
import { createServer } from 'node:http';

const { Server } = createRequire(process.env.PACKAGES)('socket.io');
const http = createServer((request, response) => response.writeHead(404).end());
const io = new Server(http, { pingInterval: Number(process.env.PING_INTERVAL ?? 25000) });

function broadcasts(namespace) {
  namespace.on('connection', (socket) => {
    socket.on('publish', (data) => namespace.emit('event', data));
  });
}

broadcasts(io);
broadcasts(io.of('/guarded').use((socket, next) => {
  next(socket.handshake.auth.token === 'abracadabra' ? undefined : new Error('not you'));
}));
http.listen(0, '127.0.0.1', () => console.log(http.address().port));
process.stdin.on('end', () => process.exit()).resume();

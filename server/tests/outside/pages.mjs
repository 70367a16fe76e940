// A site of its own that serves one page of a tutorial, as somebody's own web server would.

import { once } from 'node:events';
import { createServer } from 'node:http';

/** `html` is asked for the page when somebody is: it may name a server that is not there yet. */
export async function site(stage, html) {
  const server = createServer((request, answer) => {
    if (request.url !== '/') return answer.writeHead(204).end();
    answer.writeHead(200, { 'content-type': 'text/html; charset=utf-8' }).end(html());
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  stage.atLast(() => {
    server.closeAllConnections();
    server.close();
  });
  return `http://127.0.0.1:${server.address().port}`;
}

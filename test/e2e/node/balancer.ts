/**
 * A load balancer with nothing behind it, as a program of its own: `balancer.ts CERTIFICATE KEY HOST PORT`. Every request gets a
 * page that says 404.
 */
import { readFileSync } from 'node:fs';
import { createServer } from 'node:https';

const [certificate = '', key = '', host = '', port = ''] = process.argv.slice(2);
const page = '<html><body><h1>404 Not Found</h1>No server is available to handle this request.</body></html>\n';

createServer({ cert: readFileSync(certificate), key: readFileSync(key) }, (_request, response) => {
  response.writeHead(404, { 'content-type': 'text/html', 'content-length': Buffer.byteLength(page) });
  response.end(page);
}).listen(Number(port), host);

// bare_http_server.mjs PORT: what node:http does at best: parses the call, and answers it, without a check.
import { createServer } from 'node:http';

createServer((request, response) => {
    let body = '';
    request.setEncoding('utf8');
    request.on('data', (part) => (body += part));
    request.on('end', () => {
        const { id, params } = JSON.parse(body);
        const result = { content: [{ type: 'text', text: `Hello, ${params.arguments.name}!` }], resultType: 'complete' };
        const answer = JSON.stringify({ jsonrpc: '2.0', id, result });
        response.writeHead(200, { 'Content-Type': 'application/json', 'Content-Length': Buffer.byteLength(answer) });
        response.end(answer);
    });
}).listen(Number(process.argv[2]), '127.0.0.1');

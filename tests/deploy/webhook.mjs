// webhook.mjs PORT FILE: what an alert is sent to. Appends each request to FILE: its path, a space, its body in one line.
import { appendFileSync } from 'node:fs';
import { createServer } from 'node:http';

const [port, file] = process.argv.slice(2);
createServer((request, response) => {
    let body = '';
    request.setEncoding('utf8').on('data', (piece) => (body += piece));
    request.on('end', () => {
        appendFileSync(file, `${request.url} ${JSON.stringify(JSON.parse(body))}\n`);
        response.end();
    });
}).listen(Number(port), '127.0.0.1');

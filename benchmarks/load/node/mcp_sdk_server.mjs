// mcp_sdk_server.mjs PORT: the TypeScript SDK with the same trivial tool.
import { createServer } from 'node:http';

import { localhostHostValidation, localhostOriginValidation, toNodeHandler } from '@modelcontextprotocol/node';
import { createMcpHandler, McpServer } from '@modelcontextprotocol/server';
import { z } from 'zod';

const inputSchema = z.object({ name: z.string() });
const handler = createMcpHandler(() => {
    const server = new McpServer({ name: 'bench', version: '1.0.0' });
    server.registerTool('greet', { description: 'Greets somebody', inputSchema }, ({ name }) => ({
        content: [{ type: 'text', text: `Hello, ${name}!` }],
    }));
    return server;
});
const serve = toNodeHandler(handler);
const hostIsOurs = localhostHostValidation();
const originIsOurs = localhostOriginValidation();
createServer((request, response) => {
    if (hostIsOurs(request, response) && originIsOurs(request, response)) serve(request, response);
}).listen(Number(process.argv[2]), '127.0.0.1');

// sdk_server.mjs MODE: a server made with the TypeScript SDK v2. MODE is `stdio`, or for HTTP `dual` or `modern`; then the
// first line of the output is its URL.
import { createServer } from 'node:http';

import { localhostHostValidation, toNodeHandler } from '@modelcontextprotocol/node';
import { createMcpHandler, fromJsonSchema, McpServer } from '@modelcontextprotocol/server';
import { serveStdio } from '@modelcontextprotocol/server/stdio';

const text = (words) => ({ content: [{ type: 'text', text: words }] });
const sleep = (ms) => new Promise((resolve) => setTimeout(resolve, ms));
const object = (properties) => fromJsonSchema({ type: 'object', properties, required: Object.keys(properties) });

function makeServer() {
  const server = new McpServer({ name: 'sdk-v2', version: '1.0.0' }, { capabilities: { logging: {} } });
  const region = { type: 'string', 'x-mcp-header': 'Region' };
  server.registerTool('echo', { description: 'Says it again', inputSchema: object({ text: { type: 'string' } }) }, (given) =>
    text(given.text),
  );
  server.registerTool('héllo', { description: 'Has a name for no header', inputSchema: object({ region }) }, (given) =>
    text(`${given.region}!`),
  );
  server.registerTool('slow', { description: 'Reports', inputSchema: object({ steps: { type: 'integer' } }) }, async (given, ctx) => {
    const token = ctx.mcpReq._meta?.progressToken;
    for (let step = 1; step <= given.steps; ++step) {
      await sleep(20);
      await ctx.mcpReq.notify({
        method: 'notifications/progress',
        params: { progressToken: token, progress: step, total: given.steps, message: `step ${step}` },
      });
    }
    return text('done');
  });
  server.registerTool('forever', { description: 'Never answers', inputSchema: object({}) }, async (_, ctx) => {
    await new Promise((resolve) => ctx.mcpReq.signal.addEventListener('abort', resolve));
    process.stderr.write('aborted\n');
    return text('nobody hears this');
  });
  server.registerTool('ask', { description: 'Asks first', inputSchema: object({}) }, (_, ctx) => {
    const answers = ctx.mcpReq.inputResponses;
    if (answers) return text(`${answers.who.content.name}, ${answers.where.roots[0].uri}, ${answers.what.content.text}`);
    const requestedSchema = { type: 'object', properties: { name: { type: 'string' }, age: { type: 'integer', default: 30 } } };
    const messages = [{ role: 'user', content: { type: 'text', text: 'hi' } }];
    return {
      resultType: 'input_required',
      requestState: 'opaque ☃',
      inputRequests: {
        who: { method: 'elicitation/create', params: { mode: 'form', message: 'Who?', requestedSchema } },
        where: { method: 'roots/list', params: {} },
        what: { method: 'sampling/createMessage', params: { messages, maxTokens: 10 } },
      },
    };
  });
  server.registerTool('fail', { description: 'Fails', inputSchema: object({}) }, () => ({ ...text('it broke'), isError: true }));
  server.registerResource('note', 'test://note', { mimeType: 'text/plain' }, (uri) => ({
    contents: [{ uri: uri.href, mimeType: 'text/plain', text: 'noted' }],
  }));
  server.registerPrompt('greet', { description: 'Greets' }, () => ({
    messages: [{ role: 'user', content: { type: 'text', text: 'Hello' } }],
  }));
  return server;
}

const mode = process.argv[2];
if (mode === 'stdio') {
  serveStdio(makeServer);
} else {
  const handle = toNodeHandler(createMcpHandler(makeServer, { legacy: mode === 'modern' ? 'reject' : 'stateless' }));
  const isHere = localhostHostValidation();
  const server = createServer((request, response) => isHere(request, response) && handle(request, response));
  server.listen(0, '127.0.0.1', () => console.log(`http://127.0.0.1:${server.address().port}/mcp`));
}

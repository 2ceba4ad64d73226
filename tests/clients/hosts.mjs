// MCP hosts made of the official SDKs, in every way in which they may begin to speak.
import { client } from './adapters.mjs';

const who = { name: 'test-host', version: '1.0.0' };

async function firstVersion() {
  const { Client, skip } = await client('@modelcontextprotocol/sdk/client/index.js');
  const { StreamableHTTPClientTransport } = await client('@modelcontextprotocol/sdk/client/streamableHttp.js');
  const { CreateMessageRequestSchema } = await client('@modelcontextprotocol/sdk/types.js');
  return {
    way: 'sdk 1.32.2',
    skip,
    make(url, { sampling, token } = {}) {
      const one = new Client(who, { capabilities: sampling ? { sampling: {} } : {} });
      if (sampling) one.setRequestHandler(CreateMessageRequestSchema, sampling);
      const headers = token ? { Authorization: `Bearer ${token}` } : {};
      const transport = new StreamableHTTPClientTransport(new URL(`${url}/mcp`), { requestInit: { headers } });
      return { one, transport, call: (request, options) => one.callTool(request, undefined, options) };
    },
  };
}

async function secondVersion(way, versionNegotiation) {
  const { Client, StreamableHTTPClientTransport, skip } = await client('@modelcontextprotocol/client');
  return {
    way: `client 2.4.0, ${way}`,
    skip,
    make(url, { sampling, token } = {}) {
      const one = new Client(who, { capabilities: sampling ? { sampling: {} } : {}, versionNegotiation });
      if (sampling) one.setRequestHandler('sampling/createMessage', sampling);
      const headers = token ? { Authorization: `Bearer ${token}` } : {};
      const transport = new StreamableHTTPClientTransport(new URL(`${url}/mcp`), { requestInit: { headers } });
      return { one, transport, call: (request, options) => one.callTool(request, options) };
    },
  };
}

export const hosts = [
  await firstVersion(),
  await secondVersion('legacy', undefined),
  await secondVersion('auto', { mode: 'auto' }),
  await secondVersion('pinned', { mode: { pin: '2026-07-28' } }),
];

/** A connected host: calls tools, and closes its connection. */
export async function connect(kind, url, options) {
  const { one, transport, call } = kind.make(url, options);
  await one.connect(transport);
  return {
    one,
    /** The result of a tool: its structured content, or the text of its error. */
    async tool(name, given = {}, how = undefined) {
      const result = await call({ name, arguments: given }, how);
      return result.isError ? { error: result.content[0].text } : result.structuredContent;
    },
    close: () => one.close(),
  };
}

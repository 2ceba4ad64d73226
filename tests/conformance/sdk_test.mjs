// The clients of both official SDKs, in every way in which they open a connection, over HTTP and stdio.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';

import { Client as ModernClient, StreamableHTTPClientTransport as ModernHttp } from '@modelcontextprotocol/client';
import { StdioClientTransport as ModernStdio } from '@modelcontextprotocol/client/stdio';
import { Client as OldClient } from '@modelcontextprotocol/sdk/client/index.js';
import { StdioClientTransport as OldStdio } from '@modelcontextprotocol/sdk/client/stdio.js';
import { StreamableHTTPClientTransport as OldHttp } from '@modelcontextprotocol/sdk/client/streamableHttp.js';
import {
  CreateMessageRequestSchema,
  ElicitRequestSchema,
  ListRootsRequestSchema,
  LoggingMessageNotificationSchema,
  ResourceUpdatedNotificationSchema,
  ToolListChangedNotificationSchema,
} from '@modelcontextprotocol/sdk/types.js';

import { program, startFixture } from './fixture.mjs';

let fixture;
before(async () => (fixture = await startFixture()));
after(() => fixture.stop());

const who = { name: 'sdk-test', version: '1.0.0' };
const capabilities = { sampling: {}, elicitation: { form: {} }, roots: { listChanged: true } };
const answers = {
  sampling: (params) => ({
    role: 'assistant',
    model: 'test-model',
    stopReason: 'endTurn',
    content: { type: 'text', text: `you said: ${params.messages[0].content.text}` },
  }),
  elicitation: () => ({ action: 'accept', content: { name: 'Ada', username: 'ada', email: 'ada@example.com' } }),
  roots: () => ({ roots: [{ uri: 'file:///home/ada', name: 'home' }] }),
};

function oldClient() {
  const client = new OldClient(who, { capabilities });
  client.setRequestHandler(CreateMessageRequestSchema, (request) => answers.sampling(request.params));
  client.setRequestHandler(ElicitRequestSchema, () => answers.elicitation());
  client.setRequestHandler(ListRootsRequestSchema, () => answers.roots());
  return client;
}

function modernClient(versionNegotiation) {
  const client = new ModernClient(who, { capabilities, versionNegotiation });
  client.setRequestHandler('sampling/createMessage', (request) => answers.sampling(request.params));
  client.setRequestHandler('elicitation/create', () => answers.elicitation());
  client.setRequestHandler('roots/list', () => answers.roots());
  return client;
}

const onHttp = (Transport) => new Transport(new URL(fixture.url));
const onStdio = (Transport) => new Transport({ command: program, args: ['stdio'] });
const ways = {
  'sdk 1.32 over HTTP': { make: oldClient, transport: () => onHttp(OldHttp), version: '2025-11-25', old: true },
  'sdk 1.32 over stdio': { make: oldClient, transport: () => onStdio(OldStdio), version: '2025-11-25', old: true },
  'client 2.4 as it comes': { make: modernClient, transport: () => onHttp(ModernHttp), version: '2025-11-25' },
  'client 2.4 in mode auto': {
    make: () => modernClient({ mode: 'auto' }),
    transport: () => onHttp(ModernHttp),
    version: '2026-07-28',
  },
  'client 2.4 pinned': {
    make: () => modernClient({ mode: { pin: '2026-07-28' } }),
    transport: () => onHttp(ModernHttp),
    version: '2026-07-28',
  },
  'client 2.4 in mode auto over stdio': {
    make: () => modernClient({ mode: 'auto' }),
    transport: () => onStdio(ModernStdio),
    version: '2026-07-28',
  },
};
const text = (result) => result.content[0].text;

for (const [name, way] of Object.entries(ways)) {
  const modern = way.version === '2026-07-28';

  /** Connects, does the work, and closes. */
  const connected = async (work) => {
    const client = way.make();
    const transport = way.transport();
    await client.connect(transport);
    try {
      await work(client, transport);
    } finally {
      await client.close();
    }
  };

  test(`${name}: agrees on ${way.version}, and lists what there is`, async () => {
    await connected(async (client, transport) => {
      if (!way.old) assert.equal(client.getNegotiatedProtocolVersion(), way.version);
      assert.equal(client.getServerVersion().name, 'conformance-fixture');
      assert.equal(client.getInstructions(), 'A server for conformance tests.');
      const { tools } = await client.listTools();
      assert.ok(tools.find((tool) => tool.name === 'test_simple_text'));
      const { resources } = await client.listResources();
      assert.equal(resources.length, 3);
      const { resourceTemplates } = await client.listResourceTemplates();
      assert.equal(resourceTemplates[0].uriTemplate, 'test://template/{id}/data');
      const { prompts } = await client.listPrompts();
      assert.ok(prompts.length >= 5);
      if (transport.terminateSession && !modern) await transport.terminateSession();
    });
  });

  test(`${name}: calls tools, reads resources, gets prompts`, async () => {
    await connected(async (client) => {
      assert.equal(
        text(await client.callTool({ name: 'test_simple_text' })),
        'This is a simple text response for testing.',
      );
      assert.equal((await client.callTool({ name: 'test_error_handling' })).isError, true);
      const mixed = await client.callTool({ name: 'test_multiple_content_types' });
      assert.deepEqual(
        mixed.content.map((block) => block.type),
        ['text', 'image', 'resource'],
      );
      const read = await client.readResource({ uri: 'test://template/7/data' });
      assert.equal(JSON.parse(read.contents[0].text).id, '7');
      await assert.rejects(client.readResource({ uri: 'test://nothing' }), (error) => error.code === -32602);
      await assert.rejects(client.callTool({ name: 'nothing' }), (error) => error.code === -32602);
      const prompt = await client.getPrompt({
        name: 'test_prompt_with_arguments',
        arguments: { arg1: 'hello', arg2: 'world' },
      });
      assert.equal(prompt.messages[0].content.text, "Prompt with arguments: arg1='hello', arg2='world'");
      const completed = await client.complete({
        ref: { type: 'ref/prompt', name: 'test_prompt_with_arguments' },
        argument: { name: 'arg1', value: 'par' },
      });
      assert.deepEqual(completed.completion.values, ['paris', 'park', 'party']);
    });
  });

  test(`${name}: mirrors arguments in fields where it should`, async () => {
    await connected(async (client) => {
      await client.listTools();
      const got = await client.callTool({ name: 'test_x_mcp_header', arguments: { region: 'eu ☃' } });
      assert.equal(text(got), 'region: eu ☃');
    });
  });

  test(`${name}: is told of progress`, async () => {
    await connected(async (client) => {
      const seen = [];
      const options = { onprogress: (progress) => seen.push(progress.progress) };
      const call = { name: 'test_tool_with_progress' };
      const got = way.old ? await client.callTool(call, undefined, options) : await client.callTool(call, options);
      assert.equal(text(got), 'with progress');
      assert.deepEqual(seen, [0, 50, 100]);
    });
  });

  test(`${name}: answers what a tool asks`, async () => {
    await connected(async (client) => {
      assert.equal(
        text(await client.callTool({ name: 'test_sampling', arguments: { prompt: 'hi' } })),
        'LLM response: you said: hi',
      );
      assert.match(
        text(await client.callTool({ name: 'test_elicitation', arguments: { message: 'Who?' } })),
        /action=accept.*ada@example\.com/,
      );
      assert.equal(
        text(await client.callTool({ name: 'test_input_required_result_multiple_inputs' })),
        'you said: Generate a greeting Ada, file:///home/ada',
      );
      assert.match(text(await client.callTool({ name: 'test_input_required_result_multi_round' })), /^Ada likes/);
    });
  });

  test(`${name}: cancels a call`, async () => {
    await connected(async (client) => {
      const leaving = new AbortController();
      const options = { signal: leaving.signal, onprogress: () => leaving.abort('enough') };
      const call = { name: 'test_slow' };
      const begun = Date.now();
      await assert.rejects(way.old ? client.callTool(call, undefined, options) : client.callTool(call, options));
      assert.ok(Date.now() - begun < 5_000);
      assert.ok(text(await client.callTool({ name: 'test_simple_text' })));
    });
  });

  test(`${name}: hears of changes`, async () => {
    await connected(async (client) => {
      const heard = [];
      if (way.old) {
        client.setNotificationHandler(ToolListChangedNotificationSchema, () => heard.push('tools'));
        client.setNotificationHandler(ResourceUpdatedNotificationSchema, (one) => heard.push(one.params.uri));
        client.setNotificationHandler(LoggingMessageNotificationSchema, (one) => heard.push(one.params.data));
      } else {
        client.setNotificationHandler('notifications/tools/list_changed', () => heard.push('tools'));
        client.setNotificationHandler('notifications/resources/updated', (one) => heard.push(one.params.uri));
        client.setNotificationHandler('notifications/message', (one) => heard.push(one.params.data));
      }
      const uri = 'test://watched-resource';
      let subscription;
      if (modern) subscription = await client.listen({ toolsListChanged: true, resourceSubscriptions: [uri] });
      else await client.subscribeResource({ uri });
      if (!modern) await client.callTool({ name: 'test_tool_with_logging' });
      // The standing stream of a session opens when its client gets to it.
      for (let i = 0; i !== 100 && !(heard.includes('tools') && heard.includes(uri)); ++i) {
        await client.callTool({ name: 'test_trigger_tool_change' });
        await client.callTool({ name: 'test_trigger_resource_change' });
        await new Promise((resolve) => setTimeout(resolve, 20));
      }
      assert.ok(heard.includes('tools') && heard.includes(uri), JSON.stringify(heard));
      if (!modern) assert.ok(heard.includes('Tool execution completed'), JSON.stringify(heard));
      await subscription?.close();
    });
  });
}

// Every message that the server sends, in a conversation that makes it send one of each kind, against the schema of its
// revision; and the examples of the specification as requests. The schemas are data of the specification, beside this
// repository.
import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { readdir, readFile } from 'node:fs/promises';
import path from 'node:path';
import { after, before, test } from 'node:test';

import { Ajv } from 'ajv';
import { Ajv2020 } from 'ajv/dist/2020.js';
import addFormats from 'ajv-formats';

import { startFixture } from './fixture.mjs';

const data = path.join(process.env.MCP_PROVIDER_TESTS, '..', '..', 'shared', 'data', 'mcp-schema');
const absent = existsSync(data) ? false : `the schemas of the specification are not at ${data}`;
if (absent) console.error(`SKIPPED: ${absent}`);

let fixture;
before(async () => (fixture = await startFixture()));
after(() => fixture.stop());

/** A check of a value against a type of a revision. */
async function checker(version) {
  const schema = JSON.parse(await readFile(path.join(data, version, 'schema.json'), 'utf8'));
  const holder = schema.$defs ? '$defs' : 'definitions';
  const ajv = schema.$defs ? new Ajv2020({ strict: false, allErrors: true }) : new Ajv({ strict: false, allErrors: true });
  (addFormats.default ?? addFormats)(ajv);
  ajv.addSchema(schema, 'mcp');
  const known = schema[holder];
  return (type, value) => {
    assert.ok(known[type], `${version} has no type ${type}`);
    const check = ajv.getSchema(`mcp#/${holder}/${type}`);
    assert.ok(check(value), `${version} ${type}: ${JSON.stringify(value)}\n${JSON.stringify(check.errors, null, 1)}`);
  };
}

const headers = { 'Content-Type': 'application/json', Accept: 'application/json, text/event-stream' };

/** Sends one message and calls back for each that comes; returns the last one. */
async function send(message, fields, onMessage = () => {}) {
  const response = await fetch(fixture.url, {
    method: 'POST',
    headers: { ...headers, ...fields },
    body: JSON.stringify(message),
  });
  const body = await response.text().then((all) => all, () => '');
  assert.ok(body || response.status === 202, `${response.status} without a body`);
  if (!body) return { response };
  const messages = response.headers.get('content-type').startsWith('text/event-stream')
    ? body.split('\n').filter((line) => line.startsWith('data: {')).map((line) => JSON.parse(line.slice(6)))
    : [JSON.parse(body)];
  for (const one of messages) await onMessage(one);
  return { response, last: messages.at(-1) };
}

/** As `send`, but answers requests of the server while its stream is open. */
async function converse(message, fields, onMessage) {
  const response = await fetch(fixture.url, { method: 'POST', headers: { ...headers, ...fields }, body: JSON.stringify(message) });
  let pending = '';
  let last;
  for await (const piece of response.body.pipeThrough(new TextDecoderStream())) {
    pending += piece;
    const lines = pending.split('\n');
    pending = lines.pop();
    for (const line of lines)
      if (line.startsWith('data: {')) {
        last = JSON.parse(line.slice(6));
        await onMessage(last);
      }
  }
  return last ?? JSON.parse(pending);
}

const requestsOf = {
  'tools/list': ['ListToolsResult', {}],
  'resources/list': ['ListResourcesResult', {}],
  'resources/templates/list': ['ListResourceTemplatesResult', {}],
  'prompts/list': ['ListPromptsResult', {}],
  'resources/read': ['ReadResourceResult', { uri: 'test://static-binary' }],
  'prompts/get': ['GetPromptResult', { name: 'test_prompt_with_embedded_resource', arguments: { resourceUri: 'test://x' } }],
  'completion/complete': [
    'CompleteResult',
    { ref: { type: 'ref/prompt', name: 'test_prompt_with_arguments' }, argument: { name: 'arg1', value: 'p' } },
  ],
};
const tools = [
  'test_simple_text',
  'test_image_content',
  'test_audio_content',
  'test_embedded_resource',
  'test_multiple_content_types',
  'test_error_handling',
  'test_tool_with_logging',
  'test_tool_with_progress',
];
const errorType = (version) => (version < '2025-11-25' ? 'JSONRPCError' : 'JSONRPCErrorResponse');
const notificationType = { 'notifications/progress': 'ProgressNotification', 'notifications/message': 'LoggingMessageNotification' };

for (const version of ['2025-06-18', '2025-11-25'])
  test(`what the server sends in ${version} is what its schema allows`, { skip: absent }, async () => {
    const check = await checker(version);
    const { response, last } = await send(
      {
        jsonrpc: '2.0',
        id: 0,
        method: 'initialize',
        params: {
          protocolVersion: version,
          capabilities: { sampling: {}, elicitation: {}, roots: {} },
          clientInfo: { name: 'schema-test', version: '1' },
        },
      },
      {},
    );
    check('InitializeResult', last.result);
    const fields = { 'Mcp-Session-Id': response.headers.get('mcp-session-id'), 'MCP-Protocol-Version': version };
    let id = 0;
    const ask = async (method, params) => (await send({ jsonrpc: '2.0', id: ++id, method, params }, fields)).last;
    for (const [method, [type, params]] of Object.entries(requestsOf)) {
      const answer = await ask(method, params);
      check('JSONRPCMessage', answer);
      check(type, answer.result);
    }
    for (const name of tools) {
      const answer = await converse(
        { jsonrpc: '2.0', id: ++id, method: 'tools/call', params: { name, arguments: {}, _meta: { progressToken: id } } },
        fields,
        (message) => {
          check('JSONRPCMessage', message);
          if (message.method) check(notificationType[message.method], message);
        },
      );
      check('CallToolResult', answer.result);
    }
    for (const [name, type, result] of [
      ['test_sampling', 'CreateMessageRequest', { role: 'assistant', model: 'm', content: { type: 'text', text: 'x' } }],
      ['test_elicitation', 'ElicitRequest', { action: 'decline' }],
      ['test_elicitation_sep1034_defaults', 'ElicitRequest', { action: 'cancel' }],
      ...(version === '2025-11-25' ? [['test_elicitation_sep1330_enums', 'ElicitRequest', { action: 'decline' }]] : []),
      ['test_input_required_result_list_roots', 'ListRootsRequest', { roots: [] }],
    ]) {
      const params = { name, arguments: { prompt: 'x', message: 'x' } };
      await converse({ jsonrpc: '2.0', id: ++id, method: 'tools/call', params }, fields, async (message) => {
        check('JSONRPCMessage', message);
        if (!message.method) return;
        check(type, message);
        await send({ jsonrpc: '2.0', id: message.id, result }, fields);
      });
    }
    for (const [method, params] of [
      ['nothing', {}],
      ['tools/call', { name: 'nothing' }],
      ['resources/read', { uri: 'test://nothing' }],
    ])
      check(errorType(version), await ask(method, params));
  });

const envelope = (more = {}) => ({
  'io.modelcontextprotocol/protocolVersion': '2026-07-28',
  'io.modelcontextprotocol/clientInfo': { name: 'schema-test', version: '1' },
  'io.modelcontextprotocol/clientCapabilities': { sampling: {}, elicitation: { form: {} }, roots: {} },
  ...more,
});
const modernFields = (method, params) => ({
  'MCP-Protocol-Version': '2026-07-28',
  'Mcp-Method': method,
  ...(params.name ?? params.uri ? { 'Mcp-Name': params.name ?? params.uri } : {}),
});

test('what the server sends in 2026-07-28 is what its schema allows', { skip: absent }, async () => {
  const check = await checker('2026-07-28');
  let id = 0;
  const ask = async (method, params, onMessage, meta) =>
    (
      await send(
        { jsonrpc: '2.0', id: ++id, method, params: { ...params, _meta: envelope(meta) } },
        modernFields(method, params),
        onMessage,
      )
    ).last;
  for (const [method, [type, params]] of Object.entries({ ...requestsOf, 'server/discover': ['DiscoverResult', {}] })) {
    const answer = await ask(method, params);
    check('JSONRPCMessage', answer);
    check(type, answer.result);
  }
  for (const name of tools) {
    const onMessage = (message) => {
      check('JSONRPCMessage', message);
      if (message.method) check(notificationType[message.method], message);
    };
    const meta = { progressToken: 'p', 'io.modelcontextprotocol/logLevel': 'debug' };
    check('CallToolResult', (await ask('tools/call', { name }, onMessage, meta)).result);
  }
  for (const name of ['elicitation', 'sampling', 'list_roots', 'multiple_inputs', 'multi_round']) {
    const answer = await ask('tools/call', { name: `test_input_required_result_${name}` });
    check('JSONRPCMessage', answer);
    check('InputRequiredResult', answer.result);
  }
  for (const [method, params, type] of [
    ['nothing', {}, 'MethodNotFoundError'],
    ['tools/call', { name: 'nothing' }, 'InvalidParamsError'],
    ['resources/read', { uri: 'test://nothing' }, 'InvalidParamsError'],
  ]) {
    const answer = await ask(method, params);
    check('JSONRPCErrorResponse', answer);
    check(type, answer.error);
  }
  const listening = new AbortController();
  const message = {
    jsonrpc: '2.0',
    id: 'listen',
    method: 'subscriptions/listen',
    params: { notifications: { toolsListChanged: true, resourceSubscriptions: ['test://watched-resource'] }, _meta: envelope() },
  };
  const response = await fetch(fixture.url, {
    method: 'POST',
    headers: { ...headers, ...modernFields('subscriptions/listen', {}) },
    body: JSON.stringify(message),
    signal: listening.signal,
  });
  const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
  const types = ['SubscriptionsAcknowledgedNotification', 'ToolListChangedNotification', 'ResourceUpdatedNotification'];
  let text = (await reader.read()).value;
  await ask('tools/call', { name: 'test_trigger_tool_change' });
  await ask('tools/call', { name: 'test_trigger_resource_change' });
  while (text.split('\n\n').length <= types.length) text += (await reader.read()).value;
  listening.abort();
  const seen = text.split('\n\n').filter(Boolean).map((event) => JSON.parse(event.slice(6)));
  types.forEach((type, i) => check(type, seen[i]));
});

test('each example request of the specification is understood', { skip: absent }, async () => {
  const folder = path.join(data, '2026-07-28', 'examples');
  const check = await checker('2026-07-28');
  let asked = 0;
  for (const type of (await readdir(folder)).filter((name) => name.endsWith('Request')))
    for (const file of await readdir(path.join(folder, type))) {
      const example = JSON.parse(await readFile(path.join(folder, type, file), 'utf8'));
      if (example.id === undefined || /^(sampling|elicitation|roots)\//.test(example.method)) continue;
      if (example.method === 'subscriptions/listen') continue; // its stream has no end
      const fields = modernFields(example.method, example.params);
      const { last } = await send(example, fields);
      check('JSONRPCMessage', last);
      assert.equal(last.id, example.id);
      // What it names is not here; that is all that may be wrong with it.
      assert.ok(last.result ?? last.error.code === -32602, `${type}/${file}: ${JSON.stringify(last)}`);
      ++asked;
    }
  assert.ok(asked >= 8, `${asked} requests`);
});

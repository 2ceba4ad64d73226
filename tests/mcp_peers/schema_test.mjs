// What our client sends, in three revisions, against the JSON Schemas of the specification. They are data of the project's
// surroundings and not part of it; without them nothing is checked, and that is said.
import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { test } from 'node:test';

import Ajv from 'ajv';
import Ajv2020 from 'ajv/dist/2020.js';

import { converse, inFolder, inPackage } from './speaker.mjs';

const schemas = path.join(process.env.MCP_PROVIDER_TESTS ?? '..', '..', '..', 'shared', 'data', 'mcp-schema');
const everything = inPackage('@modelcontextprotocol', 'server-everything', 'dist', 'index.js');
const listen = { do: 'listen', params: { toolsListChanged: true, resourceSubscriptions: ['test://note'] }, time: 100 };
const common = [
  { do: 'ping' },
  { do: 'level', level: 'debug' },
  { do: 'tools' },
  { do: 'resources' },
  { do: 'templates' },
  { do: 'prompts' },
  { do: 'call', name: 'none', params: { a: [1, 2.5, 'x', null, true] } },
  { do: 'request', method: 'resources/read', params: { uri: 'test://note' } },
  { do: 'request', method: 'prompts/get', params: { name: 'greet', arguments: { a: 'b' } } },
  {
    do: 'request',
    method: 'completion/complete',
    params: { ref: { type: 'ref/resource', uri: 'test://{a}' }, argument: { name: 'a', value: 'v' }, context: { arguments: { b: 'c' } } },
  },
];
const legacy = [
  ...common,
  { do: 'wait', time: 500 },
  { do: 'call', name: 'trigger-sampling-request', params: { prompt: 'p' } },
  { do: 'call', name: 'trigger-elicitation-request' },
  { do: 'call', name: 'get-roots-list' },
  { do: 'call', name: 'trigger-long-running-operation', params: { duration: 5, steps: 1 }, time: 100 },
  { do: 'request', method: 'resources/subscribe', params: { uri: 'test://note' } },
  { do: 'request', method: 'resources/unsubscribe', params: { uri: 'test://note' } },
];
const conversations = {
  '2026-07-28': [[process.execPath, inFolder('sdk_server.mjs'), 'stdio'], [...common, { do: 'call', name: 'ask' }, { do: 'call', name: 'forever', time: 100 }, listen]],
  '2025-11-25': [[process.execPath, everything, 'stdio'], legacy],
  '2025-06-18': [[process.execPath, everything, 'stdio'], legacy],
};

for (const [revision, [server, orders]] of Object.entries(conversations)) {
  const file = path.join(schemas, revision, 'schema.json');
  const skip = !existsSync(file) && `NO SCHEMA: ${file} is missing, and what we send in ${revision} was not checked`;
  test(`what we send is as the schema of ${revision} says`, { skip }, async () => {
    const folder = await mkdtemp(path.join(tmpdir(), 'tap-'));
    try {
      const sent = path.join(folder, 'sent');
      await converse([process.execPath, inFolder('tap.mjs'), sent, ...server], orders, { SPEAKER_REVISION: revision });
      const schema = JSON.parse(await readFile(file, 'utf8'));
      const root = '$defs' in schema ? '$defs' : 'definitions';
      const Dialect = root === '$defs' ? Ajv2020 : Ajv;
      const ajv = new Dialect({ strict: false, validateFormats: false, allErrors: true });
      ajv.addSchema(schema, 'mcp');
      const check = (name, message) => {
        const isValid = ajv.getSchema(`mcp#/${root}/${name}`);
        assert.ok(isValid(message), `${name}: ${JSON.stringify(message)}\n${JSON.stringify(isValid.errors?.slice(0, 8))}`);
      };
      const messages = (await readFile(sent, 'utf8')).trim().split('\n').map((line) => JSON.parse(line));
      const kinds = new Set();
      for (const message of messages) {
        check('JSONRPCMessage', message);
        kinds.add(message.method ?? ('result' in message ? 'a result' : 'an error'));
        if ('method' in message) check('id' in message ? 'ClientRequest' : 'ClientNotification', message);
        else if ('result' in message) check('ClientResult', message.result);
      }
      assert.ok(messages.length >= orders.length - 1, `${messages.length} messages`);
      const expected = ['tools/call', 'notifications/cancelled', ...(revision < '2026' ? ['a result', 'initialize'] : ['subscriptions/listen'])];
      for (const kind of expected) assert.ok(kinds.has(kind), `no ${kind} among ${[...kinds]}`);
    } finally {
      await rm(folder, { recursive: true, force: true });
    }
  });
}

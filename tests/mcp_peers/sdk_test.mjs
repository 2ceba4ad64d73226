// A server of the TypeScript SDK v2, over stdio and HTTP, in the modern era and in the legacy one.
import assert from 'node:assert/strict';
import { test } from 'node:test';

import { converse, inFolder, startServer } from './speaker.mjs';

const sdk = inFolder('sdk_server.mjs');
const start = (t, mode) => startServer(t, process.execPath, [sdk, mode], {}, (said) => /http:\S+/.exec(said)?.[0]);
const text = ({ last }) => last.result?.content[0].text ?? last.error;

const orders = [
  { do: 'tools' },
  { do: 'call', name: 'echo', params: { text: 'hi ☃' } },
  { do: 'call', name: 'héllo', params: { region: 'eu ☃' } },
  { do: 'call', name: 'slow', params: { steps: 3 } },
  { do: 'call', name: 'fail' },
  { do: 'call', name: 'none' },
  { do: 'call', name: 'forever', time: 200 },
  { do: 'resources' },
  { do: 'request', method: 'resources/read', params: { uri: 'test://note' } },
  { do: 'prompts' },
  { do: 'request', method: 'prompts/get', params: { name: 'greet' } },
  { do: 'ping' },
  { do: 'request', method: 'no/such' },
];

function check(turns, revision) {
  const [hello, tools, echo, hello2, slow, failed, none, forever, resources, read, prompts, got, ping, unknown, bye] = turns;
  assert.equal(hello.last.revision, revision);
  assert.equal(hello.last.server, 'sdk-v2');
  assert.equal(tools.last.result.length, 6);
  assert.equal(text(echo), 'hi ☃');
  assert.equal(text(hello2), 'eu ☃!');
  assert.equal(text(slow), 'done');
  assert.deepEqual(slow.all.slice(0, -1).map(({ message }) => message), ['step 1', 'step 2', 'step 3']);
  assert.equal(failed.last.result.isError, true);
  assert.match(JSON.stringify(none.last), /none/);
  assert.ok(forever.last.error);
  assert.equal(resources.last.result[0].uri, 'test://note');
  assert.equal(read.last.result.contents[0].text, 'noted');
  assert.equal(prompts.last.result[0].name, 'greet');
  assert.equal(got.last.result.messages[0].content.text, 'Hello');
  assert.deepEqual(ping.last.result, {});
  assert.equal(unknown.last.reason, 'method_not_found');
  assert.equal(bye.last.strays, 0);
}

for (const mode of ['modern', 'dual'])
  test(`a ${mode} server over HTTP is spoken with in the modern era`, async (t) => {
    const { url, said } = await start(t, mode);
    check(await converse([url], orders), '2026-07-28');
    assert.match(said(), /^aborted$/m); // closing the stream cancels
  });

test('a dual server over HTTP is spoken with in the legacy era where we want that', async (t) => {
  const { url } = await start(t, 'dual');
  check(await converse([url], orders, { SPEAKER_REVISION: '2025-06-18' }), '2025-06-18');
});

for (const [wanted, revision] of [['', '2026-07-28'], ['2025-11-25', '2025-11-25']])
  test(`a server over stdio is spoken with in ${revision}`, async () => {
    const environment = wanted ? { SPEAKER_REVISION: wanted } : {};
    check(await converse([process.execPath, sdk, 'stdio'], orders, environment), revision);
  });

test('a modern server asks for what it needs within its results', async (t) => {
  const { url } = await start(t, 'modern');
  for (const server of [[url], [process.execPath, sdk, 'stdio']]) {
    const [, asked] = await converse(server, [{ do: 'call', name: 'ask' }]);
    assert.equal(text(asked), 'Ada, file:///srv/speaker, a sample');
    assert.deepEqual(asked.all.slice(0, -1).map((said) => said.asked), ['elicitation', 'sampling']);
  }
});

test('a modern server refuses a client of the legacy era, and we say so', async (t) => {
  const { url } = await start(t, 'modern');
  await assert.rejects(converse([url], [], { SPEAKER_REVISION: '2025-11-25' }), /-32022|revision|version/i);
});

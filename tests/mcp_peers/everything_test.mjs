// @modelcontextprotocol/server-everything, over stdio and HTTP: a server of the legacy era that uses all of it.
import assert from 'node:assert/strict';
import { createServer } from 'node:net';
import { test } from 'node:test';

import { converse, inPackage, startServer } from './speaker.mjs';

const everything = inPackage('@modelcontextprotocol', 'server-everything', 'dist', 'index.js');
const text = ({ last }) => last.result?.content[0].text ?? last.error;

const freePort = () =>
  new Promise((resolve) => {
    const server = createServer().listen(0, '127.0.0.1', () => {
      const { port } = server.address();
      server.close(() => resolve(port));
    });
  });

const dynamic = 'demo://resource/dynamic/text/1';
const orders = [
  { do: 'ping' },
  { do: 'level', level: 'debug' },
  { do: 'wait', time: 500 }, // it asks for the roots a moment after the handshake, and then has more tools
  { do: 'tools' },
  { do: 'call', name: 'echo', params: { message: 'hi' } },
  { do: 'call', name: 'get-sum', params: { a: 2, b: 3.5 } },
  { do: 'call', name: 'get-structured-content', params: { location: 'Chicago' } },
  { do: 'call', name: 'get-tiny-image' },
  { do: 'call', name: 'trigger-long-running-operation', params: { duration: 0.3, steps: 3 } },
  { do: 'call', name: 'trigger-long-running-operation', params: { duration: 9, steps: 1 }, time: 200 },
  { do: 'call', name: 'trigger-sampling-request', params: { prompt: 'say something', maxTokens: 10 } },
  { do: 'call', name: 'trigger-elicitation-request' },
  { do: 'call', name: 'get-roots-list' },
  { do: 'call', name: 'no-such-tool' },
  { do: 'resources' },
  { do: 'templates' },
  { do: 'request', method: 'resources/read', params: { uri: dynamic } },
  { do: 'request', method: 'resources/subscribe', params: { uri: dynamic } },
  { do: 'request', method: 'resources/unsubscribe', params: { uri: dynamic } },
  { do: 'prompts' },
  { do: 'request', method: 'prompts/get', params: { name: 'args-prompt', arguments: { city: 'Ulm' } } },
  {
    do: 'request',
    method: 'completion/complete',
    params: { ref: { type: 'ref/prompt', name: 'completable-prompt' }, argument: { name: 'department', value: 'E' } },
  },
];

function check(turns) {
  const [hello, ping, level, , tools, echo, sum, structured, image, long, tooLong, sampled, filledIn, roots, none] = turns;
  const [resources, templates, read, subscribed, unsubscribed, prompts, prompt, completion] = turns.slice(15);
  assert.equal(hello.last.revision, '2025-11-25');
  assert.deepEqual([ping.last.result, level.last.result], [{}, {}]);
  const names = tools.last.result.map(({ name }) => name);
  for (const name of ['echo', 'trigger-sampling-request', 'trigger-elicitation-request', 'get-roots-list'])
    assert.ok(names.includes(name), `${name} is missing among ${names}`); // those that need our capabilities
  assert.equal(text(echo), 'Echo: hi');
  assert.match(text(sum), /5\.5/);
  assert.ok('temperature' in structured.last.result.structuredContent);
  assert.ok(image.last.result.content.some(({ type }) => type === 'image'));
  assert.match(text(long), /completed/i);
  assert.equal(long.all.filter((said) => 'progress' in said).length, 3);
  assert.ok(tooLong.last.error);
  assert.match(JSON.stringify(sampled.last), /a sample/);
  assert.ok(sampled.all.some((said) => said.asked === 'sampling'));
  assert.match(JSON.stringify(filledIn.last), /Ada/);
  assert.match(JSON.stringify(roots.last), /srv\/speaker/);
  assert.match(JSON.stringify(none.last), /no-such-tool/);
  assert.ok(resources.last.result.length >= 5);
  assert.equal(templates.last.result.length, 2);
  assert.equal(read.last.result.contents[0].uri, dynamic);
  assert.ok(subscribed.last.result && unsubscribed.last.result);
  assert.ok(prompts.last.result.length >= 3);
  assert.match(JSON.stringify(prompt.last), /Ulm/);
  assert.ok(completion.last.result.completion.values.includes('Engineering'));
}

test('server-everything over stdio', async () => {
  check(await converse([process.execPath, everything, 'stdio'], orders));
});

test('server-everything over HTTP, with its session and its streams', async (t) => {
  const port = await freePort();
  const isUp = (said) => said.includes(String(port)) && `http://127.0.0.1:${port}/mcp`;
  const { url } = await startServer(t, process.execPath, [everything, 'streamableHttp'], { PORT: String(port) }, isUp);
  check(await converse([url], orders));
});

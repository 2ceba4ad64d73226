// Our own server, the fixture of tests/conformance, over stdio and HTTP, in both eras.
import assert from 'node:assert/strict';
import { test } from 'node:test';

import { converse, startServer } from './speaker.mjs';

const fixture = process.env.PEERS_FIXTURE;
const text = ({ last }) => last.result?.content[0].text ?? last.error;

const common = [
  { do: 'tools' },
  { do: 'call', name: 'test_simple_text' },
  { do: 'call', name: 'test_error_handling' },
  { do: 'call', name: 'test_tool_with_progress' },
  { do: 'call', name: 'test_image_content' },
  { do: 'resources' },
  { do: 'templates' },
  { do: 'request', method: 'resources/read', params: { uri: 'test://template/7/data' } },
  { do: 'prompts' },
  { do: 'request', method: 'prompts/get', params: { name: 'test_prompt_with_arguments', arguments: { arg1: 'hello', arg2: 'world' } } },
  { do: 'ping' },
  { do: 'call', name: 'no_such_tool' },
];
const legacy = [
  { do: 'call', name: 'test_tool_with_logging' },
  { do: 'call', name: 'test_sampling', params: { prompt: 'hi' } },
  { do: 'call', name: 'test_elicitation_sep1034_defaults' },
  { do: 'request', method: 'resources/subscribe', params: { uri: 'test://watched-resource' } },
];
const modern = [
  { do: 'call', name: 'test_input_required_result_elicitation' },
  { do: 'call', name: 'test_input_required_result_request_state' },
  { do: 'call', name: 'test_input_required_result_multi_round' },
  { do: 'call', name: 'test_x_mcp_header', params: { region: 'eu ☃' } },
];

function check(turns, revision) {
  const [hello, tools, simple, failing, progressing, image, resources, templates, read, prompts, prompt, ping, unknown] = turns;
  assert.equal(hello.last.revision, revision);
  assert.ok(tools.last.result.length > 10);
  assert.equal(text(simple), 'This is a simple text response for testing.');
  assert.equal(failing.last.result.isError, true);
  assert.deepEqual(progressing.all.slice(0, -1).map(({ progress }) => progress), [0, 50, 100]);
  assert.equal(image.last.result.content[0].type, 'image');
  assert.ok(resources.last.result.length >= 2 && templates.last.result.length >= 1);
  assert.match(read.last.result.contents[0].text, /7/);
  assert.ok(prompts.last.result.length >= 4);
  assert.match(prompt.last.result.messages[0].content.text, /arg1='hello', arg2='world'/);
  assert.deepEqual(ping.last.result, {});
  assert.match(JSON.stringify(unknown.last), /no_such_tool/);
  const [first, second, third, fourth] = turns.slice(13);
  if (revision < '2026') {
    assert.equal(first.all.filter(({ notified }) => notified === 'notifications/message').length, 3);
    assert.match(text(second), /a sample/);
    assert.match(text(third), /John Doe|Ada/);
    assert.deepEqual(fourth.last.result, {});
  } else {
    assert.match(text(first), /Ada/);
    assert.match(text(second), /state-ok/);
    assert.ok(third.last.result.content);
    assert.ok(fourth.last.result.content, fourth.last.error);
  }
}

for (const [only, revision] of [['', '2026-07-28'], ['2025-11-25', '2025-11-25'], ['2025-03-26', '2025-03-26']]) {
  const orders = [...common, ...(revision < '2026' ? legacy : modern)];
  const environment = only ? { SPEAKER_REVISION: only } : {};
  test(`our own server over stdio, in ${revision}`, async () => {
    check(await converse([fixture, 'stdio'], orders, environment), revision);
  });
  test(`our own server over HTTP, in ${revision}`, async (t) => {
    const portOf = (said) => /^(\d+)$/m.exec(said)?.[1];
    const { url } = await startServer(t, fixture, ['http'], {}, (said) => portOf(said) && `http://127.0.0.1:${portOf(said)}/mcp`);
    check(await converse([url], orders, environment), revision);
  });
}

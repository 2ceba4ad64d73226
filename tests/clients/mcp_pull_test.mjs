// AGENT=mcp-pull: MCP hosts fetch the prompts of an OpenAI client and answer them.
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';

import { adapters, client, collected } from './adapters.mjs';
import { connect, hosts } from './hosts.mjs';

const { url, bridge, token } = adapters.pull;
const { default: OpenAI, skip } = await client('openai');
const openai = skip ? null : new OpenAI({ baseURL: `${url}/v1`, apiKey: token, maxRetries: 0 });
const messages = [
  { role: 'system', content: 'be kind' },
  { role: 'user', content: 'hello' },
];
const ask = (more, options) => openai.chat.completions.create({ model: 'agent', messages, ...more }, options);

for (const kind of hosts)
  describe(`mcp-pull, ${kind.way}`, { skip: kind.skip }, () => {
    let host;
    before(async () => {
      host = await connect(kind, bridge);
    });
    after(() => host?.close());

    test('offers its four tools and the prompt that starts the loop', async () => {
      const { tools } = await host.one.listTools();
      assert.deepEqual(tools.map((one) => one.name).sort(), [
        'append_response',
        'fail_prompt',
        'get_next_prompt',
        'submit_response',
      ]);
      assert.match(host.one.getInstructions(), /get_next_prompt/);
      const { messages: loop } = await host.one.getPrompt({ name: 'answer_prompts' });
      assert.match(loop[0].content.text, /get_next_prompt/);
    });

    test('says that there is no prompt yet', async () => {
      assert.deepEqual(await host.tool('get_next_prompt', { wait_seconds: 0 }), { status: 'none' });
      const begun = Date.now();
      assert.deepEqual(await host.tool('get_next_prompt', { wait_seconds: 0.5 }), { status: 'none' });
      assert.ok(Date.now() - begun >= 450);
    });

    test('gives a waiting host a prompt, whose pieces reach the client at once', async () => {
      const waiting = host.tool('get_next_prompt', { wait_seconds: 10 });
      const stream = await ask({ stream: true });
      const given = await waiting;
      assert.equal(given.status, 'prompt');
      assert.equal(given.system, 'be kind');
      assert.deepEqual(given.messages, [{ role: 'user', content: 'hello' }]);
      assert.equal(given.model, 'agent:latest');
      assert.ok(given.deadline_seconds > 0);

      const { request_id } = given;
      assert.deepEqual(await host.tool('append_response', { request_id, text: 'Hel' }), { status: 'accepted' });
      const chunks = stream[Symbol.asyncIterator]();
      let text = '';
      while (!text) text += (await chunks.next()).value.choices[0].delta.content ?? '';
      assert.equal(text, 'Hel'); // before the answer is finished
      assert.deepEqual(await host.tool('submit_response', { request_id, text: 'lo', finish_reason: 'length' }), {
        status: 'accepted',
      });
      let reason;
      for (let next = await chunks.next(); !next.done; next = await chunks.next()) {
        text += next.value.choices[0].delta.content ?? '';
        reason = next.value.choices[0].finish_reason ?? reason;
      }
      assert.equal(text, 'Hello');
      assert.equal(reason, 'length');

      assert.match((await host.tool('submit_response', { request_id, text: 'x' })).error, /^answered/);
      assert.match((await host.tool('append_response', { request_id: 'prompt_x', text: 'x' })).error, /^unknown/);
    });

    test('answers a client that does not stream, and says what it overlooked', async () => {
      const waiting = ask({ temperature: 1 }).withResponse();
      const { request_id } = await host.tool('get_next_prompt');
      await host.tool('submit_response', { request_id, text: 'whole' });
      const { data, response } = await waiting;
      assert.equal(data.choices[0].message.content, 'whole');
      assert.equal(data.choices[0].finish_reason, 'stop');
      assert.equal(response.headers.get('x-ignored-parameters'), 'temperature');
    });

    test('brings a failure to the client, with its reason', async () => {
      const failing = assert.rejects(ask(), { status: 502, message: /could not answer: I may not/ });
      const { request_id } = await host.tool('get_next_prompt');
      await host.tool('fail_prompt', { request_id, reason: 'I may not' });
      await failing;
    });

    test('tells a host that its client has left', async () => {
      const leaver = new AbortController();
      const leaving = assert.rejects(ask({}, { signal: leaver.signal }));
      const { request_id } = await host.tool('get_next_prompt');
      leaver.abort();
      await leaving;
      for (let said = {}, i = 0; !/^cancelled/.test(said.error); ++i) {
        assert.ok(i < 100, `still ${JSON.stringify(said)}`);
        await new Promise((resolve) => setTimeout(resolve, 20));
        said = await host.tool('append_response', { request_id, text: 'x' });
        if (said.status) continue;
        assert.match(said.error, /^cancelled/);
        break;
      }
    });

    test('gives a prompt whose host has died to the next one, and takes one answer', async () => {
      const first = await connect(kind, bridge);
      const answer = ask();
      const { request_id: lost } = await first.tool('get_next_prompt');
      await first.close();
      const { request_id } = await host.tool('get_next_prompt'); // a lease lasts a second here
      assert.notEqual(request_id, lost);
      await host.tool('submit_response', { request_id, text: 'second' });
      assert.equal((await answer).choices[0].message.content, 'second');
      assert.match((await host.tool('submit_response', { request_id: lost, text: 'first' })).error, /^answered/);
    });

    test('a host that dies while it waits takes no prompt along', async () => {
      const dying = await connect(kind, bridge);
      const waiting = dying.tool('get_next_prompt', { wait_seconds: 50 }).catch(() => {});
      await new Promise((resolve) => setTimeout(resolve, 1200));
      await dying.close();
      await waiting;
      const begun = Date.now();
      const answer = ask();
      const { request_id } = await host.tool('get_next_prompt');
      await host.tool('submit_response', { request_id, text: 'alive' });
      assert.equal((await answer).choices[0].message.content, 'alive');
      assert.ok(Date.now() - begun < 800, 'the prompt went to the dead host first');
    });

    test('says every five seconds that it still waits', { timeout: 20_000 }, async () => {
      const told = [];
      const result = await host.tool('get_next_prompt', { wait_seconds: 6 }, { onprogress: (one) => told.push(one) });
      assert.equal(result.status, 'none');
      assert.equal(told.length, 1);
      assert.match(told[0].message, /waiting/);
    });
  });

test('a prompt that nobody fetches fails with 504, and says that no agent is connected', { skip }, async () => {
  await assert.rejects(ask(), { status: 504, message: /no agent is connected/ });
  // A stream has begun by then, so that its client need not wonder: it says the same as its last event.
  const stream = await ask({ stream: true });
  await assert.rejects(collected(stream), /no agent is connected/);
});

test('the model is listed as agent:latest, and takes no tools and no images', { skip }, async () => {
  const listed = [];
  for await (const one of openai.models.list()) listed.push(one.id);
  assert.deepEqual(listed, ['agent:latest']);
  const tools = [{ type: 'function', function: { name: 'f', parameters: { type: 'object' } } }];
  await assert.rejects(ask({ tools }), { status: 400, message: /does not support tools/ });
});

describe('who may be a host', { skip: hosts[0].skip }, () => {
  const guarded = adapters.guarded;
  test('a token without the scope agent is refused, one with it is let in', async () => {
    await assert.rejects(connect(hosts[0], guarded.bridge), /401|token/);
    await assert.rejects(connect(hosts[0], guarded.bridge, { token: guarded.token }), /403|scope/);
    const host = await connect(hosts[0], guarded.bridge, { token: guarded.hostToken });
    assert.deepEqual((await host.one.listResources()).resources.map((one) => one.uri), ['models://list']);
    assert.match(host.one.getInstructions(), /AGENT=mcp-pull/);
    await host.close();
  });

  test('the probe of a modern client is answered with any valid token, and nothing else is', async () => {
    const post = (method, headers, token = guarded.token) =>
      fetch(`${guarded.bridge}/mcp`, {
        method: 'POST',
        headers: {
          'Content-Type': 'application/json',
          Accept: 'application/json, text/event-stream',
          Authorization: `Bearer ${token}`,
          ...headers,
        },
        body: JSON.stringify({
          jsonrpc: '2.0',
          id: 1,
          method,
          params: {
            _meta: {
              'io.modelcontextprotocol/protocolVersion': '2026-07-28',
              'io.modelcontextprotocol/clientCapabilities': {},
            },
          },
        }),
      });
    const modern = { 'MCP-Protocol-Version': '2026-07-28' };
    const probe = await post('server/discover', { ...modern, 'Mcp-Method': 'server/discover' });
    assert.equal(probe.status, 200);
    assert.ok((await probe.json()).result.supportedVersions.includes('2026-07-28'));
    assert.equal((await post('tools/list', { ...modern, 'Mcp-Method': 'tools/list' })).status, 403);
    // What claims to be the probe and is not, is not answered either.
    assert.equal((await post('tools/list', { ...modern, 'Mcp-Method': 'server/discover' })).status, 400);
    assert.equal((await post('tools/list', { 'Mcp-Method': 'server/discover' })).status, 403);
    assert.equal((await fetch(`${guarded.bridge}/.well-known/oauth-protected-resource/mcp`)).status, 404);
  });
});

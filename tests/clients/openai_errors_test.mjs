// The openai package, 4.96.0 and the newest, where things go wrong: refusals, failures, tokens, and clients that leave.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';

import { adapters, audited, client, collected, leftAt, longPrompt, ways, weatherTool } from './adapters.mjs';

const model = 'echo:latest';
const user = (content) => [{ role: 'user', content }];

function suite(sdk, version, way) {
  const { default: OpenAI, skip } = sdk;
  const connect = (options) => new OpenAI({ baseURL: `${way.url}/v1`, apiKey: way.token, maxRetries: 0, ...options });

  describe(`openai ${version}, ${way.way}, when things go wrong`, { skip }, () => {
    const openai = skip ? null : connect();
    const ask = (content, rest) => openai.chat.completions.create({ model, messages: user(content), ...rest });

    test('is told of an unknown model', async () => {
      for (const stream of [false, true])
        await assert.rejects(
          openai.chat.completions.create({ model: 'gpt-9', messages: user('Hi'), stream }),
          (error) => {
            assert.ok(error instanceof OpenAI.NotFoundError);
            assert.equal(error.status, 404);
            assert.equal(error.type, 'not_found_error');
            assert.equal(error.code, 'model_not_found');
            assert.match(error.message, /model 'gpt-9' not found/);
            assert.ok(error.requestID ?? error.request_id);
            return true;
          },
        );
    });

    test('is told what is wrong with a request, where, and what is allowed', async () => {
      const wrong = [
        [{ temperature: 3 }, '/temperature', /2/],
        [{ messages: [{ role: 'robot', content: 'Hi' }] }, '/messages/0/role', /"user"/],
        [{ messages: [] }, '/messages', /1/],
        [{ n: 2 }, '/n', /1/],
        [{ max_tokens: 0 }, '/max_tokens', /1/],
        [{ stop: [''] }, '/stop/0', /empty/],
        [
          { tools: [weatherTool], tool_choice: { type: 'function', function: { name: 'other' } } },
          '/tool_choice/function/name',
          /tools/,
        ],
        [
          {
            messages: [
              { role: 'user', content: [{ type: 'image_url', image_url: { url: 'https://example.org/a.png' } }] },
            ],
          },
          '/messages/0/content/0/image_url/url',
          /data:/,
        ],
      ];
      for (const [members, where, allowed] of wrong)
        await assert.rejects(ask('Hi', members), (error) => {
          assert.ok(error instanceof OpenAI.BadRequestError, `${where}: ${error}`);
          assert.equal(error.type, 'invalid_request_error');
          assert.equal(error.param, where);
          assert.match(error.message, allowed);
          return true;
        });
    });

    test('is refused with a wrong token, even though its user needs none', async () => {
      const stranger = connect({ apiKey: 'sk-wrong' });
      await assert.rejects(stranger.chat.completions.create({ model, messages: user('Hi') }), (error) => {
        assert.ok(error instanceof OpenAI.AuthenticationError);
        assert.equal(error.type, 'authentication_error');
        assert.equal(error.code, 'invalid_api_key');
        assert.doesNotMatch(error.message, /sk-wrong/);
        return true;
      });
    });

    test('is told when the agent fails at once', async () => {
      for (const stream of [false, true])
        await assert.rejects(ask('Fail now', { stream }), (error) => {
          assert.ok(error instanceof OpenAI.InternalServerError);
          assert.equal(error.status, 502);
          assert.equal(error.type, 'api_error');
          assert.match(error.message, /asked to/);
          return true;
        });
    });

    test('is told when the agent fails midway, after what came before', async () => {
      const heard = [];
      await assert.rejects(
        async () => {
          for await (const chunk of await ask('Fail midway', { stream: true }))
            heard.push(chunk.choices[0].delta.content);
        },
        (error) => {
          assert.ok(error instanceof OpenAI.APIError, `${error}`);
          assert.match(error.message, /asked to/);
          return true;
        },
      );
      assert.deepEqual(heard, ['', 'Failing']);
    });

    test('is told when the agent fails midway, and nothing is streamed', async () => {
      await assert.rejects(ask('Fail midway'), OpenAI.InternalServerError);
    });

    test('asks again after a failure midway, on a connection that was not closed under it', async () => {
      for (let i = 0; i !== 5; ++i) {
        const failing = await ask('Fail midway', { stream: true });
        await assert.rejects(collected(failing), OpenAI.APIError);
        assert.equal((await ask('Repeat exactly: Hi')).choices[0].message.content, 'Hi');
      }
    });

    test('repeats what failed twice, and no more', async () => {
      const prompt = `Fail now, ${version} ${way.way}`;
      await assert.rejects(
        connect({ maxRetries: undefined }).chat.completions.create({ model, messages: user(prompt) }),
      );
      const lines = await audited(way.audit, prompt, 3);
      assert.deepEqual(
        lines.map((line) => line.status_code),
        [502, 502, 502],
      );
    });

    test('leaves a stream, and the agent stops', async () => {
      const prompt = longPrompt();
      const stream = await ask(prompt, { stream: true });
      let deltas = 0;
      for await (const _ of stream) if (++deltas === 5) break; // which aborts
      await leftAt(Date.now(), prompt, way.logs);
    });

    test('aborts a stream by its controller, and the agent stops', async () => {
      const prompt = longPrompt();
      const stream = await ask(prompt, { stream: true });
      let left;
      let deltas = 0;
      for await (const _ of stream)
        if (++deltas === 5) {
          left = Date.now();
          stream.controller.abort();
        }
      await leftAt(left, prompt, way.logs);
    });

    test('aborts an answer that is not streamed, and the agent stops', async () => {
      const prompt = longPrompt();
      const abort = new AbortController();
      let left;
      setTimeout(() => {
        left = Date.now();
        abort.abort();
      }, 100);
      const asked = openai.chat.completions.create({ model, messages: user(prompt) }, { signal: abort.signal });
      await assert.rejects(asked, OpenAI.APIUserAbortError);
      await leftAt(left, prompt, way.logs);
    });
  });
}
const versions = [
  ['4.96.0', await client('openai-4')],
  ['7.57.0', await client('openai')],
];
for (const [version, sdk] of versions) for (const way of ways) suite(sdk, version, way);

for (const [version, { default: OpenAI, skip }] of versions) {
  describe(`openai ${version}, without being known by its user`, { skip }, () => {
    const connect = (apiKey) => new OpenAI({ baseURL: `${adapters.guarded.url}/v1`, apiKey, maxRetries: 0 });
    const ask = (openai) => openai.chat.completions.create({ model, messages: user('Repeat exactly: in') });

    test('lists models without a token, and must have one for more', async () => {
      for (const dummy of ['noop', 'ollama', 'unused', 'sk-no-key-required']) {
        assert.equal((await connect(dummy).models.list()).data.length, 2);
        await assert.rejects(ask(connect(dummy)), OpenAI.AuthenticationError);
      }
    });

    test('gets in with a token', async () => {
      assert.equal((await ask(connect(adapters.guarded.token))).choices[0].message.content, 'in');
    });
  });
}

// AGENT=mcp-sampling: the model of an MCP client that offers sampling answers an OpenAI client.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';

import { adapters, client } from './adapters.mjs';
import { connect, hosts } from './hosts.mjs';

const { url, bridge, token } = adapters.sampling;
const { default: OpenAI, skip } = await client('openai');
const openai = skip ? null : new OpenAI({ baseURL: `${url}/v1`, apiKey: token, maxRetries: 0 });
const messages = [
  { role: 'system', content: 'be kind' },
  { role: 'user', content: 'hello' },
];
const ask = (more, options) => openai.chat.completions.create({ model: 'agent', messages, ...more }, options);

const answer = (text, stopReason = 'endTurn') => ({
  role: 'assistant',
  model: 'test',
  content: { type: 'text', text },
  stopReason,
});

for (const kind of hosts)
  describe(`mcp-sampling, ${kind.way}`, { skip: kind.skip }, () => {
    test("answers prompts with the client's model, one after the other", async () => {
      const asked = [];
      const sampling = async ({ params }) => {
        asked.push(params);
        return answer(`answer ${asked.length}`, asked.length === 2 ? 'maxTokens' : 'endTurn');
      };
      const host = await connect(kind, bridge, { sampling });
      const serving = host.tool('serve_prompts', { seconds: 3 });

      const first = await ask({ max_tokens: 17 });
      const second = await ask();
      const streamed = await ask({ stream: true });
      let text = '';
      for await (const chunk of streamed) text += chunk.choices[0].delta.content ?? '';

      assert.equal(first.choices[0].message.content, 'answer 1');
      assert.equal(first.choices[0].finish_reason, 'stop');
      assert.equal(second.choices[0].finish_reason, 'length');
      assert.equal(text, 'answer 3');
      assert.equal(asked[0].maxTokens, 17);
      assert.equal(asked[0].systemPrompt, 'be kind');
      assert.deepEqual(asked[0].messages, [{ role: 'user', content: { type: 'text', text: 'hello' } }]);
      assert.equal((await serving).status, 'idle');
      await host.close();
    });

    test('brings the refusal of its user to the client', async () => {
      const sampling = async () => {
        throw new Error('the user said no');
      };
      const host = await connect(kind, bridge, { sampling });
      const serving = host.tool('serve_prompts', { seconds: 1 }).catch((error) => error);
      // A modern client that is refused never comes back: then our own deadline ends it.
      await assert.rejects(ask(), (error) => error.status === 502 || error.status === 504);
      await serving;
      await host.close();
    });

    test('refuses a client that has not said that it can be asked', async () => {
      const host = await connect(kind, bridge);
      const refused = await host.tool('serve_prompts').catch((error) => ({ error: error.message }));
      assert.match(refused.error, /sampling|does not offer|capabilit/i);
      await host.close();
    });
  });

test('the model takes no tools and no images', { skip }, async () => {
  const tools = [{ type: 'function', function: { name: 'f', parameters: { type: 'object' } } }];
  await assert.rejects(ask({ tools }), { status: 400 });
});

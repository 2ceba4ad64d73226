// LangChain: its OpenAI and Ollama classes.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';

import {
  adapters,
  assertPerson,
  assertSameVector,
  assertUnitVector,
  client,
  counted,
  leftAt,
  longPrompt,
  personSchema,
  ways,
  weatherTool,
} from './adapters.mjs';

const { HumanMessage, SystemMessage, ToolMessage, skip } = await client('@langchain/core/messages');
const { ChatOpenAI, OpenAI, OpenAIEmbeddings } = await client('@langchain/openai');
const { ChatOllama, Ollama, OllamaEmbeddings } = await client('@langchain/ollama');

const model = 'echo:latest';
const headersOf = (token) => ({ Authorization: `Bearer ${token}` });

/** The two families of classes, made alike. */
const families = [
  {
    family: 'OpenAI',
    chat: ({ url, token }, rest) =>
      new ChatOpenAI({ model, apiKey: token, maxRetries: 0, configuration: { baseURL: `${url}/v1` }, ...rest }),
    words: ({ url, token }, rest) =>
      new OpenAI({ model, apiKey: token, maxRetries: 0, configuration: { baseURL: `${url}/v1` }, ...rest }),
    vectors: ({ url, token }) =>
      new OpenAIEmbeddings({ model: 'echo-embed', apiKey: token, configuration: { baseURL: `${url}/v1` } }),
    limit: { maxTokens: 3 },
    statusOf: (error) => error.status,
    abort: (_, controller) => controller.abort(),
    reasonOf: (message) => message.response_metadata.finish_reason,
  },
  {
    family: 'Ollama',
    chat: ({ url, token }, rest) =>
      new ChatOllama({ model, baseUrl: url, headers: headersOf(token), maxRetries: 0, ...rest }),
    words: ({ url, token }, rest) =>
      new Ollama({ model, baseUrl: url, headers: headersOf(token), maxRetries: 0, ...rest }),
    vectors: ({ url, token }) => new OllamaEmbeddings({ model: 'echo-embed', baseUrl: url, headers: headersOf(token) }),
    limit: { numPredict: 3 },
    statusOf: (error) => error.status_code,
    abort: (chat) => chat.client.abort(), // a signal ends only LangChain's own loop, and leaves the connection open
    reasonOf: (message) => message.response_metadata.done_reason,
  },
];

async function texts(stream) {
  const out = [];
  for await (const one of stream) if (one.content) out.push(one.content);
  return out;
}

function suite(family, way) {
  describe(`LangChain's ${family.family} classes, ${way.way}`, { skip }, () => {
    const failsWith = (status, text) => (error) => {
      assert.equal(family.statusOf(error), status, `${error}`);
      assert.match(error.message, text);
      return true;
    };

    test('chat', async () => {
      const answer = await family
        .chat(way)
        .invoke([new SystemMessage('Be brief.'), new HumanMessage('Repeat exactly: Grüße, 世界')]);
      assert.equal(answer.content, 'Grüße, 世界');
      assert.deepEqual(
        [answer.usage_metadata.input_tokens, answer.usage_metadata.output_tokens, answer.usage_metadata.total_tokens],
        [6, 2, 8],
      );
      assert.equal(family.reasonOf(answer), 'stop');
    });

    test('stream', async () => {
      const pieces = await texts(await family.chat(way).stream('Count from 1 to 20'));
      assert.equal(pieces.join(''), counted(20));
      assert.equal(pieces.length, 20);
    });

    test('call a tool for several cities at once, and go on with its answers', async () => {
      const chat = family.chat(way).bindTools([weatherTool]);
      const turns = [new HumanMessage('Weather in Paris and Rome?')];
      const asked = await chat.invoke(turns);
      assert.deepEqual(
        asked.tool_calls.map((one) => [one.name, one.args.city]),
        [
          ['get_weather', 'Paris'],
          ['get_weather', 'Rome'],
        ],
      );
      assert.equal(new Set(asked.tool_calls.map((one) => one.id)).size, 2);
      turns.push(asked);
      for (const call of asked.tool_calls)
        turns.push(new ToolMessage({ tool_call_id: call.id, content: `${call.args.city}: 21 degrees` }));
      assert.equal(
        (await chat.invoke(turns)).content,
        'get_weather said: Paris: 21 degrees\nget_weather said: Rome: 21 degrees',
      );
    });

    test('stream calls of tools', async () => {
      let whole;
      for await (const piece of await family.chat(way).bindTools([weatherTool]).stream('Weather in Paris and Rome?'))
        whole = whole ? whole.concat(piece) : piece;
      assert.deepEqual(
        whole.tool_calls.map((one) => one.args),
        [{ city: 'Paris' }, { city: 'Rome' }],
      );
    });

    test('get JSON that fits a schema, by a schema and by a tool', async () => {
      for (const method of ['jsonSchema', 'functionCalling']) {
        const structured = family.chat(way).withStructuredOutput(personSchema, { name: 'person', method });
        // Ollama's API has no forced choice, so a tool is called only for the weather.
        if (family.family === 'Ollama' && method === 'functionCalling') continue;
        assertPerson(await structured.invoke('Invent somebody'));
      }
    });

    test('get any JSON', async () => {
      const answer = await family
        .chat(way)
        .withStructuredOutput(personSchema, { name: 'any', method: 'jsonMode' })
        .invoke('Say hello, in JSON');
      assert.equal(typeof answer, 'object');
    });

    test('complete a prompt, streamed or not', async () => {
      const words = family.words(way);
      assert.equal(await words.invoke('Repeat exactly: one two'), 'one two');
      let text = '';
      for await (const piece of await words.stream('Count from 1 to 5')) text += piece;
      assert.equal(text, '1 2 3 4 5');
    });

    test('get embeddings', async () => {
      const vectors = family.vectors(way);
      const one = await vectors.embedQuery('the cat sat');
      assertUnitVector(one);
      const two = await vectors.embedDocuments(['the cat sat', 'the dog sat']);
      assert.equal(two.length, 2);
      assertSameVector(two[0], one);
    });

    test('have limits and stop sequences kept', async () => {
      const limited = await family.chat(way, family.limit).invoke('Count from 1 to 10');
      assert.equal(limited.content, '1 2 3');
      assert.equal(family.reasonOf(limited), 'length');
      assert.equal((await family.chat(way).invoke('Count from 1 to 10', { stop: [' 4'] })).content, '1 2 3');
    });

    test('are told of errors', async () => {
      await assert.rejects(
        family.chat(way, { model: 'llama9' }).invoke('Hi'),
        failsWith(404, /model 'llama9' not found/),
      );
      await assert.rejects(family.chat(way, { temperature: 3 }).invoke('Hi'), failsWith(400, /temperature/));
      await assert.rejects(family.chat({ ...way, token: 'wrong' }).invoke('Hi'), failsWith(401, /./));
      await assert.rejects(family.chat(way).invoke('Fail now'), failsWith(502, /asked to/));
    });

    test('are told when the agent fails midway, after what came before', async () => {
      const heard = [];
      await assert.rejects(async () => {
        for await (const piece of await family.chat(way).stream('Fail midway'))
          if (piece.content) heard.push(piece.content);
      }, /asked to/);
      assert.deepEqual(heard, ['Failing']);
    });

    test('abort, and the agent stops', async () => {
      const prompt = longPrompt();
      const chat = family.chat(way);
      const abort = new AbortController();
      let left;
      let pieces = 0;
      await assert.rejects(async () => {
        for await (const _ of await chat.stream(prompt, { signal: abort.signal }))
          if (++pieces === 5) {
            left = Date.now();
            family.abort(chat, abort);
          }
      });
      await leftAt(left, prompt, way.logs);
    });
  });
}

for (const family of families) for (const way of ways) suite(family, way);

describe("LangChain's Ollama classes", { skip }, () => {
  test('look whether a model is there before they use it', async () => {
    const here = new ChatOllama({ model: 'echo', baseUrl: adapters.direct.url, checkOrPullModel: true });
    assert.equal((await here.invoke('Repeat exactly: here')).content, 'here');
    const away = new ChatOllama({ model: 'llama9', baseUrl: adapters.direct.url, checkOrPullModel: true });
    await assert.rejects(away.invoke('Hi'), /does not pull models/);
  });

  test('read thoughts', async () => {
    const thinker = new ChatOllama({ model: 'thinker', baseUrl: adapters.thinking.url });
    const answer = await thinker.invoke('How much?');
    assert.equal(answer.content, 'Forty-two');
    assert.equal(answer.additional_kwargs.reasoning_content, 'The user wants a number.');
  });
});

describe("LangChain's OpenAI classes", { skip }, () => {
  test('read thoughts', async () => {
    const { url, token } = adapters.thinking;
    const thinker = new ChatOpenAI({
      model: 'thinker',
      apiKey: token,
      configuration: { baseURL: `${url}/v1` },
      __includeRawResponse: true,
    });
    const answer = await thinker.invoke('How much?');
    assert.equal(answer.content, 'Forty-two');
    assert.equal(
      answer.additional_kwargs.__raw_response.choices[0].message.reasoning_content,
      'The user wants a number.',
    );
  });
});

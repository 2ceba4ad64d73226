// The AI SDK of Vercel, which Cline and OpenCode are built with: its Ollama and its OpenAI-compatible provider.
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
} from './adapters.mjs';

const {
  embed,
  embedMany,
  generateObject,
  generateText,
  jsonSchema,
  stepCountIs,
  streamObject,
  streamText,
  tool,
  skip,
} = await client('ai');
const { createOllama } = await client('ollama-ai-provider-v2');
const { createOpenAICompatible } = await client('@ai-sdk/openai-compatible');

const model = 'echo:latest';
globalThis.AI_SDK_LOG_WARNINGS = false;

const ollamaOptions = (options, rest) => ({ providerOptions: { ollama: { options, ...rest } } });
const families = [
  {
    // It has its own ways: limits that the SDK knows do not reach Ollama's `options`, an error of the API is only read
    // by its status, and a line with an error in a stream is dropped with a warning.
    family: 'Ollama',
    connect: ({ url, token }) => createOllama({ baseURL: `${url}/api`, headers: { Authorization: `Bearer ${token}` } }),
    limit: ollamaOptions({ num_predict: 3 }),
    stop: ollamaOptions({ stop: [' 4'] }),
    tooHot: ollamaOptions({ temperature: 3 }),
    thinking: ollamaOptions({}, { think: true }),
    dropsErrorsInStreams: true,
  },
  {
    family: 'OpenAI-compatible',
    limit: { maxOutputTokens: 3 },
    stop: { stopSequences: [' 4'] },
    tooHot: { temperature: 3 },
    thinking: {},
    connect: ({ url, token }) =>
      createOpenAICompatible({
        name: 'adapter',
        baseURL: `${url}/v1`,
        apiKey: token,
        includeUsage: true,
        supportsStructuredOutputs: true,
      }),
  },
];

function suite({ family, connect, limit, stop, tooHot, dropsErrorsInStreams }, way) {
  describe(`the AI SDK's ${family} provider, ${way.way}`, { skip }, () => {
    const provider = skip ? null : connect(way);
    const asked = (prompt, rest) => ({ model: provider.languageModel(model), prompt, maxRetries: 0, ...rest });
    const quiet = { onError: () => {} }; // else errors of streams are printed, too
    const weather = (execute) => ({
      get_weather: tool({
        description: 'Tells the weather of a city',
        inputSchema: jsonSchema({ type: 'object', properties: { city: { type: 'string' } }, required: ['city'] }),
        ...(execute && { execute }),
      }),
    });

    test('chats', async () => {
      const { text, usage, finishReason } = await generateText(
        asked('Repeat exactly: Grüße, 世界', { system: 'Be brief.' }),
      );
      assert.equal(text, 'Grüße, 世界');
      assert.deepEqual([usage.inputTokens, usage.outputTokens], [6, 2]);
      assert.equal(finishReason, 'stop');
    });

    test('streams', async () => {
      const answer = streamText(asked('Count from 1 to 20', quiet));
      const pieces = [];
      for await (const piece of answer.textStream) pieces.push(piece);
      assert.equal(pieces.join(''), counted(20));
      assert.equal(pieces.length, 20);
      assert.equal((await answer.usage).outputTokens, 20);
      assert.equal(await answer.finishReason, 'stop');
    });

    for (const stream of [false, true])
      test(`is asked to call a tool for several cities at once${stream ? ', streamed' : ''}`, async () => {
        const request = asked('Weather in Paris, New York and 東京?', { tools: weather(), ...(stream && quiet) });
        const answer = stream ? streamText(request) : await generateText(request);
        if (stream) await answer.consumeStream();
        const calls = await answer.toolCalls;
        assert.deepEqual(
          calls.map((one) => [one.toolName, one.input.city]),
          [
            ['get_weather', 'Paris'],
            ['get_weather', 'New York'],
            ['get_weather', '東京'],
          ],
        );
        assert.equal(new Set(calls.map((one) => one.toolCallId)).size, 3);
      });

    test('runs tools until there is an answer', async () => {
      const cities = [];
      const tools = weather(({ city }) => {
        cities.push(city);
        return '21 degrees';
      });
      const { text, steps } = await generateText(
        asked('Weather in Paris and Rome?', { tools, stopWhen: stepCountIs(3) }),
      );
      assert.deepEqual(cities, ['Paris', 'Rome']);
      assert.equal(steps.length, 2);
      assert.match(text, /^get_weather said: .*21 degrees.*\nget_weather said: .*21 degrees/);
    });

    test('gets JSON that fits a schema, streamed or not', async () => {
      const request = asked('Invent somebody', { schema: jsonSchema(personSchema) });
      assertPerson((await generateObject(request)).object);
      const streamed = streamObject({ ...request, ...quiet });
      let last;
      for await (const partial of streamed.partialObjectStream) last = partial;
      assertPerson(last);
      assertPerson(await streamed.object);
    });

    test('gets embeddings', async () => {
      const embedder = provider.textEmbeddingModel('echo-embed');
      const one = await embed({ model: embedder, value: 'the cat sat' });
      assertUnitVector(one.embedding);
      const two = await embedMany({ model: embedder, values: ['the cat sat', 'the dog sat'] });
      assert.equal(two.embeddings.length, 2);
      assertSameVector(two.embeddings[0], one.embedding);
    });

    test('has limits and stop sequences kept', async () => {
      const limited = await generateText(asked('Count from 1 to 10', limit));
      assert.equal(limited.text, '1 2 3');
      assert.equal(limited.finishReason, 'length');
      const stopped = await generateText(asked('Count from 1 to 10', stop));
      assert.equal(stopped.text, '1 2 3');
    });

    test('is told of errors', async () => {
      const failsWith = (status, text) => (error) => {
        assert.equal(error.statusCode, status, `${error}`);
        assert.match(error.responseBody, text);
        return true;
      };
      await assert.rejects(
        generateText({ ...asked('Hi'), model: provider.languageModel('llama9') }),
        failsWith(404, /model 'llama9' not found/),
      );
      await assert.rejects(generateText(asked('Hi', tooHot)), failsWith(400, /temperature/));
      const stranger = connect({ ...way, token: 'wrong' }).languageModel(model);
      await assert.rejects(generateText({ ...asked('Hi'), model: stranger }), failsWith(401, /./));
      await assert.rejects(generateText(asked('Fail now')), failsWith(502, /asked to/));
    });

    test('is told when the agent fails midway, after what came before', async (t) => {
      const warn = t.mock.method(console, 'warn', () => {});
      const parts = [];
      for await (const part of streamText(asked('Fail midway', quiet)).fullStream) parts.push(part);
      assert.equal(
        parts
          .filter((one) => one.type === 'text-delta')
          .map((one) => one.text)
          .join(''),
        'Failing',
      );
      assert.notEqual(parts.find((one) => one.type === 'finish').finishReason, 'stop');
      if (dropsErrorsInStreams) return assert.equal(warn.mock.callCount(), 1);
      const failures = parts.filter((one) => one.type === 'error');
      assert.equal(failures.length, 1);
      assert.match(JSON.stringify(failures[0].error, Object.getOwnPropertyNames(failures[0].error)), /asked to/);
    });

    test('aborts, and the agent stops', async () => {
      const prompt = longPrompt();
      const abort = new AbortController();
      let left;
      let pieces = 0;
      for await (const part of streamText(asked(prompt, { abortSignal: abort.signal, ...quiet })).fullStream)
        if (part.type === 'text-delta' && ++pieces === 5) {
          left = Date.now();
          abort.abort();
        }
      await leftAt(left, prompt, way.logs);
    });
  });
}

for (const family of families) for (const way of ways) suite(family, way);

for (const { family, connect, thinking } of families)
  describe(`the AI SDK's ${family} provider`, { skip }, () => {
    const asked = {
      model: skip ? null : connect(adapters.thinking).languageModel('thinker'),
      prompt: 'How much?',
      ...thinking,
    };

    test('reads thoughts', async () => {
      const { text, reasoningText } = await generateText(asked);
      assert.deepEqual([text, reasoningText], ['Forty-two', 'The user wants a number.']);
    });

    test('reads thoughts in a stream, before the answer', async () => {
      const kinds = [];
      for await (const part of streamText(asked).fullStream)
        if (part.type.endsWith('-delta')) kinds.push(`${part.type}: ${part.text}`);
      assert.deepEqual(kinds, [
        'reasoning-delta: The user ',
        'reasoning-delta: wants a number.',
        'text-delta: Forty',
        'text-delta: -two',
      ]);
    });
  });

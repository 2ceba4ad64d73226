// The openai package: 4.96.0, which Void is built with, and the newest.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';

import {
  adapters,
  assertPerson,
  assertSameVector,
  assertUnitVector,
  client,
  collected,
  counted,
  personSchema,
  ways,
  weatherTool,
} from './adapters.mjs';

const model = 'echo:latest';
const user = (content) => [{ role: 'user', content }];

const textOf = (chunks) => chunks.map((one) => one.choices[0]?.delta.content ?? '').join('');

/** Puts the deltas of calls together as Void does: ids, names and arguments are concatenated. */
function callsOf(chunks) {
  const calls = [];
  for (const delta of chunks.flatMap((one) => one.choices[0]?.delta.tool_calls ?? [])) {
    const call = (calls[delta.index] ??= { id: '', name: '', arguments: '' });
    call.id += delta.id ?? '';
    call.name += delta.function?.name ?? '';
    call.arguments += delta.function?.arguments ?? '';
  }
  return calls;
}

function suite(sdk, version, way) {
  const { default: OpenAI, skip } = sdk;
  const connect = (options) => new OpenAI({ baseURL: `${way.url}/v1`, apiKey: way.token, maxRetries: 0, ...options });

  describe(`openai ${version}, ${way.way}`, { skip }, () => {
    const openai = skip ? null : connect();
    const chats = skip ? null : version.startsWith('4.') ? openai.beta.chat.completions : openai.chat.completions;
    const ask = (content, rest) => openai.chat.completions.create({ model, messages: user(content), ...rest });

    test('lists the models', async () => {
      const listed = [];
      for await (const one of openai.models.list()) listed.push(one);
      assert.deepEqual(listed.map((one) => one.id).sort(), ['echo-embed:latest', model]);
      for (const one of listed) {
        assert.equal(one.object, 'model');
        assert.ok(Number.isInteger(one.created));
        assert.equal(typeof one.owned_by, 'string');
      }
    });

    test('retrieves a model by its name, which has a colon', async () => {
      assert.equal((await openai.models.retrieve(model)).id, model);
      assert.equal((await openai.models.retrieve('echo')).id, model);
    });

    test('does not find a model with an encoded slash in its name', async () => {
      await assert.rejects(openai.models.retrieve('some/model:7b'), (error) => {
        assert.ok(error instanceof OpenAI.NotFoundError);
        assert.equal(error.code, 'model_not_found');
        assert.match(error.message, /some\/model:7b/);
        return true;
      });
    });

    test('chats', async () => {
      const answer = await ask('Repeat exactly: Grüße, 世界 👋');
      assert.equal(answer.object, 'chat.completion');
      assert.match(answer.id, /^chatcmpl-/);
      assert.equal(answer.model, model);
      assert.ok(Math.abs(answer.created - Date.now() / 1000) < 60);
      assert.equal(answer.choices.length, 1);
      assert.equal(answer.choices[0].message.role, 'assistant');
      assert.equal(answer.choices[0].message.content, 'Grüße, 世界 👋');
      assert.equal(answer.choices[0].finish_reason, 'stop');
      assert.deepEqual(answer.usage, { prompt_tokens: 5, completion_tokens: 3, total_tokens: 8 });
      assert.ok(answer._request_id);
    });

    test('gives every answer an id of its own', async () => {
      const answers = await Promise.all([1, 2, 3, 4, 5].map((n) => ask(`Repeat exactly: ${n}`)));
      assert.equal(new Set(answers.map((one) => one.id)).size, 5);
      assert.deepEqual(
        answers.map((one) => one.choices[0].message.content),
        ['1', '2', '3', '4', '5'],
      );
    });

    test('takes every kind of message, and members that are null', async () => {
      const answer = await openai.chat.completions.create({
        model,
        messages: [
          { role: 'developer', content: 'Be brief.' },
          { role: 'system', content: [{ type: 'text', text: 'Be kind.' }] },
          { role: 'user', name: 'ada', content: [{ type: 'text', text: 'Weather in Paris?' }] },
          {
            role: 'assistant',
            content: null,
            refusal: null,
            tool_calls: [
              { id: 'call_1', type: 'function', function: { name: 'get_weather', arguments: '{"city":"Paris"}' } },
            ],
          },
          { role: 'tool', tool_call_id: 'call_1', content: '21 degrees' },
        ],
        temperature: null,
        top_p: null,
        stop: null,
        n: null,
        seed: null,
        max_tokens: null,
        stream_options: null,
        user: 'ada',
        metadata: { a: 'b' },
        store: false,
        tools: [weatherTool],
        logit_bias: null,
      });
      assert.equal(answer.choices[0].message.content, 'get_weather said: 21 degrees');
      assert.equal(answer.choices[0].finish_reason, 'stop');
    });

    test('streams', async () => {
      const chunks = await collected(await ask('Count from 1 to 20', { stream: true }));
      assert.equal(textOf(chunks), counted(20));
      assert.equal(new Set(chunks.map((one) => `${one.id} ${one.created} ${one.model} ${one.object}`)).size, 1);
      assert.equal(chunks[0].object, 'chat.completion.chunk');
      assert.deepEqual(chunks[0].choices[0].delta, { role: 'assistant', content: '' });
      assert.equal(chunks.filter((one) => one.choices[0].delta.role).length, 1);
      assert.ok(chunks.every((one) => one.choices.length === 1 && one.choices[0].index === 0 && !one.usage));
      assert.deepEqual(
        chunks.slice(0, -1).map((one) => one.choices[0].finish_reason),
        Array(21).fill(null),
      );
      assert.deepEqual(chunks.at(-1).choices[0].delta, {});
      assert.equal(chunks.at(-1).choices[0].finish_reason, 'stop');
    });

    test('sees each delta of a stream when it is made', async () => {
      const times = [];
      for await (const chunk of await ask('Count from 1 to 60', { stream: true }))
        if (chunk.choices[0].delta.content) times.push(performance.now());
      assert.equal(times.length, 60);
      const took = times.at(-1) - times[0]; // 59 pauses of 5 ms
      assert.ok(took > 150 && took < 5000, `the deltas came within ${took} ms`);
    });

    test('streams letters of several bytes, quotes and line breaks unharmed', async () => {
      const text = 'é "世界" \\ \u0001 \u2028 </script>\n\n\tdata: [DONE]\n\n👩‍👩‍👧 end';
      const chunks = await collected(await ask(`Repeat exactly: ${text}`, { stream: true }));
      assert.equal(textOf(chunks), text);
    });

    test('streams the usage last when it is asked for', async () => {
      const chunks = await collected(
        await ask('Repeat exactly: one two', { stream: true, stream_options: { include_usage: true } }),
      );
      assert.deepEqual(chunks.at(-1).choices, []);
      assert.deepEqual(chunks.at(-1).usage, { prompt_tokens: 4, completion_tokens: 2, total_tokens: 6 });
      assert.equal(chunks.at(-2).choices[0].finish_reason, 'stop');
      assert.equal(chunks.filter((one) => one.usage).length, 1);
    });

    test('follows a stream through its helper', async () => {
      const runner = chats.stream({
        model,
        messages: user('Count from 1 to 5'),
        stream_options: { include_usage: true },
      });
      const pieces = [];
      runner.on('content', (piece) => pieces.push(piece));
      assert.equal(await runner.finalContent(), '1 2 3 4 5');
      assert.deepEqual(pieces, ['1', ' 2', ' 3', ' 4', ' 5']);
      assert.equal((await runner.totalUsage()).completion_tokens, 5);
    });

    test('is asked to call a tool', async () => {
      const { choices } = await ask('What is the weather in Paris?', { tools: [weatherTool] });
      assert.equal(choices[0].finish_reason, 'tool_calls');
      assert.equal(choices[0].message.content, null);
      assert.equal(choices[0].message.tool_calls.length, 1);
      const [call] = choices[0].message.tool_calls;
      assert.equal(call.type, 'function');
      assert.equal(call.function.name, 'get_weather');
      assert.deepEqual(JSON.parse(call.function.arguments), { city: 'Paris' });
    });

    for (const stream of [false, true])
      test(`is asked to call a tool for several cities at once${stream ? ', streamed' : ''}`, async () => {
        const answer = await ask('Compare the weather in Paris, New York and 東京', { tools: [weatherTool], stream });
        const chunks = stream ? await collected(answer) : null;
        const calls = stream
          ? callsOf(chunks)
          : answer.choices[0].message.tool_calls.map((one) => ({ id: one.id, ...one.function }));
        assert.deepEqual(
          calls.map((one) => JSON.parse(one.arguments).city),
          ['Paris', 'New York', '東京'],
        );
        assert.deepEqual(
          calls.map((one) => one.name),
          Array(3).fill('get_weather'),
        );
        assert.equal(new Set(calls.map((one) => one.id)).size, 3);
        assert.ok(calls.every((one) => one.id));
        const reason = stream ? chunks.at(-1).choices[0].finish_reason : answer.choices[0].finish_reason;
        assert.equal(reason, 'tool_calls');
        if (!stream) return;
        const deltas = chunks.flatMap((one) => one.choices[0].delta.tool_calls ?? []);
        assert.equal(deltas.filter((one) => 'id' in one).length, 3);
        assert.equal(deltas.filter((one) => one.function && 'name' in one.function).length, 3);
        assert.ok(deltas.length > 3, 'the arguments come in pieces');
      });

    test('is asked for one call when calls are not to be parallel', async () => {
      const { choices } = await ask('Weather in Paris and London?', {
        tools: [weatherTool],
        parallel_tool_calls: false,
      });
      assert.equal(choices[0].message.tool_calls.length, 1);
    });

    test('has its tool_choice obeyed', async () => {
      const tools = [
        weatherTool,
        { type: 'function', function: { name: 'save', parameters: personSchema, strict: true } },
      ];
      const none = await ask('Weather in Paris?', { tools, tool_choice: 'none' });
      assert.equal(none.choices[0].finish_reason, 'stop');
      assert.ok(!none.choices[0].message.tool_calls);
      const required = await ask('Hello', { tools, tool_choice: 'required' });
      assert.equal(required.choices[0].message.tool_calls[0].function.name, 'get_weather');
      const named = await ask('Hello', { tools, tool_choice: { type: 'function', function: { name: 'save' } } });
      assert.equal(named.choices[0].message.tool_calls[0].function.name, 'save');
      assertPerson(JSON.parse(named.choices[0].message.tool_calls[0].function.arguments));
    });

    test('runs tools through its helper until there is an answer', async () => {
      const cities = [];
      const lookUp = ({ city }) => {
        cities.push(city);
        return `${city}: 21 degrees`;
      };
      const tool = { ...weatherTool, function: { ...weatherTool.function, function: lookUp, parse: JSON.parse } };
      for (const stream of [false, true]) {
        const runner = chats.runTools({ model, messages: user('Weather in Paris and Rome?'), tools: [tool], stream });
        const text = await runner.finalContent();
        assert.equal(text, 'get_weather said: Paris: 21 degrees\nget_weather said: Rome: 21 degrees');
      }
      assert.deepEqual(cities, ['Paris', 'Rome', 'Paris', 'Rome']);
    });

    test('gets JSON', async () => {
      const { choices } = await ask('Say hello, in JSON', { response_format: { type: 'json_object' } });
      assert.equal(typeof JSON.parse(choices[0].message.content), 'object');
    });

    for (const stream of [false, true])
      test(`gets JSON that fits a schema${stream ? ', streamed' : ''}`, async () => {
        const response_format = {
          type: 'json_schema',
          json_schema: { name: 'person', strict: true, schema: personSchema },
        };
        const answer = await ask('Invent somebody', { response_format, stream });
        assertPerson(JSON.parse(stream ? textOf(await collected(answer)) : answer.choices[0].message.content));
      });

    test('gets embeddings, which it asks for in base64 on its own', async () => {
      const own = await openai.embeddings.create({ model: 'echo-embed', input: ['the cat sat', 'the dog sat'] });
      assert.deepEqual(
        own.data.map((one) => one.index),
        [0, 1],
      );
      for (const one of own.data) assertUnitVector(one.embedding);
      assert.deepEqual(own.usage, { prompt_tokens: 6, total_tokens: 6 });
      const plain = await openai.embeddings.create({
        model: 'echo-embed:latest',
        input: 'the cat sat',
        encoding_format: 'float',
      });
      assertSameVector(plain.data[0].embedding, own.data[0].embedding);
      const coded = await openai.embeddings.create({
        model: 'echo-embed',
        input: 'the cat sat',
        encoding_format: 'base64',
      });
      assert.equal(typeof coded.data[0].embedding, 'string');
      const bytes = Buffer.from(coded.data[0].embedding, 'base64');
      assertSameVector(
        Array.from({ length: bytes.length / 4 }, (_, i) => bytes.readFloatLE(4 * i)),
        own.data[0].embedding,
      );
    });

    test('gets embeddings of the size that it asks for', async () => {
      const { data } = await openai.embeddings.create({ model: 'echo-embed', input: 'hello', dimensions: 64 });
      assertUnitVector(data[0].embedding, 64);
    });

    test('completes a prompt', async () => {
      const answer = await openai.completions.create({
        model,
        prompt: 'Count from 1 to 10',
        max_tokens: 300,
        stop: [' 4'],
      });
      assert.equal(answer.object, 'text_completion');
      assert.equal(answer.choices[0].text, '1 2 3');
      assert.equal(answer.choices[0].finish_reason, 'stop');
      const chunks = await collected(
        await openai.completions.create({ model, prompt: 'Count from 1 to 5', stream: true }),
      );
      assert.equal(chunks.map((one) => one.choices[0].text).join(''), '1 2 3 4 5');
      assert.equal(chunks.at(-1).choices[0].finish_reason, 'stop');
    });

    test('fills the gap between a prompt and a suffix', async () => {
      const { choices } = await openai.completions.create({
        model,
        prompt: 'int main() {',
        suffix: '}',
        stop: [],
        max_tokens: 300,
      });
      assert.match(choices[0].text, /\{.*\}/);
    });

    test('has its limit of tokens kept, under both names', async () => {
      for (const limit of [{ max_tokens: 3 }, { max_completion_tokens: 3 }]) {
        const answer = await ask('Count from 1 to 10', limit);
        assert.equal(answer.choices[0].message.content, '1 2 3');
        assert.equal(answer.choices[0].finish_reason, 'length');
        assert.equal(answer.usage.completion_tokens, 3);
        const chunks = await collected(await ask('Count from 1 to 10', { ...limit, stream: true }));
        assert.equal(textOf(chunks), '1 2 3');
        assert.equal(chunks.at(-1).choices[0].finish_reason, 'length');
      }
    });

    test('has its stop sequences obeyed', async () => {
      for (const stop of [' 4', [' 9', ' 4']])
        for (const stream of [false, true]) {
          const answer = await ask('Count from 1 to 10', { stop, stream });
          assert.equal(stream ? textOf(await collected(answer)) : answer.choices[0].message.content, '1 2 3');
        }
    });
  });
}

const versions = [
  ['4.96.0', await client('openai-4')],
  ['7.57.0', await client('openai')],
];
for (const [version, sdk] of versions) for (const way of ways) suite(sdk, version, way);

for (const [version, { default: OpenAI, skip }] of versions) {
  describe(`openai ${version}, a model that thinks`, { skip }, () => {
    const openai = skip
      ? null
      : new OpenAI({ baseURL: `${adapters.thinking.url}/v1`, apiKey: adapters.thinking.token });
    const asked = { model: 'thinker', messages: user('How much?') };

    test('reads its thoughts under both names', async () => {
      const { message } = (await openai.chat.completions.create(asked)).choices[0];
      assert.equal(message.content, 'Forty-two');
      assert.equal(message.reasoning, 'The user wants a number.');
      assert.equal(message.reasoning_content, message.reasoning);
    });

    test('reads its thoughts in a stream under both names, before the answer', async () => {
      const deltas = (await collected(await openai.chat.completions.create({ ...asked, stream: true }))).map(
        (one) => one.choices[0].delta,
      );
      const spoken = deltas.filter((one) => one.reasoning || one.content);
      assert.deepEqual(
        spoken.map((one) => one.reasoning ?? one.content),
        ['The user ', 'wants a number.', 'Forty', '-two'],
      );
      for (const one of spoken) assert.equal(one.reasoning, one.reasoning_content);
    });

    test('may say how hard it is to think', async () => {
      const { message } = (await openai.chat.completions.create({ ...asked, reasoning_effort: 'low' })).choices[0];
      assert.equal(message.content, 'Forty-two');
    });
  });
}

// The ollama package: 0.5.15, which Void is built with, and the newest.
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
  leftAt,
  longPrompt,
  personSchema,
  ways,
  weatherTool,
} from './adapters.mjs';

const model = 'echo:latest';
const user = (content) => [{ role: 'user', content }];
const withToken = (token) => ({ Authorization: `Bearer ${token}` });

const failsWith = (status, text) => (error) => {
  assert.equal(error.name, 'ResponseError', `${error}`);
  assert.equal(error.status_code, status);
  assert.match(error.message, text);
  return true;
};

function assertVerdict(part, reason) {
  assert.equal(part.done, true);
  assert.equal(part.done_reason, reason);
  for (const name of ['total_duration', 'load_duration', 'prompt_eval_duration', 'eval_duration'])
    assert.ok(Number.isInteger(part[name]) && part[name] > 0, `${name} is ${part[name]}`);
  assert.ok(part.total_duration < 60e9, 'nanoseconds');
  for (const name of ['prompt_eval_count', 'eval_count']) assert.ok(Number.isInteger(part[name]), name);
}

function suite(sdk, version, way) {
  const { Ollama, skip } = sdk;

  describe(`ollama ${version}, ${way.way}`, { skip }, () => {
    const connect = (headers) => new Ollama({ host: way.url, headers });
    const ollama = skip ? null : connect(withToken(way.token));
    const ask = (content, rest) => ollama.chat({ model, messages: user(content), ...rest });

    test('lists the models', async () => {
      const { models } = await ollama.list();
      assert.deepEqual(models.map((one) => one.name).sort(), ['echo-embed:latest', model]);
      for (const one of models) {
        assert.equal(one.model, one.name);
        assert.match(one.digest, /^[0-9a-f]{64}$/);
        assert.ok(Number.isInteger(one.size) && one.size > 0);
        assert.ok(!Number.isNaN(Date.parse(one.modified_at)));
        for (const name of ['format', 'family', 'parameter_size', 'quantization_level'])
          assert.equal(typeof one.details[name], 'string', name);
        assert.ok(one.details.families.includes(one.details.family));
        assert.ok(!('remote_host' in one));
      }
    });

    test('lists without a token, as it does in editors', async () => {
      assert.equal((await connect().list()).models.length, 2);
      assert.equal((await connect().ps()).models.length, 2);
    });

    test('shows every model that is listed', async () => {
      for (const { name } of (await ollama.list()).models) {
        const shown = await ollama.show({ model: name });
        assert.ok(shown.capabilities.length);
        assert.equal(typeof shown.model_info['general.architecture'], 'string');
        assert.equal(typeof shown.template, 'string');
        assert.equal(typeof shown.parameters, 'string');
      }
      await assert.rejects(ollama.show({ model: 'llama9' }), failsWith(404, /^model 'llama9' not found$/));
    });

    test('lists running models', async () => {
      for (const one of (await ollama.ps()).models) {
        assert.ok(Date.parse(one.expires_at) > Date.now());
        assert.ok(Number.isInteger(one.size_vram));
      }
    });

    test('asks for the version, where it knows how', { skip: version.startsWith('0.5.') }, async () => {
      assert.match((await ollama.version()).version, /^\d+\.\d+\.\d+$/);
    });

    test('chats', async () => {
      const answer = await ask('Repeat exactly: Grüße, 世界 👋');
      assert.equal(answer.model, model);
      assert.deepEqual(answer.message, { role: 'assistant', content: 'Grüße, 世界 👋' });
      assert.ok(Math.abs(Date.parse(answer.created_at) - Date.now()) < 60_000);
      assertVerdict(answer, 'stop');
      assert.equal(answer.prompt_eval_count, 5);
      assert.equal(answer.eval_count, 3);
    });

    test('calls a model without its tag, and is answered in the name that it used', async () => {
      assert.equal((await ollama.chat({ model: 'echo', messages: user('Hi') })).model, 'echo');
    });

    test('streams', async () => {
      const parts = await collected(await ask('Count from 1 to 20', { stream: true }));
      assert.equal(parts.map((one) => one.message.content).join(''), counted(20));
      assert.equal(parts.length, 21);
      for (const one of parts.slice(0, -1)) {
        assert.equal(one.done, false);
        assert.equal(one.model, model);
        assert.equal(one.message.role, 'assistant');
      }
      assertVerdict(parts.at(-1), 'stop');
      assert.equal(parts.at(-1).eval_count, 20);
    });

    test('sees each part of a stream when it is made', async () => {
      const times = [];
      for await (const part of await ask('Count from 1 to 60', { stream: true }))
        if (!part.done) times.push(performance.now());
      const took = times.at(-1) - times[0]; // 59 pauses of 5 ms
      assert.ok(took > 150 && took < 5000, `the parts came within ${took} ms`);
    });

    test('streams quotes and line breaks unharmed', async () => {
      const text = 'é "世界" \\ \u0001 \u2028\n\n\t{"done":true}\n👩‍👩‍👧 end';
      const parts = await collected(await ask(`Repeat exactly: ${text}`, { stream: true }));
      assert.equal(parts.map((one) => one.message.content).join(''), text);
    });

    for (const stream of [false, true])
      test(`is asked to call a tool for several cities at once${stream ? ', streamed' : ''}`, async () => {
        const answer = await ask('Compare the weather in Paris, New York and 東京', { tools: [weatherTool], stream });
        const parts = stream ? await collected(answer) : [answer];
        const calls = parts.flatMap((one) => one.message.tool_calls ?? []);
        assert.deepEqual(
          calls.map((one) => one.function.arguments),
          [{ city: 'Paris' }, { city: 'New York' }, { city: '東京' }],
        );
        assert.deepEqual(
          calls.map((one) => one.function.name),
          Array(3).fill('get_weather'),
        );
        assert.deepEqual(
          calls.map((one) => one.function.index),
          [0, 1, 2],
        );
        assert.equal(new Set(calls.map((one) => one.id)).size, 3);
        assert.ok(parts.every((one) => typeof one.message.content === 'string'));
        assertVerdict(parts.at(-1), 'stop');
      });

    test('goes on when the tools have answered', async () => {
      const messages = user('Weather in Paris and Rome?');
      const { message } = await ollama.chat({ model, messages, tools: [weatherTool] });
      messages.push(message);
      for (const call of message.tool_calls)
        messages.push({
          role: 'tool',
          tool_name: call.function.name,
          content: `${call.function.arguments.city}: 21 degrees`,
        });
      const answer = await ollama.chat({ model, messages, tools: [weatherTool] });
      assert.equal(answer.message.content, 'get_weather said: Paris: 21 degrees\nget_weather said: Rome: 21 degrees');
    });

    test('gets JSON, and JSON that fits a schema', async () => {
      const loose = await ask('Say hello, in JSON', { format: 'json' });
      assert.equal(typeof JSON.parse(loose.message.content), 'object');
      for (const stream of [false, true]) {
        const answer = await ask('Invent somebody', { format: personSchema, stream });
        const parts = stream ? await collected(answer) : [answer];
        assertPerson(JSON.parse(parts.map((one) => one.message.content).join('')));
      }
      assertPerson(
        JSON.parse((await ollama.generate({ model, prompt: 'Invent somebody', format: personSchema })).response),
      );
    });

    test('generates', async () => {
      const answer = await ollama.generate({ model, prompt: 'Repeat exactly: one two', system: 'Be brief.' });
      assert.equal(answer.response, 'one two');
      assert.ok(Array.isArray(answer.context));
      assertVerdict(answer, 'stop');
      const parts = await collected(await ollama.generate({ model, prompt: 'Count from 1 to 5', stream: true }));
      assert.equal(parts.map((one) => one.response).join(''), '1 2 3 4 5');
      assertVerdict(parts.at(-1), 'stop');
    });

    test('fills the gap between a prompt and a suffix, raw or not', async () => {
      for (const raw of [false, true]) {
        const answer = await ollama.generate({ model, prompt: 'int main() {', suffix: '}', raw });
        assert.match(answer.response, /\{.*\}/);
        assert.equal('context' in answer, !raw);
      }
    });

    test('loads and unloads a model without asking it', async () => {
      const expected = { done: true, done_reason: 'load' };
      for (const stream of [false, true]) {
        const answer = await ollama.chat({ model, messages: [], stream });
        const [last] = stream ? await collected(answer) : [answer];
        assert.deepEqual({ done: last.done, done_reason: last.done_reason }, expected);
      }
      assert.equal((await ollama.generate({ model, prompt: '' })).done_reason, 'load');
      assert.equal((await ollama.generate({ model, prompt: '', keep_alive: 0 })).done_reason, 'unload');
    });

    test('gets embeddings', async () => {
      const one = await ollama.embed({ model: 'echo-embed', input: 'the cat sat' });
      assert.equal(one.embeddings.length, 1);
      assertUnitVector(one.embeddings[0]);
      const two = await ollama.embed({ model: 'echo-embed:latest', input: ['the cat sat', 'the dog sat'] });
      assert.equal(two.embeddings.length, 2);
      assertSameVector(two.embeddings[0], one.embeddings[0]);
      assert.equal(two.prompt_eval_count, 6);
      assert.deepEqual((await ollama.embed({ model: 'echo-embed', input: [] })).embeddings, []);
      const old = await ollama.embeddings({ model: 'echo-embed', prompt: 'the cat sat' });
      assertSameVector(old.embedding, one.embeddings[0]);
    });

    test('has its options obeyed', async () => {
      const limited = await ask('Count from 1 to 10', { options: { num_predict: 3, temperature: 0, num_ctx: 8192 } });
      assert.equal(limited.message.content, '1 2 3');
      assertVerdict(limited, 'length');
      const stopped = await collected(
        await ask('Count from 1 to 10', { stream: true, options: { stop: [' 9', ' 4'] } }),
      );
      assert.equal(stopped.map((one) => one.message.content).join(''), '1 2 3');
      assertVerdict(stopped.at(-1), 'stop');
    });

    test('may keep a model alive in every way of saying so', async () => {
      for (const keep_alive of [1800, -1, '5m', '1h30m', 0]) assertVerdict(await ask('Hi', { keep_alive }), 'stop');
    });

    test('pulls what is there, and is refused everything else that would change models', async () => {
      assert.deepEqual(await ollama.pull({ model }), { status: 'success' });
      assert.deepEqual(await collected(await ollama.pull({ model, stream: true })), [{ status: 'success' }]);
      const refused = failsWith(403, /^this server does not/);
      await assert.rejects(ollama.pull({ model: 'llama3' }), refused);
      await assert.rejects(ollama.pull({ model: 'llama3', stream: true }), refused);
      await assert.rejects(ollama.create({ model: 'mine', from: model }), refused);
      await assert.rejects(ollama.copy({ source: model, destination: 'mine' }), refused);
      await assert.rejects(ollama.delete({ model }), refused);
      await assert.rejects(ollama.push({ model }), refused);
    });

    test('is told of an unknown model', async () => {
      const expected = failsWith(404, /^model 'llama9' not found$/);
      for (const stream of [false, true]) {
        await assert.rejects(ollama.chat({ model: 'llama9', messages: user('Hi'), stream }), expected);
        await assert.rejects(ollama.generate({ model: 'llama9', prompt: 'Hi', stream }), expected);
      }
      await assert.rejects(ollama.embed({ model: 'llama9', input: 'Hi' }), expected);
    });

    test('is told what is wrong with a request, where, and what is allowed', async () => {
      await assert.rejects(ask('Hi', { options: { temperature: 3 } }), failsWith(400, /\/options\/temperature.* 2/));
      await assert.rejects(ask('Hi', { options: { num_predict: 'many' } }), failsWith(400, /\/options\/num_predict/));
      await assert.rejects(
        ollama.chat({ model, messages: [{ role: 'robot', content: 'Hi' }] }),
        failsWith(400, /\/messages\/0\/role.*"user"/),
      );
      await assert.rejects(ollama.chat({ messages: user('Hi') }), failsWith(400, /model is required/));
      await assert.rejects(ask('Hi', { format: 'xml' }), failsWith(400, /\/format.*"json"/));
      await assert.rejects(ollama.embed({ model: 'echo-embed', input: 7 }), failsWith(400, /invalid input type/));
      await assert.rejects(
        ollama.chat({ model: 'echo-embed', messages: user('Hi') }),
        failsWith(400, /"echo-embed" does not support chat/),
      );
      await assert.rejects(ask('Hi', { think: true }), failsWith(400, /"echo:latest" does not support thinking/));
    });

    test('is refused with a wrong token, even though its user needs none', async () => {
      const stranger = connect(withToken('wrong'));
      await assert.rejects(stranger.chat({ model, messages: user('Hi') }), failsWith(401, /^unauthorized/));
    });

    test('is told when the agent fails at once', async () => {
      for (const stream of [false, true]) await assert.rejects(ask('Fail now', { stream }), failsWith(502, /asked to/));
    });

    test('is told when the agent fails midway, after what came before', async () => {
      for (let i = 0; i !== 5; ++i) {
        const heard = [];
        await assert.rejects(
          async () => {
            for await (const part of await ask('Fail midway', { stream: true })) heard.push(part.message.content);
          },
          { name: 'Error', message: /asked to/ },
        );
        assert.deepEqual(heard, ['Failing']);
        await assert.rejects(ask('Fail midway'), failsWith(502, /asked to/));
      }
    });

    test('aborts a stream, and the agent stops', async () => {
      for (const abort of [(stream) => stream.abort(), (_, connected) => connected.abort()]) {
        const prompt = longPrompt();
        const connected = connect(withToken(way.token));
        const stream = await connected.chat({ model, messages: user(prompt), stream: true });
        let left;
        let parts = 0;
        await assert.rejects(
          async () => {
            for await (const _ of stream)
              if (++parts === 5) {
                left = Date.now();
                abort(stream, connected);
              }
          },
          { name: 'AbortError' },
        );
        await leftAt(left, prompt, way.logs);
      }
    });
  });
}

const versions = [
  ['0.5.15', await client('ollama-0.5')],
  ['0.6.4', await client('ollama')],
];
for (const [version, sdk] of versions) for (const way of ways) suite(sdk, version, way);

for (const [version, { Ollama, skip }] of versions) {
  describe(`ollama ${version}, without being known by its user`, { skip }, () => {
    const connect = (headers) => new Ollama({ host: adapters.guarded.url, headers });
    const ask = (ollama) => ollama.chat({ model, messages: user('Repeat exactly: in') });

    test('lists and shows models without a token, and must have one for more', async () => {
      assert.equal((await connect().list()).models.length, 2);
      assert.ok((await connect().show({ model })).capabilities.includes('tools'));
      await assert.rejects(ask(connect()), failsWith(401, /^unauthorized/));
    });

    test('gets in with a token, and with one that is the password of the address', async () => {
      assert.equal((await ask(connect(withToken(adapters.guarded.token)))).message.content, 'in');
      const basic = Buffer.from(`anybody:${adapters.guarded.token}`).toString('base64');
      assert.equal((await ask(connect({ Authorization: `Basic ${basic}` }))).message.content, 'in');
    });
  });

  describe(`ollama ${version}, a model that thinks`, { skip }, () => {
    const ollama = skip ? null : new Ollama({ host: adapters.thinking.url });
    const asked = { model: 'thinker', messages: user('How much?') };

    test('reads its thoughts', async () => {
      const { message } = await ollama.chat(asked);
      assert.deepEqual(message, { role: 'assistant', content: 'Forty-two', thinking: 'The user wants a number.' });
      const { response, thinking } = await ollama.generate({ model: 'thinker', prompt: 'How much?' });
      assert.deepEqual([response, thinking], ['Forty-two', 'The user wants a number.']);
    });

    test('reads its thoughts in a stream, before the answer', async () => {
      const parts = await collected(await ollama.chat({ ...asked, stream: true }));
      assert.deepEqual(
        parts.map((one) => one.message.thinking ?? one.message.content),
        ['The user ', 'wants a number.', 'Forty', '-two', ''],
      );
      assert.ok(parts.every((one) => typeof one.message.content === 'string'));
    });

    test('may wish for no thoughts', async () => {
      const { message } = await ollama.chat({ ...asked, think: false });
      assert.deepEqual(message, { role: 'assistant', content: 'Forty-two' });
    });
  });
}

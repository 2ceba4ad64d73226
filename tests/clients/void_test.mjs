// Void 1.4.9, byte by byte: its packages are frozen, so its requests are too (openai 4.96.0, ollama 0.5.15).
import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { describe, test } from 'node:test';

import { adapters, client, counted, ways } from './adapters.mjs';
import { eventsOf, exchange, linesOf, recorded, Wire } from './wire.mjs';

const list = `GET /api/tags HTTP/1.1
host: HOST
connection: keep-alive
Content-Type: application/json
Accept: application/json
User-Agent: ollama-js/0.5.15 (x64 linux Node.js/v20.20.2)
accept-language: *
sec-fetch-mode: cors
accept-encoding: gzip, deflate`;

const fillIn = `POST /api/generate HTTP/1.1
host: HOST
connection: keep-alive
Content-Type: application/json
Accept: application/json
User-Agent: ollama-js/0.5.15 (x64 linux Node.js/v20.20.2)
accept-language: *
sec-fetch-mode: cors
accept-encoding: gzip, deflate
content-length: LENGTH`;

const post = (path) => `POST ${path} HTTP/1.1
content-length: LENGTH
accept: application/json
content-type: application/json
user-agent: OpenAI/JS 4.96.0
x-stainless-lang: js
x-stainless-package-version: 4.96.0
x-stainless-os: Linux
x-stainless-arch: x64
x-stainless-runtime: node
x-stainless-runtime-version: v20.20.2
authorization: Bearer noop
x-stainless-retry-count: 0
x-stainless-timeout: 600
Accept-Encoding: gzip,deflate
Host: HOST
Connection: keep-alive`;
const chat = post('/v1/chat/completions');

const chatBody = (messages, rest) => JSON.stringify({ model: 'echo:latest', messages, stream: true, ...rest }, null, 2);
const fillInBody = (stop) =>
  JSON.stringify({
    model: 'echo:latest',
    prompt: '// main.c\nint main() {',
    suffix: '}\n',
    options: { stop, num_predict: 300 },
    raw: true,
    stream: true,
  });
const user = (content) => [{ role: 'user', content }];

/** Reads a stream as Void does: text, reasoning, and the call with index 0, put together by concatenation. */
function heard(body) {
  const out = { text: '', reasoning: '', tool: { id: '', name: '', arguments: '' } };
  for (const event of eventsOf(body)) {
    if (event.startsWith('[DONE]')) break;
    const chunk = JSON.parse(event);
    if (chunk.error) return { ...out, failure: chunk.error };
    out.text += chunk.choices[0]?.delta?.content ?? '';
    out.reasoning += chunk.choices[0]?.delta?.reasoning_content ?? '';
    for (const call of chunk.choices[0]?.delta?.tool_calls ?? []) {
      if (call.index !== 0) continue;
      out.tool.id += call.id ?? '';
      out.tool.name += call.function?.name ?? '';
      out.tool.arguments += call.function?.arguments ?? '';
    }
  }
  return out;
}

const openai = await client('openai-4');
const ollama = await client('ollama-0.5');

describe('the requests that are replayed here are those of the packages', { skip: openai.skip }, () => {
  const anywhere = ({ head, body }) => ({
    head: head
      .replace(/^(x-stainless-(?:os|arch|runtime-version): ).*$/gm, '$1…')
      .replace(/^(User-Agent: ollama-js\/0\.5\.15 ).*$/gm, '$1…'),
    body,
  });
  const connectOpenAI = (url) =>
    new openai.default({ baseURL: `${url}/v1`, apiKey: 'noop', dangerouslyAllowBrowser: true });
  const said = user('Hello');

  test('the list', async () => {
    assert.deepEqual(
      anywhere(await recorded((url) => new ollama.Ollama({ host: url }).list())),
      anywhere({ head: list, body: '' }),
    );
  });

  test('the chat', async () => {
    const sent = await recorded((url) =>
      connectOpenAI(url).chat.completions.create({ model: 'echo:latest', messages: said, stream: true }),
    );
    assert.deepEqual(anywhere(sent), anywhere({ head: chat, body: chatBody(said) }));
  });

  test('the autocompletion by Ollama', async () => {
    const body = fillInBody(['\n']);
    const sent = await recorded((url) => new ollama.Ollama({ host: url }).generate(JSON.parse(body)));
    assert.deepEqual(anywhere(sent), anywhere({ head: fillIn, body }));
  });
});

for (const way of ways)
  describe(`Void's Ollama provider, ${way.way}`, () => {
    const ask = async (messages, rest) => exchange(way.url, chat, chatBody(messages, rest));

    test('lists the models', async () => {
      const { status, fields, body } = await exchange(way.url, list);
      assert.equal(status, 200);
      assert.match(fields['content-type'], /^application\/json/);
      assert.ok(!('content-encoding' in fields));
      assert.deepEqual(
        JSON.parse(body)
          .models.map((one) => one.name)
          .sort(),
        ['echo-embed:latest', 'echo:latest'],
      );
    });

    test('polls on one connection, and leaves no line in the audit log', async () => {
      const wire = new Wire(way.url);
      for (let i = 0; i !== 50; ++i) assert.equal((await wire.exchange(list)).status, 200);
      wire.close();
      assert.doesNotMatch(
        await readFile(way.audit, 'utf8'),
        /"endpoint":"\/api\/tags","method":"GET","status_code":200/,
      );
    });

    test('chats', async () => {
      const { status, fields, body } = await ask(user('Count from 1 to 20'));
      assert.equal(status, 200);
      assert.match(fields['content-type'], /^text\/event-stream/);
      assert.equal(fields['cache-control'], 'no-cache');
      assert.ok(!('content-encoding' in fields));
      assert.equal(eventsOf(body).at(-1), '[DONE]');
      assert.equal(heard(body).text, counted(20));
    });

    test('chats with a slash too many, as when the endpoint ends in one', async () => {
      const { body } = await exchange(way.url, post('//v1/chat/completions'), chatBody(user('Repeat exactly: Hi')));
      assert.equal(heard(body).text, 'Hi');
    });

    test('chats in each of its ways to say what the system is', async () => {
      for (const messages of [
        [{ role: 'system', content: 'Be brief.' }, ...user('Repeat exactly: Hi')],
        [{ role: 'developer', content: 'Be brief.' }, ...user('Repeat exactly: Hi')],
        user('<SYSTEM_MESSAGE>\nBe brief.\n</SYSTEM_MESSAGE>\nRepeat exactly: Hi'),
        [...user('(empty message)'), { role: 'assistant', content: '(empty message)' }, ...user('Repeat exactly: Hi')],
      ])
        assert.equal(heard((await ask(messages)).body).text, 'Hi');
    });

    test('calls tools whose properties have no type, and goes on with the answer', async () => {
      const properties = { city: { description: 'The city' }, unit: { description: 'The unit' } };
      const parameters = { type: 'object', properties };
      const tools = [
        { type: 'function', function: { name: 'get_weather', description: 'Tells the weather', parameters } },
      ];
      const { tool, text } = heard((await ask(user('Weather in Paris and Rome?'), { tools })).body);
      assert.equal(text, '');
      assert.equal(tool.name, 'get_weather');
      assert.ok(tool.id);
      assert.deepEqual(JSON.parse(tool.arguments), { city: 'Paris' });
      const history = [
        ...user('Weather in Paris?'),
        {
          role: 'assistant',
          content: '(empty message)',
          tool_calls: [{ type: 'function', id: tool.id, function: { name: tool.name, arguments: tool.arguments } }],
        },
        { role: 'tool', content: '21 degrees', tool_call_id: tool.id },
      ];
      assert.match(heard((await ask(history, { tools })).body).text, /21 degrees/);
    });

    test('hears of a failure before the answer, and within it', async () => {
      const early = await ask(user('Fail now'));
      assert.equal(early.status, 502);
      assert.match(JSON.parse(early.body).error.message, /asked to/);
      const late = heard((await ask(user('Fail midway'))).body);
      assert.equal(late.text, 'Failing');
      assert.match(late.failure.message, /asked to/);
    });

    test('completes code by Ollama, with each kind of stop', async () => {
      for (const stop of [['\n', '\r\n'], ['\n\n', '\r\n\r\n'], []]) {
        const { status, fields, body } = await exchange(way.url, fillIn, fillInBody(stop));
        assert.equal(status, 200);
        assert.match(fields['content-type'], /^application\/x-ndjson/);
        const parts = linesOf(body);
        assert.match(parts.map((one) => one.response).join(''), /\{.*\}/);
        assert.equal(parts.at(-1).done, true);
      }
    });

    test('completes code by its OpenAI-compatible provider', async () => {
      const body = JSON.stringify(
        { model: 'echo:latest', prompt: 'int main() {', suffix: '}', stop: [], max_tokens: 300 },
        null,
        2,
      );
      const answer = await exchange(way.url, post('/v1/completions').replace('noop', way.token), body);
      assert.match(JSON.parse(answer.body).choices[0].text, /\{.*\}/);
    });
  });

describe('Void, of which the user is not known', () => {
  const { url, token } = adapters.guarded;
  const body = chatBody(user('Repeat exactly: in'));

  test('lists models, but chats and completes only with a token', async () => {
    assert.equal((await exchange(url, list)).status, 200);
    const refused = await exchange(url, chat, body);
    assert.equal(refused.status, 401);
    assert.equal(refused.fields['www-authenticate'], 'Bearer');
    assert.equal(JSON.parse(refused.body).error.code, 'invalid_api_key');
    const incomplete = await exchange(url, fillIn, fillInBody([]));
    assert.equal(incomplete.status, 401);
    assert.equal(typeof JSON.parse(incomplete.body).error, 'string');
    assert.equal(heard((await exchange(url, chat.replace('noop', token), body)).body).text, 'in');
  });

  test('may ask in vain as often as it likes with the key that it makes up', async () => {
    for (let i = 0; i !== 40; ++i) assert.equal((await exchange(url, chat, body)).status, 401);
    assert.equal((await exchange(url, chat.replace('noop', token), body)).status, 200);
  });
});

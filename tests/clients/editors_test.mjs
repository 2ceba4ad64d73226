// What editors and tools without a package to run here ask of an "Ollama": their requests, and what they check in the
// answers, by their sources.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';

import { adapters, counted, ways } from './adapters.mjs';
import { eventsOf, exchange, linesOf } from './wire.mjs';

const model = 'echo:latest';
const user = (content) => [{ role: 'user', content }];

function suite(way) {
  const get = (path, headers) => fetch(way.url + path, { headers });
  const post = (path, body, headers) =>
    fetch(way.url + path, {
      method: 'POST',
      headers: { 'Content-Type': 'application/json', ...headers },
      body: typeof body === 'string' ? body : JSON.stringify(body),
    });
  const json = async (answer) => {
    assert.match(answer.headers.get('content-type'), /^application\/json/);
    return answer.json();
  };
  const listed = async () => (await json(await get('/api/tags'))).models;

  describe(`the ollama command, ${way.way}`, () => {
    test('looks whether there is a server', async () => {
      const { status, fields } = await exchange(
        way.url,
        'HEAD / HTTP/1.1\nHost: HOST\nUser-Agent: ollama/0.32.15 (amd64 linux) Go/go1.24.1',
      );
      assert.equal(status, 200);
      assert.equal(fields['content-length'], '17');
      assert.equal(await (await get('/')).text(), 'Ollama is running');
      for (const path of ['/api/version', '/api/tags'])
        assert.equal((await fetch(way.url + path, { method: 'HEAD' })).status, 200);
    });

    test('is refused what manages models', async () => {
      const digest = `sha256:${'0'.repeat(64)}`;
      for (const [method, path] of [
        ['POST', '/api/create'],
        ['POST', '/api/copy'],
        ['POST', '/api/push'],
        ['DELETE', '/api/delete'],
        ['POST', `/api/blobs/${digest}`],
        ['HEAD', `/api/blobs/${digest}`],
      ]) {
        const answer = await fetch(way.url + path, { method });
        assert.equal(answer.status, 403, path);
        if (method !== 'HEAD') assert.equal(typeof (await json(answer)).error, 'string');
      }
    });
  });

  describe(`VS Code with Copilot, ${way.way}`, () => {
    test('compares the version, and takes the Chat Completions API for what it offers', async () => {
      const { version } = await json(await get('/api/version'));
      assert.match(version, /^\d+\.\d+\.\d+$/);
      const [major, minor, patch] = version.split('.').map(Number);
      const number = major * 1e6 + minor * 1e3 + patch;
      assert.ok(number >= 6_004, 'VS Code refuses what is older than 0.6.4');
      assert.ok(number < 13_004, 'Codex takes 0.13.4 for a server with the Responses API');
    });

    test('reads the window and the name of every model', async () => {
      const models = await listed();
      assert.equal(models.length, 2);
      for (const { name } of models) {
        const shown = await json(await post('/api/show', { model: name }, { 'User-Agent': 'GitHubCopilotChat/0.40' }));
        const architecture = shown.model_info['general.architecture'];
        assert.ok(shown.model_info[`${architecture}.context_length`] > 4096);
        assert.ok(shown.model_info['general.basename']);
        assert.ok(Array.isArray(shown.capabilities));
      }
    });

    test('chats with a key', async () => {
      const answer = await post(
        '/v1/chat/completions',
        { model, messages: user('Repeat exactly: Hi') },
        { Authorization: `Bearer ${way.token}` },
      );
      assert.equal((await json(answer)).choices[0].message.content, 'Hi');
    });
  });

  describe(`Zed, ${way.way}`, () => {
    test('parses the list strictly, and shows every model', async () => {
      for (const one of await listed()) {
        assert.equal(typeof one.name, 'string');
        assert.equal(typeof one.modified_at, 'string');
        assert.ok(Number.isInteger(one.size) && one.size >= 0);
        assert.equal(typeof one.digest, 'string');
        for (const name of ['format', 'family', 'parameter_size', 'quantization_level'])
          assert.equal(typeof one.details[name], 'string');
        assert.equal((await post('/api/show', { model: one.name })).status, 200);
      }
    });

    test('parses each line of a chat, with calls whose arguments are objects', async () => {
      const tools = [
        {
          type: 'function',
          function: { name: 'get_weather', parameters: { type: 'object', properties: { city: { type: 'string' } } } },
        },
      ];
      const options = { num_ctx: 16384, stop: ['<|im_end|>'], temperature: 1.0 };
      const ask = async (content) => {
        const request = { model, messages: user(content), stream: true, keep_alive: -1, options, tools, think: null };
        return exchange(
          way.url,
          'POST /api/chat HTTP/1.1\nhost: HOST\ncontent-type: application/json\ncontent-length: LENGTH',
          JSON.stringify(request),
        );
      };
      const counting = await ask('Count from 1 to 10');
      assert.equal(counting.fields['content-type'], 'application/x-ndjson');
      assert.equal(
        linesOf(counting.body)
          .map((one) => one.message.content)
          .join(''),
        counted(10),
      );
      const calls = linesOf((await ask('Weather in Paris and Rome?')).body).flatMap(
        (one) => one.message.tool_calls ?? [],
      );
      assert.deepEqual(
        calls.map((one) => one.function.arguments),
        [{ city: 'Paris' }, { city: 'Rome' }],
      );
    });

    test('asks for predictions of edits without a key', async () => {
      const request = {
        model,
        prompt: 'int main() {',
        suffix: '}',
        raw: true,
        stream: false,
        options: { num_predict: 64, stop: ['<|file_sep|>'] },
        keep_alive: -1,
      };
      assert.match((await json(await post('/api/generate', request))).response, /\{.*\}/);
    });

    test('chats by its OpenAI-compatible provider, even with an empty key', async () => {
      const request = {
        model,
        messages: user('Repeat exactly: Hi'),
        stream: true,
        stream_options: { include_usage: true },
        max_completion_tokens: 4096,
        tools: [],
      };
      for (const authorization of ['Bearer ', `Bearer ${way.token}`]) {
        const head = `POST /v1/chat/completions HTTP/1.1\nhost: HOST\ncontent-type: application/json\nauthorization: ${authorization}\ncontent-length: LENGTH`;
        const events = eventsOf((await exchange(way.url, head, JSON.stringify(request))).body);
        assert.equal(events.pop(), '[DONE]');
        const chunks = events.map((one) => JSON.parse(one));
        for (const chunk of chunks) assert.ok(chunk.choices.every((one) => Number.isInteger(one.index) && one.delta));
        const { usage } = chunks.at(-1);
        for (const name of ['prompt_tokens', 'completion_tokens', 'total_tokens'])
          assert.ok(Number.isInteger(usage[name]), name);
      }
    });
  });

  describe(`Continue, ${way.way}`, () => {
    test('shows a model by the old member, and reads its template and parameters', async () => {
      const shown = await json(await post('/api/show', { name: model }));
      assert.ok(shown.template.includes('.Suffix'), 'it offers to fill in');
      const parameters = Object.fromEntries(
        shown.parameters.split('\n').map((line) => line.match(/^(\S+)\s+(.+)$/).slice(1)),
      );
      assert.ok(Number(parameters.num_ctx) > 0);
      const embedder = await json(await post('/api/show', { name: 'echo-embed' }));
      assert.ok(!embedder.template.includes('.Suffix'), 'it does not');
    });

    test('reads the name of an unknown model in the error', async () => {
      const answer = await post('/api/chat', { model: 'llama9', messages: user('Hi'), keep_alive: 1800 });
      assert.equal(answer.status, 404);
      assert.equal((await json(answer)).error.match(/model '(.*)' not found/)[1], 'llama9');
    });

    test('parses the body of every 404 as JSON', async () => {
      for (const path of ['/api/none', '/none', '/api/experimental/model-recommendations', '/api/chat/more'])
        for (const answer of [await get(path), await post(path, {})]) {
          assert.equal(answer.status, 404, path);
          assert.equal(typeof (await json(answer)).error, 'string');
        }
      for (const path of ['/v1/none', '/v1/systemone', '/v1/responses', '/v1']) {
        const answer = await post(path, {});
        assert.equal(answer.status, 404, path);
        assert.equal(typeof (await json(answer)).error.message, 'string');
      }
    });

    test('autocompletes, embeds, and chats with the usage at the end', async () => {
      const filled = await exchange(
        way.url,
        'POST /api/generate HTTP/1.1\nHost: HOST\nContent-Type: application/json\nContent-Length: LENGTH',
        JSON.stringify({
          model,
          prompt: 'a {',
          suffix: '}',
          raw: false,
          options: { num_ctx: 8192, stop: ['\n\n'] },
          keep_alive: 1800,
        }),
      );
      assert.equal(linesOf(filled.body).at(-1).done, true);
      const { embeddings } = await json(await post('/api/embed', { model: 'echo-embed', input: ['a', 'b', 'c'] }));
      assert.equal(embeddings.length, 3);
      const answer = await post('/v1/chat/completions', {
        model,
        messages: user('Hi'),
        stream: true,
        stream_options: { include_usage: true },
      });
      const text = await answer.text();
      assert.doesNotMatch(text, /^: ping/m);
      assert.ok(JSON.parse(eventsOf(text).at(-2)).usage.total_tokens > 0);
    });
  });

  describe(`Open WebUI, ${way.way}`, () => {
    test('checks the connection, and lists by model', async () => {
      const { version } = await json(await get('/api/version'));
      assert.ok(version.split('.').every((part) => Number.isInteger(Number(part))));
      assert.deepEqual((await listed()).map((one) => one.model).sort(), ['echo-embed:latest', model]);
      for (const one of (await json(await get('/api/ps'))).models) assert.ok(Date.parse(one.expires_at));
    });

    test('sends JSON as text, and asks for a model with its tag', async () => {
      const request = { model, messages: user('Repeat exactly: Hi'), stream: false };
      const answer = await post('/api/chat', request, { 'Content-Type': 'text/plain;charset=UTF-8' });
      assert.equal((await json(answer)).message.content, 'Hi');
    });

    test('unloads a model', async () => {
      const answer = await json(await post('/api/generate', { model, keep_alive: 0 }));
      assert.deepEqual([answer.done, answer.done_reason, answer.response], [true, 'unload', '']);
    });

    test('may not be another site in a browser', async () => {
      const origin = { Origin: 'https://webui.example' };
      for (const answer of [
        await get('/api/tags', origin),
        await post('/v1/chat/completions', { model, messages: user('Hi') }, origin),
      ])
        assert.equal(answer.status, 403);
      assert.equal((await get('/api/tags', { 'Sec-Fetch-Site': 'cross-site' })).status, 403);
    });
  });

  describe(`Koog and JetBrains' assistant, ${way.way}`, () => {
    test('know every capability', async () => {
      const known = new Set(['completion', 'tools', 'insert', 'vision', 'embedding', 'thinking', 'audio']);
      for (const { name } of await listed()) {
        const { capabilities } = await json(await post('/api/show', { name }));
        assert.ok(capabilities.length && capabilities.every((one) => known.has(one)), `${capabilities}`);
      }
    });

    test('chat and embed', async () => {
      const answer = await json(
        await post('/api/chat', { model, messages: user('Repeat exactly: Hi'), stream: false }),
      );
      assert.equal(answer.message.content, 'Hi');
      assert.ok((await json(await post('/api/embeddings', { model: 'echo-embed', prompt: 'Hi' }))).embedding.length);
    });

    test('pull a model that is there', async () => {
      const { body } = await exchange(
        way.url,
        'POST /api/pull HTTP/1.1\nHost: HOST\nContent-Length: LENGTH',
        JSON.stringify({ name: model }),
      );
      assert.equal(linesOf(body).at(-1).status, 'success');
    });
  });

  describe(`Codex, Claude Code and Cline, ${way.way}`, () => {
    test('Codex finds the models without a key, and no Responses API', async () => {
      assert.ok((await json(await get('/v1/models'))).data.some((one) => one.id === model));
      const answer = await post('/v1/responses', { model, input: 'Hi' });
      assert.equal(answer.status, 404);
      assert.equal((await json(answer)).error.type, 'not_found_error');
    });

    test('Claude Code finds no Messages API, and is told so in its own form', async () => {
      assert.equal((await fetch(`${way.url}/`, { method: 'HEAD' })).status, 200);
      for (const path of ['/v1/messages?beta=true', '/v1/v1/messages']) {
        const answer = await post(
          path,
          { model, max_tokens: 10, messages: user('Hi') },
          { 'x-api-key': way.token, 'anthropic-version': '2023-06-01' },
        );
        assert.equal(answer.status, 404);
        const { type, error } = await json(answer);
        assert.deepEqual([type, error.type], ['error', 'not_found_error']);
        assert.ok(answer.headers.get('request-id'));
      }
    });

    test('Cline lists with a slash too many', async () => {
      assert.equal((await json(await get('//api/tags'))).models.length, 2);
    });
  });

  describe(`curl, ${way.way}`, () => {
    const request = JSON.stringify({ model, messages: user('Repeat exactly: Hi'), stream: false });
    const form = 'Host: HOST\nUser-Agent: curl/7.88.1\nAccept: */*\nContent-Type: application/x-www-form-urlencoded';

    test('sends its body as a form', async () => {
      const { body } = await exchange(way.url, `POST /api/chat HTTP/1.1\n${form}\nContent-Length: LENGTH`, request);
      assert.equal(JSON.parse(body).message.content, 'Hi');
    });

    test('sends its body in chunks', async () => {
      const half = request.length >> 1;
      const chunks = [request.slice(0, half), request.slice(half), ''].map(
        (part) => `${part.length.toString(16)}\r\n${part}\r\n`,
      );
      const { body } = await exchange(
        way.url,
        `POST /api/chat?ts=1 HTTP/1.1\n${form}\nTransfer-Encoding: chunked`,
        chunks.join(''),
      );
      assert.equal(JSON.parse(body).message.content, 'Hi');
    });
  });
}

for (const way of ways) suite(way);

describe('a token', () => {
  const { url, token } = adapters.guarded;
  const ask = (headers) =>
    fetch(`${url}/v1/completions`, {
      method: 'POST',
      headers: { 'Content-Type': 'application/json', ...headers },
      body: JSON.stringify({ model, prompt: 'Hi' }),
    });

  test('is taken in every field in which a client can send it', async () => {
    const basic = (text) => ({ Authorization: `Basic ${Buffer.from(text).toString('base64')}` });
    for (const headers of [
      { Authorization: `Bearer ${token}` },
      { authorization: `bearer ${token}` },
      { 'x-api-key': token },
      basic(`user:${token}`),
    ])
      assert.equal((await ask(headers)).status, 200);
    for (const headers of [
      {},
      { Authorization: 'Bearer ollama' },
      { 'x-api-key': 'unused' },
      { Authorization: `Bearer ${token}x` },
      basic(`${token}:user`),
    ]) {
      const answer = await ask(headers);
      assert.equal(answer.status, 401);
      assert.equal(answer.headers.get('www-authenticate'), 'Bearer');
      assert.ok(!(await answer.text()).includes(token));
    }
  });
});

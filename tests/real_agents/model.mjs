// A model behind every agent: one endpoint on loopback that speaks OpenAI's chat completions and responses and Anthropic's
// messages, and does what the last words of its user say. What it was asked, and how each call ended, stays readable.
//
//   Repeat exactly: TEXT     says TEXT, in one piece
//   Count from 1 to N        says the numbers, one every `pace` ms
//   Write the file PATH      calls the first tool that can write one; then says what became of it
//   Fetch a prompt           calls get_next_prompt, then submit_response with "Answered: " and the prompt
//   Hang                     begins, and says nothing more
//   Fail now                 an error instead of an answer
//   How many turns           says how many turns of the user it sees
import http from 'node:http';

import { dialectOf } from './dialects.mjs';

export const pace = 50; // ms

const wait = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

export class Model {
  calls = [];

  async start(host = '127.0.0.1', port = 0) {
    this.server = http.createServer((request, response) => {
      this.serve(request, response).catch((error) => {
        this.calls.push({ path: request.url, broken: error.stack });
        response.destroy();
      });
    });
    this.server.keepAliveTimeout = 60_000;
    await new Promise((resolve) => this.server.listen(port, host, resolve));
    this.port = this.server.address().port;
    this.url = `http://${host}:${this.port}`;
    return this;
  }

  close() {
    this.server.close();
    this.server.closeAllConnections();
  }

  async serve(request, response) {
    let body = '';
    for await (const part of request.setEncoding('utf8')) body += part;
    const path = request.url.split('?')[0];
    const dialect = request.method === 'POST' ? dialectOf(path) : undefined;
    if (!dialect) {
      this.calls.push({ path: `${request.method} ${path}`, aside: true });
      const models = ['mock-model', 'mock-small'].map((id) => ({ id, object: 'model', created: 1, owned_by: 'tests' }));
      response.writeHead(path.endsWith('/models') ? 200 : 404, { 'content-type': 'application/json' });
      response.end(JSON.stringify(path.endsWith('/models') ? { object: 'list', data: models } : { error: {} }));
      return;
    }
    const asked = JSON.parse(body);
    const ask = dialect.read(asked);
    const aside = asked.model === 'mock-small'; // titles and the like
    const call = { path, began: performance.now(), prompt: ask.prompt, turns: ask.turns, tools: ask.tools, headers: request.headers, asked, aside, said: 0 };
    this.calls.push(call);
    response.once('close', () => {
      call.ended = performance.now();
      call.cut = !response.writableFinished;
    });
    const answer = dialect.answer(response, asked);
    for await (const step of aside ? [{ text: 'Aside.' }] : script(ask)) {
      if (response.destroyed) return;
      if (step.fail) return answer.fail(step.fail);
      if (step.hang) {
        answer.begin();
        return;
      }
      if (step.wait) await wait(step.wait);
      if (step.text) {
        answer.text(step.text);
        ++call.said;
      }
      if (step.call) answer.call(step.call.name, step.call.input);
    }
    answer.end();
  }

  /** The calls that asked for `words`, but for those that an agent makes aside. */
  of(words) {
    return this.calls.filter((call) => call.prompt?.includes(words) && !call.aside);
  }
}

async function* script(ask) {
  const { result } = ask;
  // Of a prompt that tells the past as well, the last line counts.
  const prompt = ask.prompt.trim().split('\n').at(-1);
  const said = /Repeat exactly: (.*)/.exec(prompt);
  if (said) return yield { text: said[1] };
  const counted = /Count from 1 to (\d+)/.exec(prompt);
  if (counted) {
    for (let number = 1; number <= Number(counted[1]); ++number)
      yield { text: `${number > 1 ? ' ' : ''}${number}`, wait: number > 1 ? pace : 0 };
    return;
  }
  if (prompt.includes('Hang')) return yield { hang: true };
  if (prompt.includes('Fail now')) return yield { fail: 'the model fails, as it was told' };
  if (prompt.includes('How many turns')) return yield { text: `I see ${ask.turns} turns.` };
  const file = /Write the file (\S+)/.exec(prompt);
  if (file) {
    if (result !== undefined) return yield { text: `The tool said: ${result.slice(0, 300)}` };
    const call = writing(ask.tools, file[1]);
    return yield call ? { call } : { text: `I have no tool that writes: ${ask.tools.join(', ')}` };
  }
  if (prompt.includes('Fetch a prompt')) {
    const named = (end) => ask.tools.find((tool) => tool.endsWith(end));
    if (!named('get_next_prompt')) return yield { text: `I have no tool to fetch with: ${ask.tools.join(', ')}` };
    if (result === undefined) return yield { call: { name: named('get_next_prompt'), input: { wait_seconds: 20 } } };
    const id = /"request_id"\s*:\s*"([^"]+)"/.exec(result.replaceAll('\\"', '"'))?.[1];
    if (!id) return yield { text: `Done: ${result.slice(0, 200)}` };
    const text = /Repeat exactly: ([^"\\]*)/.exec(result)?.[1] ?? 'nothing';
    return yield {
      call: { name: named('submit_response'), input: { request_id: id, text: `Answered: ${text}`, finish_reason: 'stop' } },
    };
  }
  yield { text: 'Aside.' };
}

/** The call of the first tool on offer that could write a file, in the words of its agent. */
function writing(tools, path) {
  const known = {
    Write: { file_path: path, content: 'written' },
    write: { filePath: path, content: 'written' },
    create: { path, file_text: 'written' },
    bash: { command: `echo written > ${path}`, description: 'writes a file' },
    Bash: { command: `echo written > ${path}`, description: 'writes a file' },
    exec_command: { cmd: `echo written > ${path}` },
    shell_command: { command: `echo written > ${path}` },
    shell: { command: ['sh', '-c', `echo written > ${path}`] },
    exec: { input: `const r = await tools.exec_command({cmd: "echo written > ${path}"}); text(JSON.stringify(r));` },
  };
  const name = Object.keys(known).find((one) => tools.includes(one));
  return name && { name, input: known[name] };
}

// What a test of one agent stands on: a model, a home for the agent, the built program in front of it, a client.
import { mkdir, mkdtemp, readdir, readFile, readlink, realpath, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

import { Adapter } from '../clients/program.mjs';
import { agents, furnish, linkPrograms } from './agents.mjs';
import { Model } from './model.mjs';

const folder = path.dirname(fileURLToPath(import.meta.url));

export const sleep = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

/** Waits until `done()` is true; throws `what` where it is not after `patience` ms. */
export async function until(done, what, patience = 5_000) {
  const end = performance.now() + patience;
  for (;;) {
    const found = await done();
    if (found) return found;
    if (performance.now() > end) throw new Error(`${what}: not within ${patience} ms`);
    await sleep(5);
  }
}

export class Stage {
  /** Starts everything; `settings` come on top of what the agent of that name needs (`none`: there is none). */
  static async open(name, settings = {}) {
    const stage = new Stage();
    stage.agent = agents[name] ?? { files: () => ({}), variables: () => ({}) };
    stage.root = await mkdtemp(path.join(tmpdir(), `real-${name}-`));
    stage.home = path.join(stage.root, 'home');
    await mkdir(stage.home);
    stage.model = await new Model().start();
    stage.bin = await linkPrograms(stage.root);
    await furnish(stage.home, stage.agent.files(stage.model.url));
    const variables = stage.agent.variables(stage.model.url);
    stage.adapter = new Adapter(process.env.REAL_AGENTS_PROGRAM, name, path.join(stage.root, 'state'));
    await stage.adapter.start({
      HOME: stage.home,
      REQUEST_TIMEOUT_SECONDS: '60', // some take ten seconds to start, on a busy machine more
      SECRET_OF_OURS: 'none of the agent\'s business',
      PATH: `${stage.bin}:${process.env.PATH}`,
      ...variables,
      ...stage.agent.settings,
      ...settings,
    });
    stage.url = stage.adapter.url;
    stage.token = stage.adapter.token;
    return stage;
  }

  /** Stops the program and looks at what it leaves: an audit log that verifies, and no process. */
  async close() {
    try {
      await this.adapter.stop();
      await this.adapter.verifyAudit();
      await until(async () => (await this.processes()).length === 0, 'the agents end with the program', 3_000);
    } catch (error) {
      const log = await readFile(this.adapter.log, 'utf8').catch(() => '');
      console.error(`--- what the program wrote to its log (the end)\n${log.slice(-6000)}`);
      throw error;
    } finally {
      this.adapter.kill();
      this.model.close();
      await rm(this.root, { recursive: true, force: true });
    }
  }

  /** The agent's own processes that run for this stage. */
  async processes() {
    if (!this.agent.program) return [];
    const program = await realpath(path.join(folder, 'node_modules', this.agent.program));
    const found = [];
    for (const id of (await readdir('/proc')).filter((one) => /^\d+$/.test(one))) {
      const runs = await readlink(`/proc/${id}/exe`).catch(() => '');
      if (runs !== program) continue;
      const environment = await readFile(`/proc/${id}/environ`, 'utf8').catch(() => '');
      if (environment.split('\0').includes(`HOME=${this.home}`)) found.push({ id: Number(id), environment });
    }
    return found;
  }

  ask(messages, options = {}) {
    const { signal, token = this.token, model = this.agent.model, ...rest } = options;
    if (typeof messages === 'string') messages = [{ role: 'user', content: messages }];
    return fetch(`${this.url}/v1/chat/completions`, {
      method: 'POST',
      signal,
      headers: { 'content-type': 'application/json', authorization: `Bearer ${token}` },
      body: JSON.stringify({ model, messages, ...rest }),
    });
  }

  /** The text of an answer in one piece; with an error, its status and message. */
  async chat(messages, options) {
    const answer = await this.ask(messages, options);
    const body = await answer.json();
    if (!answer.ok) return { status: answer.status, text: '', error: body.error.message, body };
    return { status: 200, text: body.choices[0].message.content ?? '', body };
  }

  /** The events of a stream, each with the moment at which it came; the last one is `[DONE]` or an error. */
  async *stream(messages, options) {
    const answer = await this.ask(messages, { ...options, stream: true });
    if (!answer.ok) throw new Error(`${answer.status}: ${await answer.text()}`);
    let rest = '';
    for await (const part of answer.body.pipeThrough(new TextDecoderStream())) {
      rest += part;
      for (let end = rest.indexOf('\n\n'); end >= 0; end = rest.indexOf('\n\n')) {
        const event = rest.slice(0, end);
        rest = rest.slice(end + 2);
        if (!event.startsWith('data: ')) continue;
        const data = event.slice(6);
        const value = data === '[DONE]' ? { done: true } : JSON.parse(data);
        yield { at: performance.now(), text: value.choices?.[0]?.delta?.content ?? '', ...value };
      }
    }
  }
}

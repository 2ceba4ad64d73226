// The built program, started with a state folder of its own and stopped by its process id.
import { execFile, spawn } from 'node:child_process';
import { mkdir, open } from 'node:fs/promises';
import path from 'node:path';
import { promisify } from 'node:util';

const patience = 10_000; // ms, also for a program that is slowed down by a sanitizer
const execute = promisify(execFile);
const within = (promise, what) => {
  let timer;
  const late = new Promise((_, reject) => {
    timer = setTimeout(() => reject(new Error(`${what} took more than ${patience} ms`)), patience);
  });
  return Promise.race([promise, late]).finally(() => clearTimeout(timer));
};

export class Adapter {
  constructor(program, name, state) {
    Object.assign(this, { program, name, state, log: path.join(state, 'log') });
  }

  facts() {
    const { url, bridge, token, hostToken, state } = this;
    return { url, bridge, token, hostToken, state, audit: path.join(state, 'audit.jsonl') };
  }

  /** Starts `serve` and waits until it lists models. Nothing of the caller's environment gets in its way. */
  async start(settings) {
    await mkdir(this.state, { mode: 0o700 });
    const sanitizers = Object.entries(process.env).filter(([key]) => key.endsWith('SAN_OPTIONS'));
    this.environment = {
      ...Object.fromEntries(sanitizers),
      PATH: process.env.PATH,
      HOME: this.state,
      STATE_DIR: this.state,
      ADAPTER_PORT: '0',
      BRIDGE_PORT: '0',
      ENABLE_RATE_LIMITING: 'false',
      MAX_REQUESTS_PER_SESSION: '1000000',
      MAX_CONCURRENT_REQUESTS: '1000',
      ...settings,
    };
    this.token = await this.run('token', 'create', '--label', 'clients');
    this.hostToken = await this.run('token', 'create', '--label', 'hosts', '--scopes', 'agent');
    const log = await open(this.log, 'w', 0o600);
    this.child = spawn(this.program, ['serve'], {
      cwd: this.state,
      env: this.environment,
      stdio: ['ignore', 'pipe', log.fd],
    });
    this.exit = new Promise((resolve) => this.child.once('exit', (code, signal) => resolve(signal ?? code)));
    await log.close();
    this.url = await within(this.ready(), `${this.name}: the start`);
    await within(this.listed(), `${this.name}: its list of models`);
  }

  /** The address in the `ready` line. Its pipe stays open: nobody should break a server's stdout. */
  ready() {
    return new Promise((resolve, reject) => {
      let said = '';
      this.child.stdout.setEncoding('utf8').on('data', (part) => {
        said += part;
        const found = /^ready adapter=(http:\/\/127\.0\.0\.1:\d+)\b.*\n/m.exec(said);
        this.bridge = / bridge=(\S+)/.exec(found?.[0])?.[1];
        if (found) resolve(found[1]);
      });
      this.exit.then((code) => reject(new Error(`${this.name} ended with ${code} before it was ready: ${said}`)));
    });
  }

  async listed() {
    for (;;) {
      const answer = await fetch(`${this.url}/v1/models`);
      if ((await answer.json()).data.length) return;
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  }

  /** Runs another command on the same state; returns what it printed. */
  async run(...command) {
    const ran = execute(this.program, command, { cwd: this.state, env: this.environment, timeout: patience });
    return (await ran).stdout.trim();
  }

  kill() {
    if (this.child?.exitCode === null && this.child.signalCode === null) this.child.kill('SIGKILL');
  }

  async stop() {
    if (!this.child) return;
    this.child.kill('SIGTERM');
    const code = await within(this.exit, `${this.name}: its end`);
    if (code !== 0) throw new Error(`${this.name} ended with ${code}, not 0`);
  }

  async verifyAudit() {
    if (this.url) await this.run('audit', 'verify');
  }
}

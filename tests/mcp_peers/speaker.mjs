// Talks to a server through the speaker, our client as a program.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';

const folder = path.dirname(fileURLToPath(import.meta.url));
const own = ['x64', 'arm64']
  .map((cpu) => path.join(folder, 'node_modules', `node-linux-${cpu}`, 'bin', 'node'))
  .find((file) => existsSync(file));

/** A node of version 22 or later: the conformance suite needs it. */
export const node22 = Number(process.versions.node.split('.')[0]) >= 22 ? process.execPath : own;
export const inPackage = (...parts) => path.join(folder, 'node_modules', ...parts);
export const inFolder = (name) => path.join(folder, name);

/** Gives a server orders, one after the other, and returns what was said to each: [{ last, all }], hello first, bye last. */
export async function converse(server, orders, environment = {}) {
  const child = spawn(process.env.PEERS_SPEAKER, server, {
    stdio: ['pipe', 'pipe', 'pipe'],
    env: { ...process.env, ...environment },
  });
  let errors = '';
  child.stderr.on('data', (bytes) => (errors += bytes));
  child.stdin.end(orders.map((order) => `${JSON.stringify(order)}\n`).join(''));
  const turns = [];
  let all = [];
  for await (const line of createInterface({ input: child.stdout })) {
    const said = JSON.parse(line);
    all.push(said);
    if (!('result' in said || 'error' in said || 'revision' in said || 'strays' in said)) continue;
    turns.push({ last: said, all });
    all = [];
  }
  const code = child.exitCode ?? (await new Promise((resolve) => child.once('close', resolve)));
  assert.equal(code, 0, errors);
  assert.equal(turns.length, orders.length + 2, JSON.stringify(turns));
  return turns;
}

/** Starts a server that prints its URL, and ends it with the test. */
export async function startServer(context, command, args, environment, urlOf) {
  const child = spawn(command, args, { stdio: ['pipe', 'pipe', 'pipe'], env: { ...process.env, ...environment } });
  context.after(() => child.kill('SIGKILL'));
  let said = '';
  const heard = new Promise((resolve, reject) => {
    const listen = (bytes) => {
      said += bytes;
      const url = urlOf(said);
      if (url) resolve(url);
    };
    child.stdout.on('data', listen);
    child.stderr.on('data', listen);
    child.once('close', () => reject(new Error(`the server ended: ${said}`)));
  });
  return { url: await heard, said: () => said };
}

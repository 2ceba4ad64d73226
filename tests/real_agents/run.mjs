// run.mjs PROGRAM: real agents behind the built program, and as hosts of its MCP server. Installs them (npm ci), goes where
// there is no network but loopback, and runs every *_test.mjs.
// Exits with 0, with 1 when something failed, or with 77 when nothing failed but agents could not be had.
import { spawn, spawnSync } from 'node:child_process';
import { readdir } from 'node:fs/promises';
import path from 'node:path';
import { run } from 'node:test';
import { spec } from 'node:test/reporters';
import { fileURLToPath } from 'node:url';

import { install } from '../clients/install.mjs';
import { goOnWithRecentNode } from '../node/recent.mjs';
import { agents, missing } from './agents.mjs';

const folder = path.dirname(fileURLToPath(import.meta.url));
const [program, ...only] = process.argv.slice(2);
if (!program) {
  console.error('usage: node run.mjs PROGRAM [TEST-FILE...]');
  process.exit(2);
}

if (!process.env.REAL_AGENTS_OFFLINE) {
  const tooOld = await goOnWithRecentNode(fileURLToPath(import.meta.url));
  const why = tooOld || (await install(folder, 'the agents, some 500 MB', 400_000));
  if (why) console.error(`\nNOT INSTALLED: ${why}`);
  // A namespace of its own has no way out; as root at once, else as root of a namespace of users.
  const away = ['-n', '-rn'].find((how) => spawnSync('unshare', [how, 'ip', 'link', 'set', 'lo', 'up']).status === 0);
  const again = [process.execPath, fileURLToPath(import.meta.url), ...process.argv.slice(2)];
  const inside = ['unshare', away, 'sh', '-c', 'ip link set lo up && exec "$@"', 'sh', ...again];
  if (!away) console.error('\nNOT ISOLATED: there is no `unshare -n` with `ip` here; the agents could reach the network');
  const [command, ...args] = away ? inside : again;
  const child = spawn(command, args, { stdio: 'inherit', env: { ...process.env, REAL_AGENTS_OFFLINE: '1' } });
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => child.kill(signal));
  process.exit(await new Promise((resolve) => child.once('exit', (code) => resolve(code ?? 1))));
}

process.env.REAL_AGENTS_PROGRAM = path.resolve(program);
const files = (only.length ? only : (await readdir(folder)).filter((name) => name.endsWith('_test.mjs')))
  .sort()
  .map((name) => path.join(folder, path.basename(name)));
let failures = 0;
const results = run({ files, concurrency: 2, timeout: 240_000 });
results.on('test:fail', () => ++failures);
const shown = results.compose(new spec());
shown.pipe(process.stdout);
await new Promise((resolve) => shown.on('end', resolve));

const absent = (await Promise.all(Object.values(agents).map(missing))).filter((why) => why);
for (const why of absent) console.error(`\nSKIPPED: ${why}`);
process.exit(failures ? 1 : absent.length ? 77 : 0);

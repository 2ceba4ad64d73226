// run.mjs PROGRAM: real clients against the built program. Installs them (npm ci), starts the program in front of each
// kind of agent, runs every *_test.mjs, stops what it started and verifies the audit logs that are left.
// Exits with 0, with 1 when something failed, or with 77 when nothing failed but clients could not be had.
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { run } from 'node:test';
import { spec } from 'node:test/reporters';
import { fileURLToPath } from 'node:url';

import { goOnWithRecentNode } from '../node/recent.mjs';
import { install } from './install.mjs';
import { Adapter } from './program.mjs';
import { startThinker } from './thinker.mjs';

const folder = path.dirname(fileURLToPath(import.meta.url));
const [program, ...only] = process.argv.slice(2);
if (!program) {
  console.error('usage: node run.mjs PROGRAM [TEST-FILE...]');
  process.exit(2);
}

const tooOld = await goOnWithRecentNode(fileURLToPath(import.meta.url));
const scratch = await mkdtemp(path.join(tmpdir(), 'clients-'));
const adapters = [];
process.on('exit', () => adapters.forEach((one) => one.kill()));
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => process.exit(1));

async function start(name, settings) {
  const adapter = new Adapter(path.resolve(program), name, path.join(scratch, name));
  adapters.push(adapter);
  await adapter.start(settings);
  return adapter;
}

let failures = 0;
function fail(why) {
  ++failures;
  console.error(`\nFAILED: ${why}`);
}

const missing = tooOld || (await install(folder));
const thinker = await startThinker();
try {
  const direct = await start('direct', { AGENT: 'echo' });
  const behind = (url, key) => ({ AGENT: 'openai', AGENT_OPENAI_URL: `${url}/v1`, AGENT_OPENAI_KEY: key });
  await start('chained', behind(direct.url, direct.token));
  await start('thinking', behind(thinker.url, 'sk-thinker'));
  await start('guarded', { AGENT: 'echo', LOCAL_USERS: 'none' });
  const patience = { REQUEST_TIMEOUT_SECONDS: '4', AGENT_LEASE_SECONDS: '1' };
  await start('pull', { AGENT: 'mcp-pull', ...patience });
  await start('sampling', { AGENT: 'mcp-sampling', ...patience });

  process.env.CLIENTS_ADAPTERS = JSON.stringify(Object.fromEntries(adapters.map((one) => [one.name, one.facts()])));
  process.env.CLIENTS_MISSING = missing;
  const files = (only.length ? only : (await readdir(folder)).filter((name) => name.endsWith('_test.mjs')))
    .sort()
    .map((name) => path.join(folder, path.basename(name)));
  const results = run({ files, concurrency: 2, timeout: 60_000 });
  results.on('test:fail', () => ++failures);
  const shown = results.compose(new spec());
  shown.pipe(process.stdout);
  await new Promise((resolve) => shown.on('end', resolve));
} catch (error) {
  fail(error.stack);
}

for (const adapter of [...adapters].reverse()) {
  await adapter.stop().catch((error) => fail(error.message));
  await adapter.verifyAudit().catch((error) => fail(error.message));
}
thinker.close();
if (failures)
  for (const adapter of adapters) {
    const log = await readFile(adapter.log, 'utf8').catch(() => '');
    if (log) console.error(`\n--- what ${adapter.name} wrote to its log (the end)\n${log.slice(-4000)}`);
  }
await rm(scratch, { recursive: true, force: true });
if (missing) console.error(`\nSKIPPED: all tests with packages from npm did not run: ${missing}`);
process.exit(failures ? 1 : missing ? 77 : 0);

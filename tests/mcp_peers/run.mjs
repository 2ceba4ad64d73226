// run.mjs SPEAKER CONFORMANCE-CLIENT FIXTURE [TEST-FILE...]: our MCP client against servers that we did not write, and against the
// conformance suite. Installs them (npm ci) and runs every *_test.mjs.
// Exits with 0, with 1 when something failed, or with 77 when nothing failed but peers could not be had.
import { readdir } from 'node:fs/promises';
import path from 'node:path';
import { run } from 'node:test';
import { spec } from 'node:test/reporters';
import { fileURLToPath } from 'node:url';

import { install } from '../clients/install.mjs';
import { goOnWithRecentNode } from '../node/recent.mjs';

const folder = path.dirname(fileURLToPath(import.meta.url));
const [speaker, conformanceClient, fixture, ...only] = process.argv.slice(2);
if (!fixture) {
  console.error('usage: node run.mjs SPEAKER CONFORMANCE-CLIENT FIXTURE [TEST-FILE...]');
  process.exit(2);
}
const missing =
  (await goOnWithRecentNode(fileURLToPath(import.meta.url))) ||
  (await install(folder, 'MCP servers and the conformance suite, some 150 MB', 300_000));
if (missing) {
  console.error(`\nSKIPPED: no MCP server that we did not write was tried: ${missing}`);
  process.exit(77);
}

process.env.PEERS_SPEAKER = path.resolve(speaker);
process.env.PEERS_CONFORMANCE_CLIENT = path.resolve(conformanceClient);
process.env.PEERS_FIXTURE = path.resolve(fixture);
const files = (only.length ? only : (await readdir(folder)).filter((name) => name.endsWith('_test.mjs')))
  .sort()
  .map((name) => path.join(folder, path.basename(name)));
let failures = 0;
let skipped = 0;
const results = run({ files, concurrency: 2, timeout: 240_000 });
results.on('test:fail', () => ++failures);
results.on('test:pass', ({ skip }) => (skipped += skip === undefined ? 0 : 1));
const shown = results.compose(new spec());
shown.pipe(process.stdout);
await new Promise((resolve) => shown.on('end', resolve));
process.exit(failures ? 1 : skipped ? 77 : 0);

// run.mjs FIXTURE: the conformance suites, the SDKs' clients and the specification's schemas against the fixture server.
// Exits with 0, with 1 when something failed, or with 77 when nothing failed but something could not be had.
import { readdir } from 'node:fs/promises';
import path from 'node:path';
import { run } from 'node:test';
import { spec } from 'node:test/reporters';
import { fileURLToPath } from 'node:url';

import { install } from '../clients/install.mjs';
import { goOnWithRecentNode } from '../node/recent.mjs';

const folder = path.dirname(fileURLToPath(import.meta.url));
const [fixture, ...only] = process.argv.slice(2);
if (!fixture) {
  console.error('usage: node run.mjs FIXTURE [TEST-FILE...]');
  process.exit(2);
}

// The suite wants a newer Node than the other clients.
const missing =
  (await goOnWithRecentNode(fileURLToPath(import.meta.url), 22)) || (await install(folder, 'the conformance suite'));
if (missing) {
  console.error(`\nSKIPPED: nothing was tested against the conformance suite and the SDKs: ${missing}`);
  process.exit(77);
}
process.env.CONFORMANCE_FIXTURE = path.resolve(fixture);
const files = (only.length ? only : (await readdir(folder)).filter((name) => name.endsWith('_test.mjs')))
  .sort()
  .map((name) => path.join(folder, path.basename(name)));
let failures = 0;
let skipped = 0;
const results = run({ files, concurrency: 2, timeout: 240_000 });
results.on('test:fail', () => ++failures);
results.on('test:pass', (one) => (skipped += one.skip !== undefined ? 1 : 0));
const shown = results.compose(new spec());
shown.pipe(process.stdout);
await new Promise((resolve) => shown.on('end', resolve));
if (skipped) console.error(`\nSKIPPED: ${skipped} tests, for the reasons above`);
process.exit(failures ? 1 : skipped ? 77 : 0);

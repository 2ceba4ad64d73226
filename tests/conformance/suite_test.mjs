// The official suite, old and new, without a list of expected failures.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after, before, test } from 'node:test';
import { fileURLToPath } from 'node:url';

import { startFixture } from './fixture.mjs';

const modules = path.join(path.dirname(fileURLToPath(import.meta.url)), 'node_modules');
const suites = {
  new: path.join(modules, '@modelcontextprotocol', 'conformance', 'dist', 'index.js'),
  old: path.join(modules, 'conformance-0.1', 'dist', 'index.js'),
};
const extension = /^tasks-|^sep-2640-/; // extensions of the protocol, which this server does not offer

let fixture;
before(async () => (fixture = await startFixture()));
after(() => fixture.stop());

/** Runs a suite; returns its exit code, what it printed, and every check that is neither passed nor only information. */
async function runSuite(which, ...options) {
  const results = await mkdtemp(path.join(tmpdir(), 'conformance-'));
  try {
    const child = spawn(process.execPath, [suites[which], 'server', '--url', fixture.url, '-o', results, ...options]);
    let said = '';
    for (const stream of [child.stdout, child.stderr]) stream.setEncoding('utf8').on('data', (part) => (said += part));
    const code = await new Promise((resolve) => child.once('exit', resolve));
    const scenarios = [];
    const wrong = [];
    for (const folder of await readdir(results)) {
      const scenario = folder.replace(/^server-/, '').replace(/-\d{4}-\d{2}-\d{2}T.*$/, '');
      scenarios.push(scenario);
      if (extension.test(scenario)) continue;
      for (const check of JSON.parse(await readFile(path.join(results, folder, 'checks.json'), 'utf8')))
        if (!['SUCCESS', 'INFO'].includes(check.status))
          wrong.push(`${scenario}: ${check.status} ${check.id}: ${check.errorMessage ?? JSON.stringify(check.details)}`);
    }
    return { code, said, scenarios, wrong };
  } finally {
    await rm(results, { recursive: true, force: true });
  }
}

function passes({ code, said, scenarios, wrong }, least, ...named) {
  assert.deepEqual(wrong, [], said.slice(-2000));
  assert.equal(code, 0, said.slice(-2000));
  assert.ok(scenarios.length >= least, `${scenarios.length} scenarios ran, not ${least}`);
  for (const name of named) assert.ok(scenarios.includes(name), `${name} did not run`);
}

test('every scenario of 2025-11-25 passes, scored or not', async () => {
  passes(
    await runSuite('new', '--requirements', '2025-11-25'),
    33,
    'server-session-lifecycle',
    'json-schema-2020-12',
    'server-sse-polling',
  );
});

test('every scenario of 2026-07-28 passes, scored or not, but for extensions', async () => {
  passes(
    await runSuite('new', '--requirements', '2026-07-28'),
    40,
    'json-schema-2020-12',
    'http-header-validation',
    'http-custom-header-server-validation',
  );
});

test('every scenario of the suite for the legacy era passes', async () => {
  passes(await runSuite('old', '--suite', 'all'), 30);
});

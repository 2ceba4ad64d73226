// The client scenarios of @modelcontextprotocol/conformance, both pinned versions, in every revision that they know.
// Out of scope: `auth/*`, since the client takes a token and speaks no OAuth, and `sep-2640-*`, an extension (skills) that it
// does not declare.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { test } from 'node:test';

import { inPackage, node22 } from './speaker.mjs';

const suites = {
  '0.2.0-alpha.12': inPackage('@modelcontextprotocol', 'conformance', 'dist', 'index.js'),
  '0.1.16': inPackage('conformance-0.1', 'dist', 'index.js'),
};
const isOutOfScope = (name) => name.startsWith('auth/') || name.startsWith('sep-2640-');

function suite(version, args) {
  return new Promise((resolve) => {
    const child = spawn(node22, [suites[version], ...args], { stdio: ['ignore', 'pipe', 'pipe'] });
    let said = '';
    for (const stream of [child.stdout, child.stderr]) stream.on('data', (bytes) => (said += bytes));
    child.once('close', (code) => resolve({ code, said }));
  });
}

/** Whether the suite's checks have failed, warned or never come. */
async function complaints(folder) {
  const all = [];
  for (const run of await readdir(folder)) {
    const checks = JSON.parse(await readFile(path.join(folder, run, 'checks.json'), 'utf8'));
    if (!checks.some(({ status }) => status === 'SUCCESS')) all.push(`${run}: nothing was checked`);
    for (const { id, status, errorMessage } of checks)
      if (status === 'FAILURE' || status === 'WARNING') all.push(`${id}: ${status} ${errorMessage ?? ''}`);
  }
  return all;
}

for (const version of Object.keys(suites))
  test(`the client passes every scenario of ${version} that needs no OAuth`, { skip: !node22 && 'node 22 is missing' }, async (t) => {
    const { said } = await suite(version, ['list', '--client']);
    const listed = [...said.matchAll(/^ +- (\S+) \[(.*)\]$/gm)].map(([, name, revisions]) => [name, revisions.split(',')]);
    const scenarios = listed.filter(([name]) => !isOutOfScope(name));
    assert.ok(scenarios.length >= (version === '0.1.16' ? 4 : 11), said);
    for (const [name, revisions] of scenarios)
      for (const revision of revisions)
        await t.test(`${name} in ${revision}`, async () => {
          const folder = await mkdtemp(path.join(tmpdir(), 'conformance-'));
          try {
            const command = ['client', '--command', process.env.PEERS_CONFORMANCE_CLIENT, '--scenario', name];
            const { code, said } = await suite(version, [...command, '--spec-version', revision, '-o', folder]);
            assert.deepEqual(await complaints(folder), [], said);
            assert.equal(code, 0, said);
          } finally {
            await rm(folder, { recursive: true, force: true });
          }
        });
  });

// Installs the packages of a folder's package-lock.json where they are not yet there.
import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';

/** Returns '' when all packages are there, or why they are not, at most `patience` ms later. */
export async function install(folder, what = 'the clients', patience = 150_000) {
  const wanted = createHash('sha256')
    .update(await readFile(path.join(folder, 'package-lock.json')))
    .digest('hex');
  const stamp = path.join(folder, 'node_modules', '.installed');
  if ((await readFile(stamp, 'utf8').catch(() => '')) === wanted) return '';

  console.error(`installing ${what} (npm ci)`);
  const options = ['--ignore-scripts', '--no-audit', '--no-fund', '--engine-strict=false', '--prefer-offline'];
  const network = ['--fetch-retries=1', '--fetch-retry-mintimeout=1000', '--fetch-timeout=30000'];
  const why = await new Promise((resolve) => {
    const how = { cwd: folder, timeout: patience, maxBuffer: 16 * 1024 * 1024 };
    execFile('npm', ['ci', ...options, ...network], how, (error, _, said) => {
      if (!error) return resolve('');
      const reason = said.split('\n').find((line) => /^npm (error|ERR!)/.test(line)) ?? error.message;
      resolve(error.killed ? `npm ci took more than ${patience / 1000} s` : `npm ci failed: ${reason}`);
    });
  });
  if (!why) await writeFile(stamp, wanted);
  return why;
}

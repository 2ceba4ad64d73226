// Lets a program go on under a recent Node where the system has an older one, as Debian 12 does: npm has it as a package.
import { spawn } from 'node:child_process';
import { access, constants } from 'node:fs/promises';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

import { install } from '../clients/install.mjs';

export const oldestNode = 20;

const folder = path.dirname(fileURLToPath(import.meta.url));

/** Returns '' under a recent Node, or why there is none. Otherwise runs the program again, and exits as it does. */
export async function goOnWithRecentNode(program, oldest = oldestNode) {
  const own = process.versions.node;
  if (Number(own.split('.')[0]) >= oldest) return '';
  const old = `node ${own} is too old, ${oldest} is needed`;
  const why = await install(folder, 'a recent node');
  if (why) return `${old}, and none could be had: ${why}`;
  const recent = path.join(folder, 'node_modules', `node-${process.platform}-${process.arch}`, 'bin', 'node');
  const usable = await access(recent, constants.X_OK).then(
    () => true,
    () => false,
  );
  if (!usable) return `${old}, and npm has none for ${process.platform} on ${process.arch}`;

  const child = spawn(recent, [program, ...process.argv.slice(2)], { stdio: 'inherit' });
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => child.kill(signal));
  process.exit(await new Promise((resolve) => child.once('exit', (code) => resolve(code ?? 1))));
}

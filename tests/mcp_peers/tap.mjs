// tap.mjs FILE COMMAND...: runs a server over stdio, and writes down what its client sends to it.
import { spawn } from 'node:child_process';
import { createWriteStream } from 'node:fs';

const [file, command, ...args] = process.argv.slice(2);
const server = spawn(command, args, { stdio: ['pipe', 'inherit', 'inherit'] });
const written = createWriteStream(file);
process.stdin.pipe(written);
process.stdin.pipe(server.stdin);
server.once('close', (code) => written.end(() => process.exit(code ?? 1)));

// The fixture server, started for one test and stopped by closing its input.
import { spawn } from 'node:child_process';

export const program = process.env.CONFORMANCE_FIXTURE;

export async function startFixture() {
  const child = spawn(program, ['http'], { stdio: ['pipe', 'pipe', 'inherit'] });
  const exit = new Promise((resolve) => child.once('exit', (code, signal) => resolve(signal ?? code)));
  const port = await new Promise((resolve, reject) => {
    child.stdout.setEncoding('utf8').once('data', (text) => resolve(Number(text)));
    exit.then((code) => reject(new Error(`the fixture ended with ${code}`)));
  });
  return {
    url: `http://localhost:${port}/mcp`,
    async stop() {
      child.stdin.end();
      const late = setTimeout(() => child.kill('SIGKILL'), 10_000);
      const code = await exit;
      clearTimeout(late);
      if (code !== 0) throw new Error(`the fixture ended with ${code}`);
    },
  };
}

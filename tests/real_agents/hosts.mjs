// The agents as hosts: run once for one prompt, without a terminal, the way a script would.
import { spawn } from 'node:child_process';
import { mkdir } from 'node:fs/promises';
import path from 'node:path';

import { agents, furnish, providerOf } from './agents.mjs';

/** For each host: its arguments, and the files and variables that tell it of the MCP server at `mcp.url`. */
const pulling = {
  opencode: ({ model, mcp, prompt }) => ({
    files: {
      '.config/opencode/opencode.json': JSON.stringify({
        ...JSON.parse(agents.opencode.files(model)['.config/opencode/opencode.json']),
        mcp: { provider: { type: 'remote', url: mcp.url, headers: bearer(mcp.token), enabled: true } },
      }),
    },
    args: ['run', prompt],
  }),
  codex: ({ model, mcp, prompt }) => ({
    files: {
      '.codex/config.toml': [
        agents.codex.files(model)['.codex/config.toml'],
        '[mcp_servers.provider]',
        `url = "${mcp.url}"`,
        'bearer_token_env_var = "PROVIDER_TOKEN"',
        'default_tools_approval_mode = "approve"',
      ].join('\n'),
    },
    variables: { PROVIDER_TOKEN: mcp.token },
    args: ['exec', '--skip-git-repo-check', prompt],
  }),
  claude: ({ mcp, prompt }) => ({
    files: {
      'mcp.json': JSON.stringify({
        mcpServers: { provider: { type: 'http', url: mcp.url, headers: bearer(mcp.token) } },
      }),
    },
    // Its search for tools would hide ours from the model.
    variables: { ENABLE_TOOL_SEARCH: 'false' },
    args: ['-p', prompt, '--mcp-config', '../mcp.json', '--allowedTools', 'mcp__provider'],
  }),
  copilot: ({ mcp, prompt }) => ({
    files: {
      '.copilot/mcp-config.json': JSON.stringify({
        mcpServers: { provider: { type: 'http', url: mcp.url, headers: bearer(mcp.token), tools: ['*'] } },
      }),
    },
    args: ['-p', prompt, '--allow-tool', 'provider'],
  }),
};

/** For those hosts that can have an endpoint of OpenAI's chat completions as their model. */
const asking = {
  opencode: ({ adapter, token, model, prompt }) => ({
    files: {
      '.config/opencode/opencode.json': JSON.stringify({
        model: `ours/${model}`,
        small_model: `ours/${model}`,
        autoupdate: false,
        share: 'disabled',
        enabled_providers: ['ours'],
        provider: { ours: providerOf(`${adapter}/v1`, token, [model]) },
      }),
    },
    args: ['run', prompt],
  }),
  copilot: ({ adapter, token, model, prompt }) => ({
    files: {},
    variables: { COPILOT_PROVIDER_BASE_URL: `${adapter}/v1`, COPILOT_PROVIDER_API_KEY: token, COPILOT_MODEL: model },
    args: ['-p', prompt],
  }),
};

function bearer(token) {
  return { Authorization: `Bearer ${token}` };
}

/** Runs a host to its end; returns its exit code and all that it printed. */
async function run(name, home, bin, modelUrl, { files, variables, args }, patience) {
  await furnish(home, files);
  const cwd = path.join(home, 'work');
  await mkdir(cwd, { recursive: true });
  const env = {
    PATH: `${bin}:${process.env.PATH}`,
    HOME: home,
    NO_COLOR: '1',
    ...agents[name].variables(modelUrl),
    ...variables,
  };
  const child = spawn(path.join(bin, name), args, { cwd, env, stdio: ['ignore', 'pipe', 'pipe'], detached: true });
  const late = setTimeout(() => process.kill(-child.pid, 'SIGKILL'), patience);
  let printed = '';
  for (const stream of [child.stdout, child.stderr]) stream.setEncoding('utf8').on('data', (part) => (printed += part));
  const code = await new Promise((resolve) => child.once('close', (code, signal) => resolve(signal ?? code)));
  clearTimeout(late);
  return { code, printed };
}

export const canAsk = Object.keys(asking);

export const pull = (name, { home, bin, modelUrl, mcp, prompt, patience = 60_000 }) =>
  run(name, home, bin, modelUrl, pulling[name]({ model: modelUrl, mcp, prompt }), patience);

export const ask = (name, { home, bin, adapter, token, model, prompt, patience = 60_000 }) =>
  run(name, home, bin, 'http://127.0.0.1:9', asking[name]({ adapter, token, model, prompt }), patience);

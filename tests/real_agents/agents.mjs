// The agents from npm: where their programs are, what makes them ask the model of model.mjs and nobody else, and the
// command line by which the bridge starts them (as docs/agents.md has it).
import { access, chmod, mkdir, symlink, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

const folder = path.dirname(fileURLToPath(import.meta.url));
const system = `${process.platform}-${process.arch}`;

/** The wish of model.mjs's user is the agent's model, whatever else its maker would ask. */
export const agents = {
  opencode: {
    title: 'OpenCode',
    program: `opencode-${system}/bin/opencode`,
    settings: { AGENT: 'acp', AGENT_COMMAND: 'opencode acp' },
    model: 'agent:latest',
    variables: () => ({}),
    files: (url) => ({
      '.config/opencode/opencode.json': JSON.stringify({
        model: 'mock/mock-model',
        small_model: 'mock/mock-small',
        autoupdate: false,
        share: 'disabled',
        enabled_providers: ['mock'],
        provider: { mock: providerOf(`${url}/v1`, 'sk-mock', ['mock-model', 'mock-small']) },
      }),
    }),
    sessionOf: (call) => call.headers['x-session-id'],
  },
  codex: {
    title: 'Codex',
    program: `@openai/codex-${system}/vendor/${process.arch === 'x64' ? 'x86_64' : 'aarch64'}-unknown-linux-musl/bin/codex`,
    settings: { AGENT: 'codex' },
    model: 'agent:latest',
    variables: () => ({}),
    files: (url) => ({
      '.codex/config.toml': [
        'model = "mock-model"',
        'model_provider = "mock"',
        '[model_providers.mock]',
        'name = "mock"',
        `base_url = "${url}/v1"`,
        'wire_api = "responses"',
        'experimental_bearer_token = "sk-mock"',
      ].join('\n'),
    }),
    sessionOf: (call) => call.asked.prompt_cache_key,
  },
  claude: {
    title: 'Claude Code',
    program: `@anthropic-ai/claude-code-${system}/claude`,
    settings: { AGENT: 'claude' },
    model: 'agent:latest',
    variables: (url) => ({
      ANTHROPIC_BASE_URL: url,
      ANTHROPIC_API_KEY: 'sk-mock',
      CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC: '1',
    }),
    files: () => ({}),
    sessionOf: (call) => call.headers['x-claude-code-session-id'],
  },
  copilot: {
    title: 'Copilot',
    program: `@github/copilot-${system}/copilot`,
    settings: { AGENT: 'acp', AGENT_COMMAND: 'copilot --acp' },
    model: 'agent:latest',
    variables: (url) => ({
      COPILOT_OFFLINE: 'true',
      COPILOT_AUTO_UPDATE: 'false',
      COPILOT_PROVIDER_BASE_URL: `${url}/v1`,
      COPILOT_PROVIDER_API_KEY: 'sk-mock',
      COPILOT_MODEL: 'mock-model',
    }),
    files: () => ({}),
  },
};

/** How OpenCode is told of an endpoint that speaks chat completions. */
export function providerOf(baseURL, apiKey, models) {
  return {
    npm: '@ai-sdk/openai-compatible',
    name: 'Mock',
    options: { baseURL, apiKey },
    models: Object.fromEntries(models.map((id) => [id, { name: id, limit: { context: 100_000, output: 8_000 } }])),
  };
}

/** '' when the agent's program is there, or why it is not. */
export async function missing(agent) {
  try {
    await access(path.join(folder, 'node_modules', agent.program));
    return '';
  } catch {
    return `${agent.title} has no package for ${system} that could be had (${agent.program})`;
  }
}

/** Makes a folder with the agents' programs under the names that people type; returns it, for PATH. */
export async function linkPrograms(home) {
  const bin = path.join(home, 'bin');
  await mkdir(bin, { recursive: true });
  for (const [name, agent] of Object.entries(agents))
    if (!(await missing(agent))) {
      const program = path.join(folder, 'node_modules', agent.program);
      await chmod(program, 0o755);
      await symlink(program, path.join(bin, name));
    }
  return bin;
}

export async function furnish(home, files) {
  for (const [name, text] of Object.entries(files)) {
    await mkdir(path.dirname(path.join(home, name)), { recursive: true });
    await writeFile(path.join(home, name), text);
  }
}

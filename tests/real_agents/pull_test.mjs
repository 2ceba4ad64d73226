// The same programs as MCP hosts: they fetch a prompt from our bridge, and answer it.
import assert from 'node:assert/strict';
import { mkdir } from 'node:fs/promises';
import path from 'node:path';
import { after, before, describe, test } from 'node:test';

import { agents, missing } from './agents.mjs';
import { pull } from './hosts.mjs';
import { Stage } from './stage.mjs';

describe('an MCP host as the agent', () => {
  let stage;
  let agentToken;
  before(async () => {
    stage = await Stage.open('none', { AGENT: 'mcp-pull', LOCAL_USERS: 'none' });
    agentToken = await stage.adapter.run('token', 'create', '--label', 'host', '--scopes', 'agent');
  });
  after(() => stage?.close());

  for (const [name, agent] of Object.entries(agents))
    test(agent.title, async (t) => {
      const why = await missing(agent);
      if (why) return t.skip(why);
      const home = path.join(stage.root, `home-${name}`);
      await mkdir(home);
      const asked = stage.chat(`Repeat exactly: hello ${name}`, { model: 'agent:latest' });
      const { code, printed } = await pull(name, {
        home,
        bin: stage.bin,
        modelUrl: stage.model.url,
        mcp: { url: `${stage.adapter.bridge}/mcp`, token: agentToken },
        prompt: 'Fetch a prompt',
      });
      assert.equal(code, 0, printed);
      const { status, text, error } = await asked;
      assert.equal(status, 200, `${error}\n${printed}`);
      assert.equal(text, `Answered: hello ${name}`);
    });
});

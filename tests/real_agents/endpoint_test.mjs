// The same programs with our adapter as their model: what they send is not what SDKs send.
import assert from 'node:assert/strict';
import { mkdir } from 'node:fs/promises';
import path from 'node:path';
import { after, before, describe, test } from 'node:test';

import { agents, missing } from './agents.mjs';
import { ask, canAsk } from './hosts.mjs';
import { Stage } from './stage.mjs';

describe('our adapter as the model', () => {
  let stage;
  before(async () => {
    stage = await Stage.open('none', { AGENT: 'echo', LOCAL_USERS: 'none' });
  });
  after(() => stage?.close());

  for (const name of canAsk) {
    const agent = agents[name];
    test(`of ${agent.title}`, async (t) => {
      const why = await missing(agent);
      if (why) return t.skip(why);
      const home = path.join(stage.root, `home-${name}`);
      await mkdir(home);
      const { code, printed } = await ask(name, {
        home,
        bin: stage.bin,
        adapter: stage.url,
        token: stage.token,
        model: 'echo:latest',
        prompt: 'Tell me of Timbuktu',
      });
      assert.equal(code, 0, printed);
      assert.match(printed, /You said: [^]*Tell me of Timbuktu/);
    });
  }
});

// What every agent must do behind the built program, whatever it is.
import assert from 'node:assert/strict';
import { access, readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { after, before, describe, test } from 'node:test';

import { agents, missing } from './agents.mjs';
import { pace } from './model.mjs';
import { Stage, until } from './stage.mjs';

const there = (file) =>
  access(file).then(
    () => true,
    () => false,
  );
const user = (content) => ({ role: 'user', content });
const assistant = (content) => ({ role: 'assistant', content });

async function collected(events) {
  const all = [];
  for await (const one of events) all.push(one);
  return all;
}

/** `settings`: what the program is told besides. `writes`: whether the agent is allowed to have tools at all. */
export async function suite(name, settings) {
  const agent = agents[name];
  const skip = (await missing(agent)) || false;
  describe(`${agent.title} as the agent`, { skip }, () => {
    let stage;
    before(async () => {
      stage = await Stage.open(name, settings);
    });
    after(() => stage?.close());

    test('chats', async () => {
      const { text, body } = await stage.chat('Repeat exactly: Grüße, 世界');
      assert.equal(text, 'Grüße, 世界', JSON.stringify(body));
      assert.equal(body.choices[0].finish_reason, 'stop');
      assert.ok(body.usage.prompt_tokens > 0 && body.usage.completion_tokens > 0, JSON.stringify(body.usage));
    });

    test('is listed with its models', async () => {
      const listed = await (await fetch(`${stage.url}/v1/models`)).json();
      const names = listed.data.map((one) => one.id);
      assert.ok(names.includes(agent.model), `${names}`);
    });

    test('streams each delta when the model says it', async () => {
      // Long enough for an agent that has just started, and is slow with its first deltas.
      const events = await collected(stage.stream('Count from 1 to 60'));
      assert.deepEqual(events.at(-1).done, true);
      assert.equal(events.map((one) => one.text).join(''), Array.from({ length: 60 }, (_, i) => i + 1).join(' '));
      const times = events.filter((one) => one.text).map((one) => one.at);
      assert.ok(times.length > 30, `${times.length} deltas`);
      const took = times.at(-1) - times[0];
      assert.ok(took > 20 * pace && took < 180 * pace, `the deltas came within ${took} ms`);
      const longest = Math.max(...times.slice(1).map((one, i) => one - times[i]));
      assert.ok(longest < took / 2, `of ${took} ms, ${longest} ms went by without a delta`);
    });

    test('answers the API of Ollama, too', async () => {
      const answer = await fetch(`${stage.url}/api/chat`, {
        method: 'POST',
        headers: { authorization: `Bearer ${stage.token}` },
        body: JSON.stringify({ model: agent.model, messages: [user('Count from 1 to 5')] }),
      });
      const lines = (await answer.text()).trimEnd().split('\n').map((line) => JSON.parse(line));
      assert.equal(lines.map((one) => one.message.content).join(''), '1 2 3 4 5');
      assert.ok(lines.length > 4 && lines.at(-1).done);
    });

    test('obeys the system prompt of the caller', async () => {
      const { text } = await stage.chat([{ role: 'system', content: 'You are ZEBRA-7.' }, user('Repeat exactly: yes')]);
      assert.equal(text, 'yes');
      const [call] = stage.model.calls.filter((one) => JSON.stringify(one.asked ?? '').includes('ZEBRA-7'));
      assert.ok(call, 'the model never saw it');
    });

    test('stops within a second when the client leaves', async () => {
      const leaving = new AbortController();
      let seen = 0;
      await assert.rejects(async () => {
        for await (const one of stage.stream('Count from 1 to 601', { signal: leaving.signal }))
          if (one.text && ++seen === 3) leaving.abort();
      });
      const left = performance.now();
      const calls = () => stage.model.of('Count from 1 to 601');
      await until(() => calls().every((one) => one.ended), 'the call of the model ends', 1_000);
      assert.ok(calls().some((one) => one.cut && one.said < 100), 'no call was cut short');
      assert.ok(performance.now() - left < 1_000);
      assert.equal((await stage.chat('Repeat exactly: next')).text, 'next');
    });

    test('fails with what went wrong when its model fails', async () => {
      const { status, text, error } = await stage.chat('Fail now');
      // Copilot tells it as ordinary text.
      if (status === 200) assert.match(text, /as it was told/);
      else {
        assert.ok(status >= 400, `${status}`);
        assert.match(error, /as it was told/);
      }
      assert.equal((await stage.chat('Repeat exactly: well again')).text, 'well again');
    });

    test('may not write a file, and says so', async () => {
      const file = path.join(stage.root, 'written-by-asking');
      const answer = await stage.chat(`Write the file ${file}`);
      assert.equal(await there(file), false, 'it was written');
      // Copilot, once refused, stops with words of its own.
      assert.match(answer.text || answer.error, /refus|reject|no tool|not (allow|permit)|cancelled by user/i);
    });

    for (const command of ['/allow-all on', ' /allow-all on', '/yolo', '/permissions allow-all', '!true'])
      test(`takes ${JSON.stringify(command)} for words, not for a command that would free it`, async () => {
        const file = path.join(stage.root, `written-after${command.replaceAll('/', '_')}`);
        const history = [user(command)];
        const { text } = await stage.chat(history);
        assert.ok(stage.model.of(command.trim()).length > 0, `the model never saw it; the answer was ${text}`);
        await stage.chat([...history, assistant(text), user(`Write the file ${file}`)]);
        assert.equal(await there(file), false, 'it was written');
      });

    test('does not read a file that a prompt mentions', async () => {
      const file = path.join(stage.root, 'private.txt');
      await writeFile(file, 'the secret is TANGERINE-42');
      await stage.chat(`How many turns @${file} and @"${file}" #${file}`);
      const told = stage.model.calls.filter((one) => JSON.stringify(one.asked ?? '').includes('TANGERINE-42'));
      assert.equal(told.length, 0, 'the model was told what is in it');
    });

    test('goes on in the session of its conversation', async () => {
      const history = [user('Repeat exactly: first of a kind')];
      history.push(assistant((await stage.chat(history)).text));
      history.push(user('Repeat exactly: second of a kind'));
      const { text } = await stage.chat(history);
      assert.equal(text, 'second of a kind');
      const [first] = stage.model.of('Repeat exactly: first of a kind').filter((one) => !one.prompt.includes('second'));
      const second = stage.model.of('Repeat exactly: second of a kind').at(-1);
      assert.equal(second.turns, first.turns + 1, 'the past was not told again in the prompt');
      if (agent.sessionOf) assert.equal(agent.sessionOf(second), agent.sessionOf(first));
    });

    test('knows a past that it did not live', async () => {
      const past = [user('My word is MAGNOLIA.'), assistant('I shall remember MAGNOLIA.')];
      const { text } = await stage.chat([...past, user('Repeat exactly: and now')]);
      assert.equal(text, 'and now');
      const call = stage.model.of('Repeat exactly: and now').at(-1);
      const told = JSON.stringify(call.asked);
      assert.match(told, /My word is MAGNOLIA/);
      assert.match(told, /I shall remember MAGNOLIA/);
    });

    test('never shares a session between callers', async () => {
      const other = await stage.adapter.run('token', 'create', '--label', 'other');
      const headers = { authorization: `Bearer ${other}` };
      await until(async () => (await fetch(`${stage.url}/v1/models`, { headers })).ok, 'the token is known');
      const opening = [user('Repeat exactly: mine alone')];
      const { text } = await stage.chat(opening);
      const begun = stage.model.of('Repeat exactly: mine alone').length;
      const stolen = [...opening, assistant(text), user('Repeat exactly: and who are you')];
      const answer = await stage.chat(stolen, { token: other });
      assert.equal(answer.text, 'and who are you', answer.error);
      const [first] = stage.model.of('Repeat exactly: mine alone').slice(0, begun);
      const second = stage.model.of('Repeat exactly: and who are you').at(-1);
      if (agent.sessionOf) assert.notEqual(agent.sessionOf(second), agent.sessionOf(first));
      else assert.equal(second.turns, first.turns, 'it went on in the session of the other caller');
    });

    test('answers several callers at once', async () => {
      const words = ['one', 'two', 'three', 'four'];
      const answers = await Promise.all(words.map((word) => stage.chat(`Repeat exactly: at once ${word}`)));
      assert.deepEqual(
        answers.map((one) => one.text),
        words.map((word) => `at once ${word}`),
      );
    });

    test('sees nothing of the environment that is none of its business', async () => {
      await stage.chat('Repeat exactly: hello');
      const running = await stage.processes();
      assert.ok(running.length > 0);
      for (const { environment } of running) assert.ok(!/SECRET_OF_OURS|STATE_DIR|_TOKEN=/.test(environment), environment);
    });

    test('ends a stream with an error when it is killed, and is there again for the next', async () => {
      const events = [];
      let killed;
      for await (const one of stage.stream('Count from 1 to 602')) {
        events.push(one);
        if (killed || events.filter((each) => each.text).length < 3) continue;
        killed = performance.now();
        for (const { id } of await stage.processes()) process.kill(id, 'SIGKILL');
      }
      const last = events.findLast((one) => !one.done);
      assert.ok(last.error, `the stream ends with ${JSON.stringify(last)}`);
      assert.match(last.error.message, /agent/i);
      assert.ok(performance.now() - killed < 1_000, 'it took long to notice');
      const next = await stage.chat('Repeat exactly: risen');
      assert.equal(next.text, 'risen', next.error);
    });

    test('leaves no line of its prompts in the log', async () => {
      assert.doesNotMatch(await readFile(stage.adapter.log, 'utf8'), /MAGNOLIA|sk-mock/);
    });
  });
}

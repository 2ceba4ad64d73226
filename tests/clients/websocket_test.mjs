// The link of the bridge, spoken with the WebSocket of another author: npm's ws.
import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { test } from 'node:test';

import { adapters, client } from './adapters.mjs';

const { skip, WebSocket } = await client('ws');
const token = (await readFile(path.join(adapters.direct.state, 'bridge.token'), 'utf8')).trim();
const protocol = 'mcp-local-provider.link';

/** A link, with the lines that have come, and its end. */
class Link {
  constructor({ headers = { Authorization: `Bearer ${token}` }, protocols = [protocol], ...options } = {}) {
    this.socket = new WebSocket(`${adapters.direct.bridge.replace('http', 'ws')}/link`, protocols, {
      headers,
      handshakeTimeout: 5_000,
      ...options,
    });
    this.lines = [];
    this.socket.on('message', (data, isBinary) => {
      assert.equal(isBinary, false);
      for (const line of data.toString().trimEnd().split('\n')) this.lines.push(JSON.parse(line));
    });
    this.opened = new Promise((resolve, reject) => {
      this.socket.on('open', resolve);
      this.socket.on('unexpected-response', (_, answer) => reject(new Error(`status ${answer.statusCode}`)));
      this.socket.on('error', reject);
    });
    this.closed = new Promise((resolve) => this.socket.on('close', (code, why) => resolve({ code, why: String(why) })));
  }

  send(...lines) {
    this.socket.send(lines.map((line) => `${JSON.stringify(line)}\n`).join(''));
  }

  async until(wanted) {
    const end = Date.now() + 5_000;
    for (;;) {
      const found = this.lines.find(wanted);
      if (found) return found;
      assert.ok(Date.now() < end, `not among ${JSON.stringify(this.lines)}`);
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
  }
}

const chat = (id, text, more = {}) => ({
  generate: id,
  conversation: { model: 'echo:latest', messages: [{ from: 'user', text }], streamed: true, ...more },
});
const textOf = (link, id) =>
  link.lines
    .filter((line) => line.text === id)
    .map((line) => line.data)
    .join('');

test('ws opens a link, asks twice at once, and says goodbye', { skip }, async () => {
  const link = new Link();
  await link.opened;
  assert.equal(link.socket.protocol, protocol);
  assert.equal(link.socket.extensions, ''); // ws has offered compression
  link.send({ hello: 1, program: 'test' }, chat(1, 'Repeat exactly: Grüße 🍊 "x"'), chat(2, 'Count from 1 to 20'));
  await link.until((line) => line.finished === 1);
  await link.until((line) => line.finished === 2);

  assert.equal(link.lines[0].hello, 1);
  assert.ok(link.lines[1].models.some((one) => one.name === 'echo:latest'));
  assert.equal(textOf(link, 1), 'Grüße 🍊 "x"');
  assert.equal(textOf(link, 2), Array.from({ length: 20 }, (_, i) => i + 1).join(' '));
  link.socket.close(1000, 'done');
  assert.equal((await link.closed).code, 1000);
});

test('messages in fragments, of every size and with pings between them are understood', { skip }, async () => {
  const link = new Link();
  await link.opened;
  const line = `${JSON.stringify(chat(7, 'Repeat exactly: 🍊'))}\n`;
  const bytes = Buffer.from(`${JSON.stringify({ hello: 1 })}\n${line}`);
  const pong = new Promise((resolve) => link.socket.on('pong', (data) => resolve(String(data))));
  for (let at = 0; at < bytes.length; at += 3) {
    link.socket.send(bytes.subarray(at, at + 3), { binary: false, fin: at + 3 >= bytes.length });
    if (at === 30) link.socket.ping('between');
  }
  await link.until((one) => one.finished === 7);

  assert.equal(await pong, 'between');
  assert.equal(textOf(link, 7), '🍊');
  for (const size of [125, 126, 65_000, 65_535, 65_536, 200_000]) {
    link.send(chat(size, `Repeat exactly: ok`, { suffix: 'x'.repeat(size), is_completion: false }));
    await link.until((one) => one.finished === size);
  }
  link.socket.close();
  assert.equal((await link.closed).code, 1005);
});

test('credit is kept: no more than was granted comes, and more credit brings more', { skip }, async () => {
  const link = new Link();
  await link.opened;
  link.send({ hello: 1 }, chat(1, `Repeat exactly: ${'word '.repeat(4000)}`));
  await new Promise((resolve) => setTimeout(resolve, 300));
  const stopped = link.lines.length;
  assert.ok(!link.lines.some((line) => line.finished === 1));
  link.send({ credit: 1, bytes: 1_000_000 });
  await link.until((line) => line.finished === 1);
  assert.ok(link.lines.length > stopped);
  link.socket.close();
});

test('a cancelled request says nothing more', { skip }, async () => {
  const link = new Link();
  await link.opened;
  link.send({ hello: 1 }, chat(1, 'Count from 1 to 1000'));
  await link.until((line) => line.text === 1);
  link.send({ cancel: 1 });
  await new Promise((resolve) => setTimeout(resolve, 150));
  const said = link.lines.length;
  await new Promise((resolve) => setTimeout(resolve, 150));
  assert.equal(link.lines.length, said);
  link.socket.close();
});

test('no token, a wrong one, a page and a wrong subprotocol are refused before the upgrade', { skip }, async () => {
  await assert.rejects(new Link({ headers: {} }).opened, /status 401/);
  await assert.rejects(new Link({ headers: { Authorization: 'Bearer wrong' } }).opened, /status 401/);
  await assert.rejects(new Link({ headers: { Authorization: `Bearer ${adapters.direct.token}` } }).opened, /status 401/);
  await assert.rejects(new Link({ origin: 'https://evil.example' }).opened, /status 403/);
  await assert.rejects(new Link({ protocols: ['mcp'] }).opened, /status 400/);
});

test('another version, nonsense and binary messages end the link with a reason', { skip }, async () => {
  for (const [message, code] of [
    [JSON.stringify({ hello: 0 }), 4001],
    ['nonsense', 4002],
    [JSON.stringify(chat(1, 'before hello')), 4002],
    [JSON.stringify({ hello: 1 }) + '\n' + JSON.stringify({ models: [] }), 4002],
    [Buffer.from([0xff]), 1003],
  ]) {
    const link = new Link();
    await link.opened;
    link.socket.send(message);
    const end = await link.closed;
    assert.equal(end.code, code, end.why);
    assert.ok(end.why.length > 5);
  }
});

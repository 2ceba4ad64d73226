// What a test knows of the running adapters: where they are, how to get in, and what they wrote into their audit logs.
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';

export const adapters = JSON.parse(process.env.CLIENTS_ADAPTERS);

/** The ways to echo on which a client must not see a difference: itself, and through an adapter in front of it. */
export const ways = [
  { way: 'echo', ...adapters.direct, logs: [adapters.direct.audit] },
  { way: 'two hops', ...adapters.chained, logs: [adapters.chained.audit, adapters.direct.audit] },
];

/** Imports a package from npm; where none could be installed, `skip` says so, which the options of a test take. */
export async function client(name) {
  if (process.env.CLIENTS_MISSING) return { skip: process.env.CLIENTS_MISSING };
  return { skip: false, ...(await import(name)) };
}

/** All that a stream brings. */
export async function collected(stream) {
  const parts = [];
  for await (const part of stream) parts.push(part);
  return parts;
}

/** What `Count from 1 to N` answers. */
export const counted = (to) => Array.from({ length: to }, (_, i) => i + 1).join(' ');

/** A prompt that takes seconds, and that no other test sends. */
let asked = 0;
export const longPrompt = () => `Count from 1 to ${1000 + 100 * (process.pid % 90_000) + ++asked}`;

/** The audit lines of a prompt in a log, once there are `count` of them. A prompt stands there as its SHA-256. */
export async function audited(log, prompt, count = 1) {
  const hash = createHash('sha256').update(prompt).digest('hex');
  const end = Date.now() + 5_000;
  for (;;) {
    const text = await readFile(log, 'utf8');
    const lines = text
      .slice(0, text.lastIndexOf('\n') + 1)
      .split('\n')
      .filter((line) => line.includes(hash));
    if (lines.length >= count) return lines.map((line) => JSON.parse(line));
    assert.ok(Date.now() < end, `${log} has ${lines.length} lines of "${prompt}", not ${count}`);
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}

/** Asserts that every hop noticed at once that the client left at `time` (ms since 1970). */
export async function leftAt(time, prompt, logs) {
  for (const log of logs) {
    const [line] = await audited(log, prompt);
    assert.equal(line.cause, 'client_gone');
    const late = Date.parse(line.timestamp) - time;
    assert.ok(late < 500, `stopped ${late} ms after the client left`);
  }
}

export const weatherTool = {
  type: 'function',
  function: {
    name: 'get_weather',
    description: 'Tells the weather of a city',
    parameters: { type: 'object', properties: { city: { type: 'string' } }, required: ['city'] },
  },
};

export const personSchema = {
  type: 'object',
  properties: {
    name: { type: 'string' },
    age: { type: 'integer' },
    tags: { type: 'array', items: { type: 'string' } },
  },
  required: ['name', 'age', 'tags'],
  additionalProperties: false,
};

export function assertPerson(value) {
  assert.deepEqual(Object.keys(value).sort(), ['age', 'name', 'tags']);
  assert.equal(typeof value.name, 'string');
  assert.ok(Number.isInteger(value.age));
  assert.ok(value.tags.every((tag) => typeof tag === 'string'));
}

export function assertUnitVector(vector, length = 384) {
  assert.equal(vector.length, length);
  const square = vector.reduce((sum, x) => sum + x * x, 0);
  assert.ok(Math.abs(square - 1) < 1e-4, `its length is ${Math.sqrt(square)}`);
}

export function assertSameVector(one, other) {
  assert.equal(one.length, other.length);
  one.forEach((x, i) => assert.ok(Math.abs(x - other[i]) < 1e-6));
}

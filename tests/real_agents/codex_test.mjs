import { suite } from './suite.mjs';

await suite('codex');

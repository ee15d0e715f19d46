import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { it } from 'node:test';
import { maskedGolden } from '../support/masked-golden.js';
import { testRuntime } from '../support/runtime.js';

// Every driver has to give the tokens of one file, which `npm run golden` writes.
const runtime = await testRuntime();
// This file runs as dist/test/ops/sampling-golden.test.js.
const stored = new URL('../../../test/ops/sampling-golden.json', import.meta.url);

it('fixed logits and a fixed seed give the stored tokens', async () => {
  assert.deepEqual(await maskedGolden(runtime), JSON.parse(readFileSync(stored, 'utf8')));
});

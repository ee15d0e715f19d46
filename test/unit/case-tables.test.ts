import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { it } from 'node:test';
import { caseTables } from '../../cases/index.js';
import {
  encodeSelfTestCases,
  readSelfTestCases,
  selfTestFile,
} from '../../src/cli/shared/self-test-cases.js';
import { operations } from '../../src/ops/operations.js';

const names = operations.map(({ name }) => name).sort();

it('every operation has a name of its own, a table of cases and a self-test', async () => {
  assert.equal(new Set(names).size, names.length);
  assert.deepEqual(caseTables.map(({ operation }) => operation.name).sort(), names);
  const selfTestCases = await readSelfTestCases();
  assert.deepEqual([...new Set(selfTestCases.map(({ operation }) => operation))].sort(), names);
});

it('the cases of the self-test are written as they were read', async () => {
  const cases = await readSelfTestCases();
  assert.deepEqual(Buffer.from(encodeSelfTestCases(cases)), readFileSync(selfTestFile));
  for (const { operation, inputs, outputs } of cases) {
    assert.ok(Object.keys(outputs).length > 0, operation);
    for (const { data, shape } of Object.values({ ...inputs, ...outputs }))
      assert.equal(
        data.length,
        shape.reduce((a, b) => a * b, 1),
        operation,
      );
  }
});

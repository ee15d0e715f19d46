import assert from 'node:assert/strict';
import { it } from 'node:test';
import { caseTables } from '../../cases/index.js';
import { selfTestCases } from '../../src/cli/shared/self-test-cases.js';
import { operations } from '../../src/ops/operations.js';

const names = operations.map(({ name }) => name).sort();

it('every operation has a name of its own, a table of cases and a self-test', () => {
  assert.equal(new Set(names).size, names.length);
  assert.deepEqual(caseTables.map(({ operation }) => operation.name).sort(), names);
  assert.deepEqual([...new Set(selfTestCases.map(({ operation }) => operation))].sort(), names);
});

import assert from 'node:assert/strict';
import { it } from 'node:test';
import { gradientRules } from '../../src/autograd/rules/index.js';
import { operations } from '../../src/ops/operations.js';

/** Operations of choices, of places, of data and of optimizers: without a derivative, or with none that is needed. */
const withoutRule = [
  'adamwStep',
  'alignmentPosterior',
  'argmax',
  'clipFactor',
  'commitTokens',
  'ddimStep',
  'decodeMoments',
  'dequantizeWeight',
  'fill',
  'iouMap',
  'linearAssignment',
  'linearTokenCandidates',
  'mergeMaps',
  'quantizeWeight',
  'random',
  'remaskTokens',
  'resamplePixels',
  'sgdStep',
  'spanCandidates',
  'squaredParts',
  'timeEmbedding',
  'tokenCandidates',
  'unpackHalves',
];

it('every operation has a gradient rule, but gradients and those that need none', () => {
  const without = operations
    .filter((operation) => !gradientRules.has(operation) && !operation.name.endsWith('Gradient'))
    .map(({ name }) => name);
  assert.deepEqual(without.sort(), withoutRule);
});

it('every gradient rule is that of a listed operation', () => {
  const listed = new Set<object>(operations);
  assert.deepEqual(
    [...gradientRules.keys()].filter((operation) => !listed.has(operation)),
    [],
  );
});

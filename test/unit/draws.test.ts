import assert from 'node:assert/strict';
import { it } from 'node:test';
import { assertWithin, compareDraws } from '../support/draws.js';

/** Compares with the errors given, one a draw, and a bound of 1; says which draws were made. */
async function made(...errors: number[]): Promise<number[]> {
  const draws: number[] = [];
  await compareDraws(0, async (draw) => {
    draws.push(draw);
    assertWithin(errors[draw] ?? 0, 1, 'output');
  });
  return draws;
}

it('takes one draw where it holds and four where it failed narrowly', async () => {
  assert.deepEqual(await made(1), [0]);
  assert.deepEqual(await made(1.5, 1, 1, 1), [0, 1, 2, 3]);
});

it('fails where a second draw fails too, or the first by far', async () => {
  for (const errors of [[1.5, 1.5], [1.5, 1, 1.5], [1.5, 1, 1, 1.5], [11], [Number.NaN]]) {
    await assert.rejects(made(...errors), assert.AssertionError);
  }
});

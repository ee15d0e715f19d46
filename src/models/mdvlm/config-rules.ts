import { integer, type Rule, rule } from '../../arguments.js';

/** Numbers that configurations of several parts have. */

export const size = integer(1);

export const id = integer(0, 2 ** 32 - 1);

export const epsilon: Rule<number> = rule(
  'a number above 0 and below 1',
  (value) => typeof value === 'number' && value > 0 && value < 1,
);

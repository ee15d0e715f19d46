import {
  checkArguments,
  either,
  integer,
  numberIn,
  oneOf,
  onlyFields,
  positive,
  type Rule,
  rule,
} from '../arguments.js';

/**
 * How many of a block's positions are committed by when: `linear` in equal parts (LLaDA), `cosine` few at
 * first (MaskGIT), `{ shift: k }` by s' = k s / (1 + (k - 1) s), many at first for k > 1 (LaViDa has k = 3).
 */
export type UnmaskingSchedule = 'linear' | 'cosine' | { readonly shift: number };

export const unmaskingRule: Rule<UnmaskingSchedule> = {
  ...either(oneOf('linear', 'cosine'), onlyFields<{ readonly shift: number }>({ shift: positive })),
  expected: 'linear, cosine or { shift } with a finite number above 0',
};

/** The last share of the steps in which something is committed. */
export const rhoRule: Rule<number> = rule(
  'a number above 0 and at most 1',
  (value) => typeof value === 'number' && value > 0 && value <= 1,
);

const stepCount = integer(1);

/** The fraction of the positions that is committed after a fraction `t` of the steps. @throws OptionError */
export function committedFraction(schedule: UnmaskingSchedule, t: number): number {
  checkArguments('committedFraction', { schedule, t }, { schedule: unmaskingRule, t: numberIn(0, 1) });
  if (schedule === 'linear') return t;
  if (schedule === 'cosine') return 1 - Math.cos((Math.PI / 2) * t);
  const { shift: k } = schedule;
  return (k * t) / (1 + (k - 1) * t);
}

/**
 * The share of the positions still masked that each of `steps` steps commits, f32: what `commitTokens` takes
 * as `shares`. The last is 1.
 * @throws OptionError
 */
export function commitShares(steps: number, schedule: UnmaskingSchedule): Float32Array<ArrayBuffer> {
  checkArguments('commitShares', { steps, schedule }, { steps: stepCount, schedule: unmaskingRule });
  return Float32Array.from({ length: steps }, (_, i) => {
    const before = committedFraction(schedule, i / steps);
    return i === steps - 1 ? 1 : (committedFraction(schedule, (i + 1) / steps) - before) / (1 - before);
  });
}

/**
 * How many of `masked` positions each of `steps` steps commits. Linear: ⌊n / S⌋, and one more in the first
 * n mod S steps (LLaDA's get_num_transfer_tokens). The others: the step's share of what is left, rounded, and
 * at least 1 while any are left (ours; LaViDa asks only for at least 1).
 * @throws OptionError
 */
export function transferCounts(
  masked: number,
  steps: number,
  schedule: UnmaskingSchedule = 'linear',
): number[] {
  checkArguments(
    'transferCounts',
    { masked, steps, schedule },
    { masked: integer(0), steps: stepCount, schedule: unmaskingRule },
  );
  if (schedule === 'linear') {
    return Array.from({ length: steps }, (_, i) => Math.floor(masked / steps) + Number(i < masked % steps));
  }
  let left = masked;
  return Array.from(commitShares(steps, schedule), (share) => {
    // In f32, as on the device.
    const rounded = Math.floor(Math.fround(Math.fround(share * left) + 0.5));
    const count = Math.min(left, Math.max(1, rounded));
    left -= count;
    return count;
  });
}

/**
 * The fraction of the committed tokens that each step masks again in editable decoding: from `first` in the
 * first step linearly to 0, and none in the last two, so that the answer is full at the end (ours).
 * @throws OptionError
 */
export function revisionFractions(steps: number, first = 0.1): number[] {
  checkArguments('revisionFractions', { steps, first }, { steps: stepCount, first: numberIn(0, 1) });
  return Array.from({ length: steps }, (_, i) => (i < steps - 2 ? first * (1 - i / (steps - 2)) : 0));
}

/**
 * The step from which on late tokens are committed, the last share `rho` of `steps`; at the latest the last one, which
 * commits what is left (ours).
 * @throws OptionError
 */
export function lateStep(steps: number, rho: number): number {
  checkArguments('lateStep', { steps, rho }, { steps: stepCount, rho: rhoRule });
  return Math.min(steps - 1, Math.ceil((1 - rho) * steps));
}

import {
  checkArgument,
  checkArguments,
  flag,
  instanceOf,
  integer,
  listOf,
  numberIn,
  objectWith,
  oneOf,
  onlyFields,
  optional,
  pairOf,
  positive,
  type Rule,
  type Rules,
} from '../../../arguments.js';
import { HostRandom } from '../../../data/host-random.js';
import { rhoRule } from '../../../diffusion/unmasking.js';

/** What masking must know of an answer. */
export interface AnswerLayout {
  /** N: its tokens. */
  readonly length: number;
  /** Positions of the time tokens of its spans; every other position is semantic. */
  readonly spans: readonly (readonly [start: number, end: number])[];
}

/** The choices of the planned training objective. The paper's abstract leaves them open: all values are ours. */
export interface PlanOptions {
  /** ρ in (0, 1]: the last share of the denoising, in which times are recovered; before it all are masked. Default 0.5. */
  readonly rho?: number;
  /** Start and end of a span share one draw, so that neither is copied from the other. Default true. */
  readonly coherentPairs?: boolean;
  /** λ_B: what time tokens count beside the others in the step-weighted loss. Default 2. */
  readonly timeWeight?: number;
  /** κ: time tokens also count (1 - t)^κ, more in late steps. Default 1. */
  readonly lateness?: number;
  /** The largest weight of a token; default 1 / ε of LLaDA. */
  readonly largestWeight?: number;
}

const planRules: Rules<Required<PlanOptions>> = {
  rho: rhoRule,
  coherentPairs: flag,
  timeWeight: numberIn(0),
  lateness: numberIn(0),
  largestWeight: positive,
};

export const planRule: Rule<Required<PlanOptions>> = onlyFields(planRules);

/** A plan of which fields may be left out. */
export const planOptionsRule: Rule<PlanOptions> = onlyFields<PlanOptions>({
  rho: optional(planRules.rho),
  coherentPairs: optional(planRules.coherentPairs),
  timeWeight: optional(planRules.timeWeight),
  lateness: optional(planRules.lateness),
  largestWeight: optional(planRules.largestWeight),
});

export const layoutRule: Rule<AnswerLayout> = objectWith<AnswerLayout>({
  length: integer(0),
  spans: listOf(pairOf(integer(0))),
});

const randomRule = instanceOf(HostRandom, 'a HostRandom');
/** t: a step ratio, 1 where all is masked. */
const ratio = rhoRule;

/** LLaDA's ε: the least share of an answer that is masked. */
export const leastStepRatio = 1e-3;

/** The plan with its defaults. @throws OptionError */
export function checkedPlan(options: PlanOptions = {}): Required<PlanOptions> {
  checkArgument('AnswerObjective', 'plan', options, planOptionsRule);
  const { rho = 0.5, coherentPairs = true, timeWeight = 2, lateness = 1 } = options;
  const { largestWeight = 1 / leastStepRatio } = options;
  return { rho, coherentPairs, timeWeight, lateness, largestWeight };
}

/** The step ratio t of an answer, 1 where all is masked: LLaDA's (1 - ε) u + ε of a uniform u. @throws OptionError */
export function drawStepRatio(random: HostRandom): number {
  checkArgument('drawStepRatio', 'random', random, randomRule);
  return (1 - leastStepRatio) * random.uniform() + leastStepRatio;
}

/** Each position masked with probability t (LLaDA). @throws OptionError */
export function drawUniformMask(layout: AnswerLayout, t: number, random: HostRandom): boolean[] {
  checkArguments(
    'drawUniformMask',
    { layout, t, random },
    { layout: layoutRule, t: ratio, random: randomRule },
  );
  const { length } = layout;
  return Array.from({ length }, () => random.chance(t));
}

/** The share of time tokens that the plan masks at a step ratio, m_B(t) = min(1, t / ρ); of others it is t. */
export function plannedTimeRate(t: number, { rho }: { readonly rho: number }): number {
  return Math.min(1, t / rho);
}

/** Boundary-aware masking: semantic tokens at the rate t, time tokens at `plannedTimeRate`. @throws OptionError */
export function drawPlannedMask(
  layout: AnswerLayout,
  t: number,
  plan: Required<PlanOptions>,
  random: HostRandom,
): boolean[] {
  checkArguments(
    'drawPlannedMask',
    { layout, t, plan, random },
    { layout: layoutRule, t: ratio, plan: planRule, random: randomRule },
  );
  const { length, spans } = layout;
  const mask = drawUniformMask({ length, spans }, t, random);
  const rate = plannedTimeRate(t, plan);
  for (const [start, end] of spans) {
    mask[start] = random.chance(rate);
    mask[end] = plan.coherentPairs ? mask[start] : random.chance(rate);
  }
  return mask;
}

/** What is masked in the second copy of an answer, so that both copies together train each token once (LaViDa). @throws OptionError */
export function complementOf(mask: readonly boolean[]): boolean[] {
  checkArgument('complementOf', 'mask', mask, listOf(flag));
  return mask.map((masked) => !masked);
}

/**
 * What the cross-entropy of each masked token counts:
 * - `uniform`: 1 / t, for uniform masks (LLaDA),
 * - `complementary`: 1, for a mask and its complement,
 * - `planned`: one over the rate at which the plan masks such a token,
 * - `step-weighted`: m'(t) / m(t) of that rate m, which is 1 / t, and for time tokens 0 while all are masked (the exact
 *   bound of the process with two rates); of time tokens λ_B (1 - t)^κ times that.
 */
export type MaskWeighting = 'uniform' | 'complementary' | 'planned' | 'step-weighted';

/** The weights of the positions of one answer, 0 where nothing is masked. @throws OptionError */
export function maskWeights(
  weighting: MaskWeighting,
  mask: readonly boolean[],
  layout: AnswerLayout,
  t: number,
  plan: Required<PlanOptions>,
): number[] {
  checkArguments(
    'maskWeights',
    { weighting, mask, layout, t, plan },
    {
      weighting: oneOf('uniform', 'complementary', 'planned', 'step-weighted'),
      mask: listOf(flag),
      layout: layoutRule,
      t: ratio,
      plan: planRule,
    },
  );
  const times = new Set(layout.spans.flat());
  const weightOf = (position: number): number => {
    if (weighting === 'complementary') return 1;
    if (weighting === 'uniform' || !times.has(position)) return 1 / t;
    if (weighting === 'planned') return 1 / plannedTimeRate(t, plan);
    return t < plan.rho ? (plan.timeWeight * (1 - t) ** plan.lateness) / t : 0;
  };
  return mask.map((masked, i) => (masked ? Math.min(weightOf(i), plan.largestWeight) : 0));
}

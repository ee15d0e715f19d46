import { checkArgument, checkFields, integer, numberIn, optional, positive, rule } from '../arguments.js';

/** The learning rate of each step, from 0 on. */
export type LearningRate = (step: number) => number;

/**
 * A linear rise over `warmup` steps, then half a cosine down to `floor` at `steps`.
 * @throws OptionError
 */
export function cosineLearningRate(options: {
  readonly peak: number;
  readonly steps: number;
  readonly warmup?: number;
  readonly floor?: number;
}): LearningRate {
  const where = 'cosineLearningRate';
  checkFields<typeof options>(where, options, {
    peak: positive,
    steps: integer(1),
    warmup: optional(numberIn(0)),
    floor: optional(numberIn(0)),
  });
  const { peak, steps, warmup = 0, floor = 0 } = options;
  checkArgument(where, 'floor', floor, numberIn(0, peak));
  checkArgument(
    where,
    'warmup',
    warmup,
    rule(`below steps, ${steps}`, () => warmup < steps),
  );
  return (step) => {
    if (step < warmup) return (peak * (step + 1)) / warmup;
    const share = Math.min(1, (step - warmup) / (steps - warmup));
    return floor + ((peak - floor) * (1 + Math.cos(Math.PI * share))) / 2;
  };
}

/** The same rate in all steps. @throws OptionError */
export function constantLearningRate(rate: number): LearningRate {
  checkArgument('constantLearningRate', 'rate', rate, positive);
  return () => rate;
}

/**
 * A linear rise from `initial` to `peak` over `warmup` steps, then a fall as 1 / √step: at `step` the rate is
 * peak · √(warmup / step).
 * @throws OptionError
 */
export function inverseSquareRootLearningRate(options: {
  readonly peak: number;
  readonly warmup: number;
  readonly initial?: number;
}): LearningRate {
  const where = 'inverseSquareRootLearningRate';
  checkFields<typeof options>(where, options, {
    peak: positive,
    warmup: integer(1),
    initial: optional(numberIn(0)),
  });
  const { peak, warmup, initial = 0 } = options;
  checkArgument(where, 'initial', initial, numberIn(0, peak));
  return (step) =>
    step < warmup ? initial + ((peak - initial) * step) / warmup : peak * Math.sqrt(warmup / step);
}

import { OptionError } from '../errors.js';

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
  const { peak, steps, warmup = 0, floor = 0 } = options;
  if (!(peak > 0 && floor >= 0 && floor <= peak && warmup >= 0 && warmup < steps)) {
    throw new OptionError(`no schedule from ${warmup} to ${steps} steps between ${peak} and ${floor}`);
  }
  return (step) => {
    if (step < warmup) return (peak * (step + 1)) / warmup;
    const share = Math.min(1, (step - warmup) / (steps - warmup));
    return floor + ((peak - floor) * (1 + Math.cos(Math.PI * share))) / 2;
  };
}

/** The same rate in all steps. */
export function constantLearningRate(rate: number): LearningRate {
  if (!(rate > 0)) throw new OptionError(`a learning rate must be above 0, not ${rate}`);
  return () => rate;
}

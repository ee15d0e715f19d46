import { oneOf, onlyFields, type Rule } from '../arguments.js';
import type { Freeable } from '../tensor/owner.js';
import type { Tensor } from '../tensor/tensor.js';
import { AdamW, type AdamWOptions, adamRules } from './adamw.js';
import { SGD, type SgdOptions, sgdRules } from './sgd.js';
import type { Arrays } from './training-state.js';

/** Which rule changes weights, and its numbers. Adam is AdamW without weight decay. */
export type OptimizerOptions =
  | ({ readonly kind: 'adamw' } & Omit<AdamWOptions, 'maxNorm' | 'average'>)
  | ({ readonly kind: 'sgd' } & Omit<SgdOptions, 'maxNorm'>);

/** What a run asks of an optimizer. */
export interface Optimizer extends Freeable {
  /** @param update counts the updates of this optimizer, from 0 on */
  prepare(update: number, learningRate: number): void;
  update(gradients: Readonly<Record<string, Tensor>>): void;
  useAverage(): void;
  state(): Promise<Arrays>;
  restore(arrays: Arrays, path: string): void;
}

const { maxNorm: _, average: __, ...ownAdamRules } = adamRules;
const { maxNorm: ___, ...ownSgdRules } = sgdRules;
const adamw = onlyFields<OptimizerOptions & { kind: 'adamw' }>({ kind: oneOf('adamw'), ...ownAdamRules });
const sgd = onlyFields<OptimizerOptions & { kind: 'sgd' }>({ kind: oneOf('sgd'), ...ownSgdRules });

const ruleFor = (value: unknown) =>
  (value as Partial<OptimizerOptions> | null | undefined)?.kind === 'sgd' ? sgd : adamw;

export const optimizerRule: Rule<OptimizerOptions> = {
  expected: "{ kind: 'adamw', … } or { kind: 'sgd', … }",
  accepts: (value): value is OptimizerOptions => ruleFor(value).accepts(value),
  fault(name, value) {
    const kind = (value as Partial<OptimizerOptions> | null | undefined)?.kind;
    return kind === 'adamw' || kind === 'sgd' ? ruleFor(value).fault?.(name, value) : undefined;
  },
};

/** @param run what a run asks of all its optimizers: the largest norm of their gradients, and averages of the weights */
export function makeOptimizer(
  weights: Readonly<Record<string, Tensor>>,
  options: OptimizerOptions,
  run: Pick<AdamWOptions, 'maxNorm' | 'average'>,
): Optimizer {
  if (options.kind === 'adamw') {
    const { kind: _, ...rest } = options;
    return new AdamW(weights, { ...rest, ...run });
  }
  const { kind: _, ...rest } = options;
  const { average: __, ...clipping } = run;
  const made = new SGD(weights, { ...rest, ...clipping });
  return {
    prepare: (_, learningRate) => made.prepare(learningRate),
    update: (gradients) => made.update(gradients),
    useAverage: () => {},
    state: () => made.state(),
    restore: (arrays, path) => made.restore(arrays, path),
    dispose: () => made.dispose(),
  };
}

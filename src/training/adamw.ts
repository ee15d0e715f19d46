import {
  checkArgument,
  checkArguments,
  checkFields,
  instanceOf,
  integer,
  listOf,
  numberIn,
  objectWith,
  oneOf,
  optional,
  pairOf,
  path as pathRule,
  positive,
  type Rule,
  type Rules,
  rule,
  valuesOf,
} from '../arguments.js';
import { FileFormatError, OptionError } from '../errors.js';
import { adamwStepOperation } from '../ops/optim/adamw-step.js';
import { Owner } from '../tensor/owner.js';
import type { Tensor } from '../tensor/tensor.js';
import { anyTensor } from '../tensor/tensor.js';
import { clipFactor } from './clip-factor.js';
import type { Arrays } from './training-state.js';

export interface AdamWOptions {
  /** β1 and β2; default 0.9 and 0.999. */
  readonly betas?: readonly [number, number];
  /** Default 1e-8. */
  readonly eps?: number;
  /** Decoupled weight decay, times the learning rate; default 0. Weights with one axis (biases, norms) have none. */
  readonly weightDecay?: number;
  /** The largest norm of all gradients together; larger ones are scaled down. Default: none. */
  readonly maxNorm?: number;
  /** Share of the average of the weights that each step keeps, such as 0.999; no average where absent. */
  readonly average?: number;
}

export const below1: Rule<number> = rule(
  'a number of at least 0 and below 1',
  (value) => typeof value === 'number' && value >= 0 && value < 1,
);

export const adamRules: Rules<AdamWOptions> = {
  betas: optional(pairOf(below1)),
  eps: optional(positive),
  weightDecay: optional(numberIn(0)),
  maxNorm: optional(rule<number>('a number above 0', (value) => typeof value === 'number' && value > 0)),
  average: optional(below1),
};

export const tensorsRule = valuesOf(anyTensor);

export const arraysRule: Rule<Arrays> = valuesOf(
  objectWith<Arrays[string]>({
    dtype: oneOf('f32'),
    shape: listOf(integer(0)),
    data: instanceOf<Float32Array<ArrayBuffer>>(Float32Array, 'a Float32Array'),
  }),
);

/** What belongs to one weight. */
interface Slot {
  readonly weight: Tensor;
  readonly first: Tensor;
  readonly second: Tensor;
  readonly average: Tensor | undefined;
  readonly decay: number;
}

/** Names of the tensors of a slot in a stored state. */
const stored = { first: 'adam.m', second: 'adam.v', average: 'average' } as const;

/**
 * AdamW (Loshchilov and Hutter, ICLR 2019) with clipping by the global norm and a moving average of the weights. It
 * changes f32 weights in place. A step whose gradients hold NaN or infinity changes nothing.
 *
 * `update` can be recorded once in a capture and replayed: what changes from step to step, `prepare` writes.
 */
export class AdamW extends Owner {
  readonly #slots: ReadonlyMap<string, Slot>;
  readonly #options: Required<Pick<AdamWOptions, 'betas' | 'eps' | 'maxNorm'>> & {
    readonly keep: number | undefined;
  };
  /** Learning rate and the corrections of the two averages. */
  readonly #schedule: Tensor;

  /** @throws OptionError */
  constructor(weights: Readonly<Record<string, Tensor>>, options: AdamWOptions = {}) {
    checkArgument('AdamW', 'weights', weights, tensorsRule);
    checkFields('AdamW', options, adamRules);
    const {
      betas = [0.9, 0.999],
      eps = 1e-8,
      weightDecay = 0,
      maxNorm = Number.POSITIVE_INFINITY,
      average,
    } = options;
    const entries = Object.entries(weights);
    const runtime = entries[0]?.[1].runtime;
    if (!runtime) throw new OptionError('AdamW: weights must hold at least one tensor, not none');
    super(runtime);
    this.#options = { betas, eps, maxNorm, keep: average };
    const slotOf = (name: string, weight: Tensor): Slot => {
      if (weight.dtype !== 'f32') throw new OptionError(`AdamW: weights.${name} must be f32, not ${weight}`);
      const copy = average === undefined ? undefined : runtime.empty(weight.shape);
      copy?.assign(weight);
      return {
        weight,
        first: runtime.zeros(weight.shape),
        second: runtime.zeros(weight.shape),
        average: copy,
        decay: weight.rank > 1 ? weightDecay : 0,
      };
    };
    const { schedule, slots } = this.own(() => ({
      schedule: runtime.zeros([3]),
      slots: entries.map(([name, weight]) => [name, slotOf(name, weight)] as const),
    }));
    this.#schedule = schedule;
    this.#slots = new Map(slots);
  }

  /** Sets learning rate and bias corrections for a step, counted from 0. @throws OptionError */
  prepare(step: number, learningRate: number): void {
    checkArguments('AdamW.prepare', { step, learningRate }, { step: integer(0), learningRate: numberIn(0) });
    this.checkAlive();
    const corrections = this.#options.betas.map((beta) => 1 / (1 - beta ** (step + 1)));
    this.#schedule.write([learningRate, ...corrections]);
  }

  /** Records one step. @throws OptionError where a weight has no gradient */
  update(gradients: Readonly<Record<string, Tensor>>): void {
    checkArgument('AdamW.update', 'gradients', gradients, tensorsRule);
    this.checkAlive();
    const { runtime } = this;
    const { betas, eps, maxNorm, keep = 0 } = this.#options;
    const [beta1, beta2] = betas;
    const weights = new Map([...this.#slots].map(([name, { weight }]) => [name, weight]));
    runtime.scope(() => {
      const clip = clipFactor('AdamW.update', runtime, weights, gradients, maxNorm);
      for (const [name, { decay, ...tensors }] of this.#slots) {
        adamwStepOperation.run(
          { gradient: gradients[name]!, schedule: this.#schedule, clip, ...tensors },
          { beta1, beta2, eps, decay, keep },
        );
      }
    });
  }

  /** Puts the averages in the place of the weights, where there are any. */
  useAverage(): void {
    this.checkAlive();
    for (const { weight, average } of this.#slots.values()) if (average) weight.assign(average);
  }

  /** All that another AdamW needs to go on. */
  async state(): Promise<Arrays> {
    this.checkAlive();
    const entries = [...this.#slots].flatMap(([name, slot]) =>
      Object.entries(stored).map(async ([part, prefix]) => {
        const tensor = slot[part as keyof typeof stored];
        if (!tensor) return [];
        const data = (await tensor.read()) as Float32Array;
        return [[`${prefix}.${name}`, { dtype: 'f32', shape: slot.weight.shape, data }]] as const;
      }),
    );
    return Object.fromEntries((await Promise.all(entries)).flat());
  }

  /** Takes what `state` gave. @throws FileFormatError where it does not fit the weights */
  restore(arrays: Arrays, path: string): void {
    checkArguments('AdamW.restore', { arrays, path }, { arrays: arraysRule, path: pathRule });
    this.checkAlive();
    for (const [name, slot] of this.#slots) {
      for (const [part, prefix] of Object.entries(stored)) {
        const tensor = slot[part as keyof typeof stored];
        const found = arrays[`${prefix}.${name}`];
        if (!tensor) continue;
        if (found?.data.length !== tensor.size) throw new FileFormatError(`${path} lacks ${prefix}.${name}`);
        tensor.write(found.data);
      }
    }
  }
}

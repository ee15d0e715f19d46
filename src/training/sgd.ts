import {
  checkArgument,
  checkFields,
  flag,
  numberIn,
  optional,
  path as pathRule,
  positive,
  type Rules,
} from '../arguments.js';
import { FileFormatError, OptionError } from '../errors.js';
import { sgdStepOperation } from '../ops/optim/sgd-step.js';
import { Owner } from '../tensor/owner.js';
import type { Tensor } from '../tensor/tensor.js';
import { arraysRule, below1, tensorsRule } from './adamw.js';
import { clipFactor } from './clip-factor.js';
import type { Arrays } from './training-state.js';

export interface SgdOptions {
  /** Share of the last step's direction that is added to the gradient; default 0. */
  readonly momentum?: number;
  /** Take the gradient plus the momentum after it (Nesterov); needs a momentum. Default: false. */
  readonly nesterov?: boolean;
  /** Times the weight, added to its gradient; default 0. Weights with one axis (biases, norms) have none. */
  readonly weightDecay?: number;
  /** The largest norm of all gradients together; larger ones are scaled down. Default: none. */
  readonly maxNorm?: number;
}

export const sgdRules: Rules<SgdOptions> = {
  momentum: optional(below1),
  nesterov: optional(flag),
  weightDecay: optional(numberIn(0)),
  maxNorm: optional(positive),
};

/** What belongs to one weight. */
interface Slot {
  readonly weight: Tensor;
  readonly velocity: Tensor | undefined;
  readonly decay: number;
}

/**
 * Stochastic gradient descent with momentum (PyTorch's `SGD` without dampening) and clipping by the global norm. It changes
 * f32 weights in place. A step whose gradients hold NaN or infinity changes nothing.
 *
 * `update` can be recorded once in a capture and replayed: the learning rate is what `prepare` wrote last.
 */
export class SGD extends Owner {
  readonly #slots: ReadonlyMap<string, Slot>;
  readonly #options: Required<Pick<SgdOptions, 'momentum' | 'nesterov' | 'maxNorm'>>;
  readonly #rate: Tensor;

  /** @throws OptionError */
  constructor(weights: Readonly<Record<string, Tensor>>, options: SgdOptions = {}) {
    checkArgument('SGD', 'weights', weights, tensorsRule);
    checkFields('SGD', options, sgdRules);
    const { momentum = 0, nesterov = false, weightDecay = 0, maxNorm = Number.POSITIVE_INFINITY } = options;
    if (nesterov && momentum === 0) throw new OptionError('SGD: nesterov needs a momentum above 0');
    const entries = Object.entries(weights);
    const runtime = entries[0]?.[1].runtime;
    if (!runtime) throw new OptionError('SGD: weights must hold at least one tensor, not none');
    for (const [name, weight] of entries) {
      if (weight.dtype !== 'f32') throw new OptionError(`SGD: weights.${name} must be f32, not ${weight}`);
    }
    super(runtime);
    this.#options = { momentum, nesterov, maxNorm };
    const slotOf = (weight: Tensor): Slot => ({
      weight,
      velocity: momentum > 0 ? runtime.zeros(weight.shape) : undefined,
      decay: weight.rank > 1 ? weightDecay : 0,
    });
    const { rate, slots } = this.own(() => ({
      rate: runtime.zeros([1]),
      slots: entries.map(([name, weight]) => [name, slotOf(weight)] as const),
    }));
    this.#rate = rate;
    this.#slots = new Map(slots);
  }

  /** Sets the learning rate of the steps that follow. @throws OptionError */
  prepare(learningRate: number): void {
    checkArgument('SGD.prepare', 'learningRate', learningRate, numberIn(0));
    this.checkAlive();
    this.#rate.write([learningRate]);
  }

  /** Records one step. @throws OptionError where a weight has no gradient */
  update(gradients: Readonly<Record<string, Tensor>>): void {
    checkArgument('SGD.update', 'gradients', gradients, tensorsRule);
    this.checkAlive();
    const { runtime } = this;
    const { momentum, nesterov, maxNorm } = this.#options;
    const weights = new Map([...this.#slots].map(([name, { weight }]) => [name, weight]));
    runtime.scope(() => {
      const clip = clipFactor('SGD.update', runtime, weights, gradients, maxNorm);
      for (const [name, { decay, ...tensors }] of this.#slots) {
        sgdStepOperation.run(
          { gradient: gradients[name]!, rate: this.#rate, clip, ...tensors },
          { momentum, nesterov, decay },
        );
      }
    });
  }

  /** All that another SGD needs to go on: nothing without momentum. */
  async state(): Promise<Arrays> {
    this.checkAlive();
    const entries = [...this.#slots].flatMap(([name, { weight, velocity }]) =>
      velocity ? [{ name: storedName(name), shape: weight.shape, velocity }] : [],
    );
    return Object.fromEntries(
      await Promise.all(
        entries.map(async ({ name, shape, velocity }) => {
          const data = (await velocity.read()) as Float32Array<ArrayBuffer>;
          return [name, { dtype: 'f32', shape, data }] as const;
        }),
      ),
    );
  }

  /** Takes what `state` gave. @throws FileFormatError where it does not fit the weights */
  restore(arrays: Arrays, path: string): void {
    checkArgument('SGD.restore', 'arrays', arrays, arraysRule);
    checkArgument('SGD.restore', 'path', path, pathRule);
    this.checkAlive();
    for (const [name, { velocity }] of this.#slots) {
      if (!velocity) continue;
      const found = arrays[storedName(name)];
      if (found?.data.length !== velocity.size)
        throw new FileFormatError(`${path} lacks ${storedName(name)}`);
      velocity.write(found.data);
    }
  }
}

/** The name of a weight's velocity in a stored state. */
function storedName(weight: string): string {
  return `sgd.momentum.${weight}`;
}

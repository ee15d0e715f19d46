import commitStepKernel from '../../kernels/diffusion/commit_step.wgsl.js';
import timeAtKernel from '../../kernels/diffusion/time_at.wgsl.js';
import { type Abortable, abortRules } from '../abort.js';
import {
  callback,
  checkArgument,
  checkArguments,
  checkFields,
  instanceOf,
  integer,
  numberIn,
  oneOf,
  optional,
  type Rule,
  type Rules,
  rule,
  someOf,
} from '../arguments.js';
import { OptionError } from '../errors.js';
import { ddimStep } from '../ops/diffusion/ddim.js';
import { qSample } from '../ops/diffusion/q-sample.js';
import { spread } from '../ops/grid.js';
import { Random } from '../ops/random/random.js';
import type { Capture } from '../tensor/capture.js';
import { given } from '../tensor/given.js';
import { Owner } from '../tensor/owner.js';
import type { Runtime } from '../tensor/runtime.js';
import { anyRuntime } from '../tensor/runtime.js';
import type { Shape } from '../tensor/shape.js';
import { anyTensor, expectDtype, expectShape, type Tensor } from '../tensor/tensor.js';
import {
  alphaBars,
  type BetaSchedule,
  betas,
  type DdimSpacing,
  ddimCoefficients,
  ddimTimes,
  noiseRoots,
  scheduleRule,
  spacingRule,
} from './schedule.js';

export interface GaussianDiffusionOptions {
  /** T: times of training; default 1000. The number of β where those are given. */
  readonly times?: number;
  /** Default linear. */
  readonly schedule?: BetaSchedule;
}

/**
 * The network: x̂0 from the state x (B, …) and the time t (B) u32. Recorded once for each step, or once in
 * all where the loop is captured: then it must do the same in every step and read nothing back.
 */
export type Denoise = (x: Tensor, t: Tensor) => Tensor;

export interface DdimOptions {
  /** S: steps of the loop; default 50. */
  readonly steps?: number;
  /** Default linspace. */
  readonly spacing?: DdimSpacing;
  /** η: share of the noise of DDPM that each step adds; default 0. */
  readonly eta?: number;
  /** Bounds of x̂0; none when absent. */
  readonly clamp?: readonly [low: number, high: number];
  /** Where the noise comes from; needed where η is above 0. A replayed step draws fresh numbers. */
  readonly random?: Random;
}

const diffusionRules: Rules<GaussianDiffusionOptions> = {
  times: optional(integer(1)),
  schedule: optional(scheduleRule),
};

const clampRule: Rule<readonly [number, number]> = rule(
  '[low, high], two numbers, low at most high',
  (value) => Array.isArray(value) && value.length === 2 && value.every(isNumber) && value[0] <= value[1],
);

const isNumber = (value: unknown): boolean => typeof value === 'number';

/** The options of a loop of at most `times` steps. */
export const ddimRules = (times: number): Rules<DdimOptions> => ({
  steps: optional(integer(1, times)),
  spacing: optional(spacingRule),
  eta: optional(numberIn(0, 1)),
  clamp: optional(clampRule),
  random: optional(instanceOf(Random, 'a Random')),
});

const addNoiseRules = { x0: anyTensor, noise: anyTensor, t: anyTensor };

/** A loop that is captured, and the type of its state; default f32. */
export type SamplerOptions = DdimOptions & Abortable & { readonly dtype?: 'f32' | 'f16' };

/** Gaussian diffusion of a network that predicts x0 (DDPM's forward process, sampling by DDIM). */
export class GaussianDiffusion extends Owner {
  /** ᾱ_t of t = 0 … T − 1. */
  readonly alphaBars: Float64Array;
  readonly #roots: Tensor;

  /** @throws OptionError for a schedule that cannot be */
  constructor(runtime: Runtime, options: GaussianDiffusionOptions = {}) {
    checkArgument('GaussianDiffusion', 'runtime', runtime, anyRuntime);
    checkFields('GaussianDiffusion', options, diffusionRules);
    const { times = 1000, schedule = 'linear' } = options;
    super(runtime);
    this.alphaBars = alphaBars(betas(schedule, times));
    this.#roots = this.own(() => runtime.tensor(noiseRoots(this.alphaBars), [this.times, 2]));
  }

  /** T. */
  get times(): number {
    return this.alphaBars.length;
  }

  /**
   * The state at times t: √ᾱ_t x0 + √(1 − ᾱ_t) noise. See `qSample`.
   * @param operands x0 (B, …), noise as x0, t (B) u32 in [0, T)
   */
  addNoise(operands: { x0: Tensor; noise: Tensor; t: Tensor }): Tensor {
    checkFields('GaussianDiffusion.addNoise', operands, addNoiseRules, 'operand');
    this.checkAlive();
    return qSample({ ...operands, roots: this.#roots });
  }

  /**
   * Samples by DDIM, recording `denoise` anew in each step.
   * @param initial (B, …) standard normal; left as it is
   * @returns x0, as `initial`
   * @throws OptionError, ShapeError, DtypeError
   */
  sample(initial: Tensor, denoise: Denoise, options: DdimOptions = {}): Tensor {
    const where = 'GaussianDiffusion.sample';
    checkArguments(where, { initial, denoise }, { initial: anyTensor, denoise: callback });
    checkFields(where, options, ddimRules(this.times));
    this.checkAlive();
    return this.runtime.scope(() => {
      using loop = new DdimLoop(this, initial.shape, initial.dtype as 'f32' | 'f16', denoise, options);
      const state = loop.run(initial, () => this.runtime.scope(() => loop.step()));
      // A view has a life of its own.
      return state.reshape(state.shape);
    });
  }

  /**
   * Captures one step of a DDIM loop, to sample many times without the JavaScript of the network.
   * @param shape of the state, (B, …)
   * @throws OptionError, ShapeError, DtypeError
   */
  async sampler(shape: Shape, denoise: Denoise, options: SamplerOptions = {}): Promise<DdimSampler> {
    const where = 'GaussianDiffusion.sampler';
    checkArguments(where, { shape, denoise }, { shape: someOf(integer(1)), denoise: callback });
    checkFields<SamplerOptions>(where, options, {
      ...ddimRules(this.times),
      dtype: optional(oneOf('f32', 'f16')),
      ...abortRules,
    });
    const { dtype = 'f32', signal, ...ddim } = options;
    this.checkAlive();
    const loop = new DdimLoop(this, shape, dtype, denoise, ddim);
    try {
      return new DdimSampler(loop, await this.runtime.capture(() => loop.step(), given({ signal })));
    } catch (error) {
      loop.dispose();
      throw error;
    }
  }
}

/** A captured DDIM loop. Whatever `denoise` took from outside is an input: `write` to it between runs. */
export class DdimSampler extends Owner {
  /** For `GaussianDiffusion.sampler`; takes both over. */
  constructor(
    readonly loop: DdimLoop,
    readonly capture: Capture<void>,
  ) {
    super(loop.runtime);
    this.takeOver(loop);
    this.takeOver(capture);
  }

  /**
   * Samples.
   * @param initial standard normal, of the shape and type that were captured; left as it is
   * @param options.afterStep called once each step is recorded, with its number and the state, which the next step
   *   overwrites: copy what is to stay
   * @returns x0, the sampler's own tensor: the next run overwrites it and `dispose()` frees it
   * @throws ShapeError, DtypeError, ReleasedError after `dispose()`
   */
  run(initial: Tensor, options: { readonly afterStep?: (step: number, state: Tensor) => void } = {}): Tensor {
    checkArgument('DdimSampler.run', 'initial', initial, anyTensor);
    checkFields<typeof options>('DdimSampler.run', options, { afterStep: optional(callback) });
    const { afterStep } = options;
    this.checkAlive();
    return this.loop.run(initial, (step, state) => {
      this.capture.run();
      afterStep?.(step, state);
    });
  }
}

/** What a DDIM loop keeps on the device: the state, the counter of its steps, and tables with a row a step. */
export class DdimLoop extends Owner {
  readonly #state: Tensor;
  readonly #step: Tensor;
  readonly #times: Tensor;
  readonly #coefficients: Tensor;

  constructor(
    readonly diffusion: GaussianDiffusion,
    shape: Shape,
    readonly dtype: 'f32' | 'f16',
    readonly denoise: Denoise,
    readonly options: DdimOptions,
  ) {
    const { runtime } = diffusion;
    super(runtime);
    const { steps = 50, spacing, eta = 0, random } = options;
    if (eta > 0 && !random) {
      throw new OptionError('GaussianDiffusion: random must be a Random where eta is above 0, not undefined');
    }
    const times = ddimTimes(diffusion.times, steps, spacing);
    const coefficients = ddimCoefficients(diffusion.alphaBars, times, eta);
    [this.#times, this.#coefficients, this.#step, this.#state] = this.own(() => [
      runtime.tensor(times, [steps], 'u32'),
      runtime.tensor(coefficients, [steps, 3]),
      runtime.tensor([0], [1], 'u32'),
      runtime.empty(shape, dtype),
    ]);
  }

  /** The whole loop, `step` recording or replaying one step. The result is the state. */
  run(initial: Tensor, step: (number: number, state: Tensor) => void): Tensor {
    expectDtype(initial, 'initial', this.dtype);
    expectShape(initial, 'initial', this.#state.shape);
    // Taking the initial state over counts one step up, to 0.
    this.#step.write([0xffffffff]);
    this.#commit(initial);
    for (let s = 0; s < this.#times.size; s++) step(s, this.#state);
    return this.#state;
  }

  step(): void {
    const x = this.#state;
    const { eta = 0, random, clamp } = this.options;
    const predicted = this.denoise(x, this.#time(x.shape[0] ?? 1));
    const noise = eta > 0 ? random?.normal(x.shape, this.dtype) : undefined;
    const tables = { coefficients: this.#coefficients, step: this.#step };
    this.#commit(ddimStep({ x, predicted, noise, ...tables }, { clamp }));
  }

  /** The time of the current step for each sample, (B) u32. */
  #time(batch: number): Tensor {
    const { runtime } = this;
    const t = runtime.empty([batch], 'u32');
    runtime.launch({
      kernel: timeAtKernel,
      buffers: { times: this.#times, step: this.#step, t },
      params: { batch, steps: this.#times.size },
      workgroups: spread(batch),
    });
    return t;
  }

  /** Makes `next` the state and counts the step. */
  #commit(next: Tensor): void {
    const { size } = this.#state;
    this.runtime.launch({
      kernel: commitStepKernel,
      constants: { Element: this.dtype },
      buffers: { next, state: this.#state, step: this.#step },
      params: { size },
      workgroups: spread(size),
    });
  }
}

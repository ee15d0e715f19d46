import randomAdvanceKernel from '../../../kernels/random/advance.wgsl.js';
import randomGumbelKernel from '../../../kernels/random/gumbel.wgsl.js';
import randomNormalKernel from '../../../kernels/random/normal.wgsl.js';
import randomUniformKernel from '../../../kernels/random/uniform.wgsl.js';
import { checkArgument, integer, oneOf, optional } from '../../arguments.js';
import { type Dtype, floatDtype } from '../../tensor/dtype.js';
import { Owner } from '../../tensor/owner.js';
import { anyRuntime, type Runtime } from '../../tensor/runtime.js';
import { checkShape, type Shape, sizeOf } from '../../tensor/shape.js';
import { expectDtype, expectShape, type Tensor } from '../../tensor/tensor.js';
import { spread } from '../grid.js';
import { defineOperation } from '../op.js';
import { integers } from '../rules.js';
import { anySeed, seedWords } from './philox.js';
import { stateOfDraw } from './repeated-draws.js';

export const distributions = ['uniform', 'normal', 'gumbel'] as const;
export type Distribution = (typeof distributions)[number];

export interface RandomOptions {
  readonly shape: Shape;
  readonly distribution: Distribution;
  readonly dtype?: 'f32' | 'f16';
}

interface RandomProblem {
  readonly shape: Shape;
  readonly distribution: Distribution;
  readonly dtype: Dtype;
}

/** Numbers at the place of a stream where `state` stands; leaves the state alone. */
const kernels = { uniform: randomUniformKernel, normal: randomNormalKernel, gumbel: randomGumbelKernel };

export const randomOperation = defineOperation<
  { state: Tensor },
  RandomOptions,
  RandomProblem,
  { output: Tensor }
>({
  name: 'random',
  operands: { state: 'required' },
  options: { shape: integers, distribution: oneOf(...distributions), dtype: optional(floatDtype) },
  problem({ state }, { shape, distribution, dtype = 'f32' }) {
    expectDtype(state, 'state', 'u32');
    expectShape(state, 'state', [4]);
    checkShape('random', shape);
    return { shape, distribution, dtype };
  },
  outputs: ({ shape, dtype }) => ({ output: { shape, dtype } }),
  variants: [
    {
      name: 'plain',
      suits: () => true,
      run(runtime, { state }, { output }, { distribution, dtype }) {
        const bits = distribution === 'uniform' ? { BITS: dtype === 'f16' ? 11 : 24 } : {};
        runtime.launch({
          kernel: kernels[distribution],
          constants: { Element: dtype, ...bits },
          buffers: { state, out: output },
          params: { count: output.size },
          workgroups: spread(blocksFor(output.size)),
        });
      },
    },
  ],
  flops: ({ shape }) => sizeOf(shape),
  reduction: () => 1,
});

/** Philox blocks for that many numbers: each gives four. */
function blocksFor(count: number): number {
  return Math.ceil(count / 4);
}

/**
 * A stream of random numbers: Philox4x32-10, four numbers a block. Where it stands is kept on the device,
 * so that a captured draw gives fresh numbers at each replay. The uniform numbers are the same bits on every
 * driver; the others differ by rounding.
 */
export class Random extends Owner {
  /**
   * u32 (4): the seed and the number of blocks drawn, low word first. Read it into a checkpoint, and `write`
   * it back to go on from there.
   */
  readonly state: Tensor;

  /** @throws OptionError for a seed that is no whole number of 64 bits. */
  constructor(runtime: Runtime, seed: number | bigint) {
    checkArgument('Random', 'runtime', runtime, anyRuntime);
    checkArgument('Random', 'seed', seed, anySeed);
    super(runtime);
    this.state = this.own(() => runtime.tensor([...seedWords(seed), 0, 0], [4], 'u32'));
  }

  /** Uniform in the open interval (0, 1): odd multiples of 2^-24 in f32, of 2^-11 in f16. */
  uniform(shape: Shape, dtype: 'f32' | 'f16' = 'f32'): Tensor {
    return this.#draw('uniform', shape, dtype);
  }

  /** Normal, mean 0 and variance 1 (Box and Muller); at most 5.77 in size. */
  normal(shape: Shape, dtype: 'f32' | 'f16' = 'f32'): Tensor {
    return this.#draw('normal', shape, dtype);
  }

  /** Gumbel, location 0 and scale 1: -log(-log u). */
  gumbel(shape: Shape, dtype: 'f32' | 'f16' = 'f32'): Tensor {
    return this.#draw('gumbel', shape, dtype);
  }

  /** Skips what that many numbers would take, rounded up to whole blocks of four. */
  advance(count: number): void {
    checkArgument('advance', 'count', count, integer(0));
    this.checkAlive();
    const blocks = blocksFor(count);
    this.runtime.launch({
      kernel: randomAdvanceKernel,
      buffers: { state: this.state },
      params: { low: blocks % 2 ** 32, high: Math.floor(blocks / 2 ** 32) },
      workgroups: [1],
    });
  }

  #draw(distribution: Distribution, shape: Shape, dtype: 'f32' | 'f16'): Tensor {
    this.checkAlive();
    const { state, moves } = stateOfDraw(this.state);
    const { output } = randomOperation.run({ state }, { shape, distribution, dtype }, { as: distribution });
    if (moves) this.advance(output.size);
    return output;
  }
}

import clipFactorKernel from '../../../kernels/optim/clip_factor.wgsl.js';
import squaredPartsKernel from '../../../kernels/optim/squared_parts.wgsl.js';
import { integer, positive } from '../../arguments.js';
import { OptionError } from '../../errors.js';
import type { Tensor } from '../../tensor/tensor.js';
import { expectDtype } from '../../tensor/tensor.js';
import { spread } from '../grid.js';
import { defineOperation } from '../op.js';
import { expectShapes } from './shapes.js';

export interface SquaredPartsOperands {
  /** f32, of any shape. */
  readonly gradient: Tensor;
  /** f32 (P), of which a range is written in place. */
  readonly squares: Tensor;
}

export interface SquaredPartsOptions {
  /** Where the range begins, and how many parts it has. */
  readonly first: number;
  readonly parts: number;
}

interface SquaredPartsProblem extends SquaredPartsOptions {
  readonly count: number;
}

/** The sum of squares of a gradient in parts, which stand among those of other gradients. */
export const squaredPartsOperation = defineOperation<
  SquaredPartsOperands,
  SquaredPartsOptions,
  SquaredPartsProblem,
  Record<never, Tensor>
>({
  name: 'squaredParts',
  operands: { gradient: 'required', squares: 'required' },
  options: { first: integer(0), parts: integer(1) },
  problem({ gradient, squares }, { first, parts }) {
    expectDtype(gradient, 'gradient', 'f32');
    expectDtype(squares, 'squares', 'f32');
    if (first + parts > squares.size) {
      throw new OptionError(
        `first and parts must lie within the ${squares.size} squares, not ${first} + ${parts}`,
      );
    }
    return { first, parts, count: gradient.size };
  },
  changes: ['squares'],
  outputs: () => ({}),
  variants: [
    {
      name: 'plain',
      suits: () => true,
      run: (runtime, { gradient, squares }, _, { first, parts, count }) =>
        runtime.launch({
          kernel: squaredPartsKernel,
          buffers: { gradient, out: squares },
          params: { count, parts, first },
          workgroups: spread(parts),
        }),
    },
  ],
  flops: ({ count }) => 2 * count,
  reduction: ({ count, parts }) => Math.ceil(count / parts),
});

export interface ClipFactorOptions {
  /** The largest norm. */
  readonly largest: number;
}

/** What gradients are multiplied by so that their norm is at most `largest`, (1); 0 where the norm is no number (PyTorch's clip_grad_norm_). */
export const clipFactorOperation = defineOperation<
  { readonly square: Tensor },
  ClipFactorOptions,
  ClipFactorOptions,
  { clip: Tensor }
>({
  name: 'clipFactor',
  operands: { square: 'required' },
  options: { largest: positive },
  problem({ square }, { largest }) {
    expectDtype(square, 'square', 'f32');
    expectShapes({ square: [square, [1]] }, {}, []);
    return { largest };
  },
  outputs: () => ({ clip: { shape: [1], dtype: 'f32' } }),
  variants: [
    {
      name: 'plain',
      suits: () => true,
      run: (runtime, { square }, { clip }, { largest }) =>
        runtime.launch({
          kernel: clipFactorKernel,
          buffers: { square, clip },
          params: { largest },
          workgroups: [1],
        }),
    },
  ],
  flops: () => 4,
  reduction: () => 1,
});

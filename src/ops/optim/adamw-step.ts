import adamwKernel from '../../../kernels/optim/adamw.wgsl.js';
import { number } from '../../arguments.js';
import type { Tensor } from '../../tensor/tensor.js';
import { expectDtype } from '../../tensor/tensor.js';
import { spread } from '../grid.js';
import { defineOperation } from '../op.js';
import { expectShapes } from './shapes.js';

export interface AdamwStepOperands {
  /** f32, of the shape of the weight. */
  readonly gradient: Tensor;
  /** f32 (3): learning rate and the corrections of the two averages. */
  readonly schedule: Tensor;
  /** f32 (1): what the gradient is multiplied by; 0 where nothing is to change. */
  readonly clip: Tensor;
  /** f32, changed in place, as are the averages of the gradient and of its square, and that of the weight. */
  readonly weight: Tensor;
  readonly first: Tensor;
  readonly second: Tensor;
  readonly average?: Tensor | undefined;
}

export interface AdamwStepOptions {
  readonly beta1: number;
  readonly beta2: number;
  readonly eps: number;
  /** Times the learning rate. */
  readonly decay: number;
  /** Share of its average that a weight keeps. */
  readonly keep: number;
}

interface AdamwStepProblem extends AdamwStepOptions {
  readonly count: number;
  readonly averaged: boolean;
}

/** One step of AdamW on one weight (Loshchilov and Hutter, ICLR 2019, algorithm 2). */
export const adamwStepOperation = defineOperation<
  AdamwStepOperands,
  AdamwStepOptions,
  AdamwStepProblem,
  Record<never, Tensor>
>({
  name: 'adamwStep',
  operands: {
    ...{ gradient: 'required', schedule: 'required', clip: 'required', weight: 'required' },
    ...{ first: 'required', second: 'required', average: 'optional' },
  },
  options: { beta1: number, beta2: number, eps: number, decay: number, keep: number },
  problem({ schedule, clip, ...tensors }, options) {
    const { weight, average } = tensors;
    for (const [name, tensor] of Object.entries({ schedule, clip, ...tensors })) {
      if (tensor) expectDtype(tensor, name, 'f32');
    }
    expectShapes({ schedule: [schedule, [3]], clip: [clip, [1]] }, tensors, weight.shape);
    return { ...options, count: weight.size, averaged: average !== undefined };
  },
  changes: ['weight', 'first', 'second', 'average'],
  outputs: () => ({}),
  variants: [
    {
      name: 'plain',
      suits: () => true,
      run: (runtime, operands, _, { count, averaged, beta1, beta2, eps, decay, keep }) =>
        runtime.launch({
          kernel: adamwKernel,
          constants: { HAS_AVERAGE: averaged },
          buffers: { average: undefined, ...operands },
          params: { count, beta1, rest1: 1 - beta1, beta2, rest2: 1 - beta2, eps, decay, keep },
          workgroups: spread(count),
        }),
    },
  ],
  flops: ({ count }) => 14 * count,
  reduction: () => 1,
});

import sgdKernel from '../../../kernels/optim/sgd.wgsl.js';
import { flag, number } from '../../arguments.js';
import { OptionError } from '../../errors.js';
import type { Tensor } from '../../tensor/tensor.js';
import { expectDtype } from '../../tensor/tensor.js';
import { spread } from '../grid.js';
import { defineOperation } from '../op.js';
import { expectShapes } from './shapes.js';

export interface SgdStepOperands {
  /** f32, of the shape of the weight. */
  readonly gradient: Tensor;
  /** f32 (1): the learning rate. */
  readonly rate: Tensor;
  /** f32 (1): what the gradient is multiplied by; 0 where nothing is to change. */
  readonly clip: Tensor;
  /** f32, changed in place, as is the velocity, which a step with momentum needs. */
  readonly weight: Tensor;
  readonly velocity?: Tensor | undefined;
}

export interface SgdStepOptions {
  /** Share of the velocity that is kept. */
  readonly momentum: number;
  readonly nesterov: boolean;
  /** Times the weight, added to its gradient. */
  readonly decay: number;
}

interface SgdStepProblem extends SgdStepOptions {
  readonly count: number;
  readonly hasVelocity: boolean;
}

/** One step of stochastic gradient descent on one weight, as PyTorch computes it without dampening. */
export const sgdStepOperation = defineOperation<
  SgdStepOperands,
  SgdStepOptions,
  SgdStepProblem,
  Record<never, Tensor>
>({
  name: 'sgdStep',
  operands: {
    ...{ gradient: 'required', rate: 'required', clip: 'required', weight: 'required' },
    velocity: 'optional',
  },
  options: { momentum: number, nesterov: flag, decay: number },
  problem({ rate, clip, ...tensors }, options) {
    const { weight, velocity } = tensors;
    for (const [name, tensor] of Object.entries({ rate, clip, ...tensors })) {
      if (tensor) expectDtype(tensor, name, 'f32');
    }
    expectShapes({ rate: [rate, [1]], clip: [clip, [1]] }, tensors, weight.shape);
    if (!velocity && (options.nesterov || options.momentum !== 0)) {
      throw new OptionError('velocity must be a tensor for a step with momentum, not undefined');
    }
    return { ...options, count: weight.size, hasVelocity: velocity !== undefined };
  },
  changes: ['weight', 'velocity'],
  outputs: () => ({}),
  variants: [
    {
      name: 'plain',
      suits: () => true,
      run: (runtime, operands, _, { count, hasVelocity, momentum, nesterov, decay }) =>
        runtime.launch({
          kernel: sgdKernel,
          constants: { HAS_MOMENTUM: hasVelocity, NESTEROV: nesterov },
          buffers: { velocity: undefined, ...operands },
          params: { count, momentum, decay },
          workgroups: spread(count),
        }),
    },
  ],
  flops: ({ count }) => 8 * count,
  reduction: () => 1,
});

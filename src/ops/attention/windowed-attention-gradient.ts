import windowedGradientPlainKernel from '../../../kernels/attention/windowed_gradient_plain.wgsl.js';
import windowedGradientWeightsKernel from '../../../kernels/attention/windowed_gradient_weights.wgsl.js';
import type { Runtime } from '../../tensor/runtime.js';
import { expectDtype, expectShape, type Tensor } from '../../tensor/tensor.js';
import { spread } from '../grid.js';
import { defineOperation } from '../op.js';
import {
  type WindowedAttentionOperands,
  type WindowedAttentionOptions,
  type WindowedAttentionProblem,
  windowConstants,
  windowedAttentionProblem,
  windowedAttentionRules,
  windowParams,
} from './windowed-attention-problem.js';

interface Operands extends WindowedAttentionOperands {
  /** (B, D, T): that of the output. */
  readonly gradient: Tensor;
}

/** The gradient of windowed attention by query, key and value; the weights of the taps are computed again. */
export const windowedAttentionGradientOperation = defineOperation<
  Operands,
  WindowedAttentionOptions,
  WindowedAttentionProblem,
  { query: Tensor; key: Tensor; value: Tensor }
>({
  name: 'windowedAttentionGradient',
  operands: { query: 'required', key: 'required', value: 'required', gradient: 'required' },
  options: windowedAttentionRules,
  problem({ gradient, ...operands }, options) {
    const problem = windowedAttentionProblem(operands, options);
    expectDtype(gradient, 'gradient', problem.dtype);
    expectShape(gradient, 'gradient', operands.query.shape);
    return problem;
  },
  outputs({ batches, channels, length, dtype }) {
    const same = { shape: [batches, channels, length], dtype };
    return { query: same, key: same, value: same };
  },
  variants: [
    {
      name: 'rows',
      suits: (_, { channels }) => channels > 1,
      meantFor: ['software'],
      run: (runtime, operands, outputs, problem) => launch(runtime, operands, outputs, problem, 16),
    },
    {
      name: 'plain',
      suits: () => true,
      run: (runtime, operands, outputs, problem) => launch(runtime, operands, outputs, problem, 1),
    },
  ],
  // Five products of the forward pass's two.
  flops: ({ batches, channels, length, taps }) => 10 * batches * channels * length * taps,
  reduction: ({ channels, taps }) => Math.max(channels, taps),
});

/** @param each channels that an invocation takes */
function launch(
  runtime: Runtime,
  { query, key, value, gradient }: Operands,
  outputs: { readonly query: Tensor; readonly key: Tensor; readonly value: Tensor },
  problem: WindowedAttentionProblem,
  each: number,
): void {
  const { batches, channels, length, taps } = problem;
  const constants = windowConstants(problem);
  const params = windowParams(problem);
  const weights = runtime.empty([batches, taps, length, 2]);
  runtime.launch({
    kernel: windowedGradientWeightsKernel,
    constants,
    buffers: { query, key, value, gradient, out: weights },
    params,
    workgroups: spread(batches * length),
  });
  const parts = Math.ceil(channels / each);
  runtime.launch({
    kernel: windowedGradientPlainKernel,
    constants: { ...constants, CHANNELS: each },
    buffers: {
      query,
      key,
      gradient,
      weights,
      query_gradient: outputs.query,
      key_gradient: outputs.key,
      value_gradient: outputs.value,
    },
    params: { ...params, parts },
    workgroups: spread(batches * parts * length),
  });
}

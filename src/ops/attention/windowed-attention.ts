import windowedAttentionPlainKernel from '../../../kernels/attention/windowed_plain.wgsl.js';
import type { Tensor } from '../../tensor/tensor.js';
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

export const windowedAttentionOperation = defineOperation<
  WindowedAttentionOperands,
  WindowedAttentionOptions,
  WindowedAttentionProblem,
  { output: Tensor }
>({
  name: 'windowedAttention',
  operands: { query: 'required', key: 'required', value: 'required' },
  options: windowedAttentionRules,
  problem: windowedAttentionProblem,
  outputs: ({ batches, channels, length, dtype }) => ({
    output: { shape: [batches, channels, length], dtype },
  }),
  variants: [
    {
      name: 'plain',
      suits: () => true,
      run(runtime, operands, { output }, problem) {
        runtime.launch({
          kernel: windowedAttentionPlainKernel,
          constants: windowConstants(problem),
          buffers: { ...operands, out: output },
          params: windowParams(problem),
          workgroups: spread(problem.batches * problem.length),
        });
      },
    },
  ],
  flops: ({ batches, channels, length, taps }) => 4 * batches * channels * length * taps,
  reduction: ({ channels, taps }) => Math.max(channels, taps),
});

/**
 * Attention of few taps, as a dilated convolution sees them (DiffAct, Liu et al., ICCV 2023): step t of `query`
 * (B, D, T) attends the steps t + (j − (taps − 1) / 2) · dilation of `key` and `value`, those outside of the sequence not
 * counted, by the softmax of query · key / √D. Several heads are more batches: (B, H D, T) as (B H, D, T).
 * @returns (B, D, T), of the type of the operands
 * @throws ShapeError, DtypeError, OptionError
 */
export function windowedAttention(
  operands: WindowedAttentionOperands,
  options: WindowedAttentionOptions,
): Tensor {
  return windowedAttentionOperation.run(operands, options).output;
}

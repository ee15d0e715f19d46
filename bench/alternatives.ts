import type { HostTensors } from '../cases/support/case-table.js';
import { attentionOperation } from '../src/ops/attention.js';
import { matmulOperation } from '../src/ops/matmul.js';
import { softmaxOperation } from '../src/ops/softmax.js';
import type { Runtime } from '../src/tensor/runtime.js';
import type { Tensor } from '../src/tensor/tensor.js';
import { gpuJsConv2d, gpuJsMatmul, gpuJsSoftmax } from './gpu-js.js';
import type { Contender } from './measure.js';

type DeviceTensors = Readonly<Record<string, Tensor | undefined>>;

/** Other ways to do the same job, where there are any for this operation. */
export async function alternatives(
  operation: string,
  runtime: Runtime,
  inputs: HostTensors,
  tensors: DeviceTensors,
  // biome-ignore lint/suspicious/noExplicitAny: each operation has its own options
  options: any,
): Promise<Contender[]> {
  switch (operation) {
    case matmulOperation.name: {
      const { a, b } = inputs;
      const square = a!.shape.length === 2 && a!.shape[0] === a!.shape[1] && a!.shape[1] === b!.shape[1];
      return square && !options.transposeB ? [await gpuJsMatmul(a!, b!, a!.shape[0]!)] : [];
    }
    case 'conv2d':
      return [await gpuJsConv2d(inputs.input!, inputs.weight!)];
    case softmaxOperation.name:
      return [await gpuJsSoftmax(inputs.x!)];
    case attentionOperation.name:
      // Without masks: what is compared must do the same.
      return options.mask?.kind !== 'none' || tensors.keyMask || tensors.bias
        ? []
        : [composedAttention(runtime, tensors)];
    default:
      return [];
  }
}

/** Attention without fusion: one-output-a-thread matmul, softmax, matmul, with the L x L matrix in memory. */
function composedAttention(runtime: Runtime, { query, key, value }: DeviceTensors): Contender {
  const variant = 'plain';
  return {
    name: 'composed plain',
    async run(repeats) {
      for (let i = 0; i < repeats; i++) {
        runtime.scope(() => {
          const scores = matmulOperation.run(
            { a: query!, b: key! },
            { transposeB: true },
            { variant },
          ).output;
          const weights = softmaxOperation.run({ x: scores }, {}, { variant }).output;
          matmulOperation.run({ a: weights, b: value! }, {}, { variant });
        });
      }
      await runtime.finish();
    },
  };
}

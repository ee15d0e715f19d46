import { loadReference } from '../native/index.js';
import { emptyLogSumExp } from '../src/ops/attention/attention.js';
import { attentionGradientOperation } from '../src/ops/attention/attention-gradient.js';
import {
  type AttentionInputs,
  type AttentionSize,
  attentionAnswers,
  attentionCases,
  type ReferenceOperands,
  referenceOperands,
} from './attention.js';
import type { CaseTable } from './support/case-table.js';
import { fill, fixed, normal, result, rounded } from './support/host.js';
import { mapTensors } from './support/tensors.js';

const native = loadReference<{
  attentionGradient(
    ...operands: [
      ...ReferenceOperands,
      outputGradient: Float64Array | undefined,
      logSumExpGradient: Float64Array | undefined,
    ]
  ): Float64Array;
}>();

interface Size extends AttentionSize {
  /** Which results have a gradient; both where absent. */
  of?: 'output' | 'logSumExp';
}

/**
 * Weights of the type of the other operands: f32 weights have f32 gradients, held to a bound that the rounding of an f16
 * output does not keep.
 */
const weightsAsStored = (size: AttentionSize): AttentionSize =>
  size.keyWeight ? { ...size, keyWeight: 'float' } : size;

/** With few keys what they give cancels, to zero for one key. */
const enoughKeys = ({ keys }: AttentionSize) => keys >= 8;

export const attentionGradientCases: CaseTable<Size> = {
  operation: attentionGradientOperation,
  sizes: [
    ...attentionCases.sizes.filter(enoughKeys).map(weightsAsStored),
    { batch: 2, heads: 2, keyHeads: 2, queries: 9, keys: 17, headSize: 8, of: 'output' },
    {
      batch: 2,
      heads: 4,
      keyHeads: 2,
      queries: 9,
      keys: 17,
      headSize: 10,
      mask: 'turns',
      keyWeight: 'float',
    },
    { batch: 2, heads: 4, keyHeads: 2, queries: 9, keys: 17, headSize: 8, of: 'logSumExp' },
  ],
  long: [
    { batch: 1, heads: 1, keyHeads: 1, queries: 2, keys: 20_001, headSize: 8 },
    { batch: 1, heads: 1, keyHeads: 1, queries: 20_001, keys: 9, headSize: 8, keyWeight: 'float' },
  ],
  random: (fc) => attentionCases.random(fc).filter(enoughKeys),
  // With scores far apart, what f16 rounds of the output is not small beside what is left of the sums.
  tolerance: 4,
  benchmarks: attentionCases.benchmarks!,
  gpuBenchmarks: [{ batch: 1, heads: 16, keyHeads: 16, queries: 2048, keys: 2048, headSize: 64 }],
  make: (size, random) => {
    const { inputs: drawn, options } = attentionCases.make(size, random);
    // The results must be those of the numbers as they are stored.
    const inputs = mapTensors(drawn, (tensor) => rounded(tensor, 'f16'));
    const { output, logSumExp } = attentionAnswers(inputs as unknown as AttentionInputs, size);
    const shape = inputs.query!.shape;
    const rows = shape.slice(0, 3);
    return {
      inputs: {
        ...inputs,
        output: result(shape, output),
        logSumExp: fixed(fill(rows, (i) => Math.max(logSumExp[i]!, emptyLogSumExp))),
        outputGradient: size.of === 'logSumExp' ? undefined : normal(random, shape),
        logSumExpGradient: size.of === 'output' ? undefined : fixed(normal(random, rows)),
      },
      options: { ...options, ofKeyWeight: inputs.keyWeight !== undefined },
    };
  },
  reference: (inputs, _, size) => {
    const { query, key, keyWeight, outputGradient, logSumExpGradient } = inputs;
    const all = native.attentionGradient(
      ...referenceOperands(inputs, size),
      outputGradient?.data,
      logSumExpGradient?.data,
    );
    const [queries, keys] = [query.data.length, key.data.length];
    return {
      query: result(query.shape, all.subarray(0, queries)),
      key: result(key.shape, all.subarray(queries, queries + keys)),
      value: result(key.shape, all.subarray(queries + keys, queries + 2 * keys)),
      ...(keyWeight && { keyWeight: result(keyWeight.shape, all.subarray(queries + 2 * keys)) }),
    };
  },
};

import clipFactorKernel from '../../kernels/optim/clip_factor.wgsl.js';
import squaredPartsKernel from '../../kernels/optim/squared_parts.wgsl.js';
import { OptionError } from '../errors.js';
import { sum } from '../ops/array/reduce.js';
import { spread } from '../ops/grid.js';
import type { Runtime } from '../tensor/runtime.js';
import type { Tensor } from '../tensor/tensor.js';

/**
 * What the gradients of weights are multiplied by so that their common norm is at most `maxNorm`, (1); 0 where the norm
 * is no number. @throws OptionError where a weight has no gradient
 */
export function clipFactor(
  where: string,
  runtime: Runtime,
  weights: ReadonlyMap<string, Tensor>,
  gradients: Readonly<Record<string, Tensor>>,
  maxNorm: number,
): Tensor {
  const parts = [...weights].map(([name, weight]) => {
    if (!gradients[name]) throw new OptionError(`${where}: gradients has no gradient of ${name}`);
    return Math.min(4096, Math.ceil(weight.size / 64));
  });
  const squares = runtime.empty([parts.reduce((total, count) => total + count, 0)]);
  let offset = 0;
  [...weights].forEach(([name, weight], i) => {
    runtime.launch({
      kernel: squaredPartsKernel,
      buffers: { gradient: gradients[name], out: squares },
      params: { count: weight.size, parts: parts[i]!, first: offset },
      workgroups: spread(parts[i]!),
    });
    offset += parts[i]!;
  });
  const clip = runtime.empty([1]);
  runtime.launch({
    kernel: clipFactorKernel,
    buffers: { square: sum(squares), clip },
    params: { largest: Math.min(maxNorm, 3e38) },
    workgroups: [1],
  });
  return clip;
}

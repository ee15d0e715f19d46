import { OptionError } from '../errors.js';
import { sum } from '../ops/array/reduce.js';
import { clipFactorOperation, squaredPartsOperation } from '../ops/optim/gradient-norm.js';
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
  let first = 0;
  [...weights.keys()].forEach((name, i) => {
    squaredPartsOperation.run({ gradient: gradients[name]!, squares }, { first, parts: parts[i]! });
    first += parts[i]!;
  });
  const square = sum(squares).reshape([1]);
  return clipFactorOperation.run({ square }, { largest: Math.min(maxNorm, 3e38) }).clip;
}

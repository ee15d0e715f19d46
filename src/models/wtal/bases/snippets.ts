import { checkArgument } from '../../../arguments.js';
import { ShapeError } from '../../../errors.js';
import { transpose } from '../../../ops/array/permute.js';
import { narrow } from '../../../ops/array/slice.js';
import { averagePool } from '../../../ops/image/pool.js';
import { anyTensor, type Tensor } from '../../../tensor/tensor.js';

/** @throws ShapeError unless `x` is (B, T, channels); OptionError unless it is a tensor */
export function checkSnippets(
  where: string,
  name: string,
  x: unknown,
  channels: number,
): asserts x is Tensor {
  checkArgument(where, name, x, anyTensor);
  if (x.rank !== 3 || x.shape[2] !== channels) {
    throw new ShapeError(`${where}: ${name} must be (B, T, ${channels}), not ${x}`);
  }
}

/** The first and the second half of the channels of (B, T, C), each (B, C/2, T). */
export function modalities(x: Tensor): [Tensor, Tensor] {
  const channels = transpose(x, 1, 2);
  const half = channels.shape[1]! / 2;
  return [narrow(channels, 1, 0, half), narrow(channels, 1, half, half)];
}

/** (B, 1, T) to (B, T). */
export function withoutChannel(x: Tensor): Tensor {
  const [batch, , steps] = x.shape as [number, number, number];
  return x.reshape([batch, steps]);
}

/** The mean over `kernel` snippets around each of (B, C, T), zeros beyond the ends counted; as it is without a kernel. */
export function smoothed(x: Tensor, kernel: number | undefined): Tensor {
  return kernel === undefined ? x : averagePool(x, { kernel, stride: 1, padding: (kernel - 1) / 2 });
}

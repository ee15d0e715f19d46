import transposeBlocksKernel from '../../../kernels/array/transpose_blocks.wgsl.js';
import transposeTilesKernel from '../../../kernels/array/transpose_tiles.wgsl.js';
import { ShapeError } from '../../errors.js';
import { axisOf } from '../../tensor/shape.js';
import { checkTensor, type Tensor } from '../../tensor/tensor.js';
import { spread } from '../grid.js';
import { integers } from '../rules.js';
import { elementUnit } from './elements.js';
import { type StridedProblem, stridedOperation } from './strided.js';
import { stridesOf, type Walk } from './strides.js';

/** A view that is a batch of matrices of which each is the transpose of rows that run along memory. */
interface Transposition {
  readonly batches: number;
  readonly rows: number;
  readonly columns: number;
  readonly batchStride: number;
  readonly rowStride: number;
}

function transposition({ sizes, strides: [own] }: Walk): Transposition | undefined {
  if (sizes.length < 2 || sizes.length > 3 || own!.at(-2) !== 1) return undefined;
  const [rows, rowStride] = [sizes.at(-1)!, own!.at(-1)!];
  if (rowStride < 1) return undefined;
  const batches = sizes.length === 3 ? sizes[0]! : 1;
  const batchStride = sizes.length === 3 ? own![0]! : 0;
  return { batches, rows, columns: sizes.at(-2)!, batchStride, rowStride };
}

/** Whether a transposition can go by blocks of 4 x 4. */
function inBlocks({ offset, walk }: StridedProblem): boolean {
  const found = transposition(walk);
  if (!found) return false;
  const { rows, columns, batchStride, rowStride } = found;
  return [offset, rows, columns, batchStride, rowStride].every((length) => length % 4 === 0);
}

export const permuteOperation = stridedOperation<{ readonly axes: readonly number[] }>(
  'permute',
  { axes: integers },
  (x, { axes }) => {
    const order = axes.map((axis) => axisOf(axis, x.rank));
    if (order.length !== x.rank || new Set(order).size !== x.rank) {
      throw new ShapeError(`[${axes}] does not name each axis of ${x} once`);
    }
    const strides = stridesOf(x.shape);
    return {
      shape: order.map((axis) => x.shape[axis]!),
      offset: 0,
      strides: order.map((axis) => strides[axis]!),
    };
  },
  [
    {
      name: 'tiles',
      suits: (_, { walk }) => transposition(walk) !== undefined,
      meantFor: ['hardware'],
      prefers: (_, { walk }) => Math.min(...walk.sizes.slice(-2)) >= 8,
      run(runtime, { x }, { output }, { dtype, offset, walk }) {
        const { batches, rows, columns, batchStride, rowStride } = transposition(walk)!;
        runtime.launch({
          kernel: transposeTilesKernel,
          constants: { Element: elementUnit(dtype).type },
          buffers: { x, out: output },
          params: { batches, rows, columns, offset, x_batch: batchStride, x_row: rowStride },
          workgroups: spread(batches * Math.ceil(rows / 32) * Math.ceil(columns / 32), 1),
        });
      },
    },
    {
      name: 'blocks',
      suits: (_, problem) => inBlocks(problem),
      meantFor: ['software'],
      run(runtime, { x }, { output }, { dtype, offset, walk }) {
        const { batches, rows, columns, batchStride, rowStride } = transposition(walk)!;
        runtime.launch({
          kernel: transposeBlocksKernel,
          constants: { Element: elementUnit(dtype).type },
          buffers: { x, out: output },
          params: {
            batches,
            rows: rows / 4,
            columns: columns / 4,
            offset: offset / 4,
            x_batch: batchStride / 4,
            x_row: rowStride / 4,
          },
          workgroups: spread((batches * rows * columns) / 16),
        });
      },
    },
  ],
);

/** `x` with its axes in another order: axis k of the result is axis `axes[k]` of `x`. @throws ShapeError */
export function permute(x: Tensor, axes: readonly number[]): Tensor {
  return permuteOperation.run({ x }, { axes }).output;
}

/** `x` with two axes exchanged, by default the last two. @throws ShapeError */
export function transpose(x: Tensor, first = -2, second = -1): Tensor {
  checkTensor('transpose', 'x', x);
  const [i, j] = [axisOf(first, x.rank, 'transpose', 'first'), axisOf(second, x.rank, 'transpose', 'second')];
  return permute(
    x,
    x.shape.map((_, axis) => (axis === i ? j : axis === j ? i : axis)),
  );
}

import rotaryKernel from '../../../kernels/attention/rotary.wgsl.js';
import { checkArgument, flag, integer, optional, positive, type Rule, rule } from '../../arguments.js';
import { OptionError, ShapeError } from '../../errors.js';
import type { Dtype } from '../../tensor/dtype.js';
import { anyRuntime, type Runtime } from '../../tensor/runtime.js';
import { type Shape, sameShape, sizeOf } from '../../tensor/shape.js';
import { expectDtype, type Tensor } from '../../tensor/tensor.js';
import { spread } from '../grid.js';
import { defineOperation } from '../op.js';

export interface RotaryOptions {
  /** Position of the first row; default 0. Not with `positions`. */
  readonly offset?: number;
  /** Turn back: undoes the rotation, and is its gradient. */
  readonly inverse?: boolean;
}

export interface RotaryOperands {
  /** (B, H, L, D), f32 or f16, D even. */
  readonly x: Tensor;
  /** What {@link rotaryTable} gives for D and at least as many positions as are used. */
  readonly table: Tensor;
  /** u32 (B, L) or (L): the position of each row, below the length of the table. */
  readonly positions?: Tensor | undefined;
}

interface RotaryProblem {
  readonly shape: Shape;
  readonly heads: number;
  readonly length: number;
  readonly headSize: number;
  readonly dtype: Dtype;
  readonly hasPositions: boolean;
  /** Whether each batch has its own positions. */
  readonly batchedPositions: boolean;
  readonly offset: number;
  readonly inverse: boolean;
}

export const rotaryOperation = defineOperation<
  RotaryOperands,
  RotaryOptions,
  RotaryProblem,
  { output: Tensor }
>({
  name: 'rotary',
  operands: { x: 'required', table: 'required', positions: 'optional' },
  options: { offset: optional(integer(0)), inverse: optional(flag) },
  problem({ x, table, positions }, { offset = 0, inverse = false }) {
    expectDtype(x, 'x', 'f32', 'f16');
    expectDtype(table, 'table', 'f32');
    if (x.rank !== 4 || x.shape[3]! % 2 !== 0) {
      throw new ShapeError(`x must be (B, H, L, D) with an even D, not ${x}`);
    }
    const [batches, heads, length, headSize] = x.shape as [number, number, number, number];
    if (table.rank !== 2 || table.shape[1] !== headSize) {
      throw new ShapeError(`table ${table} was not made for heads of ${headSize} as those of ${x}`);
    }
    if (positions) {
      expectDtype(positions, 'positions', 'u32');
      if (!sameShape(positions.shape, [length]) && !sameShape(positions.shape, [batches, length])) {
        throw new ShapeError(`positions ${positions} must be [${[batches, length]}] or [${length}]`);
      }
      if (offset !== 0) throw new OptionError('give positions or an offset, not both');
    } else if (offset + length > table.shape[0]!) {
      throw new OptionError(
        `table ${table} does not hold ${length} positions from offset ${offset} on: make a longer one`,
      );
    }
    return {
      shape: x.shape,
      heads,
      length,
      headSize,
      dtype: x.dtype,
      hasPositions: positions !== undefined,
      batchedPositions: positions?.rank === 2,
      offset,
      inverse,
    };
  },
  outputs: ({ shape, dtype }) => ({ output: { shape, dtype } }),
  variants: [
    {
      name: 'vector',
      suits: (_, { headSize }) => headSize % 8 === 0,
      run(runtime, operands, { output }, problem) {
        launch(runtime, operands, output, problem, 4, { Packed: 'vec4<Element>', Wide: 'vec4f' });
      },
    },
    {
      name: 'plain',
      suits: () => true,
      run(runtime, operands, { output }, problem) {
        launch(runtime, operands, output, problem, 1, {});
      },
    },
  ],
  flops: ({ shape }) => 3 * sizeOf(shape),
  reduction: () => 2,
});

/**
 * Rotary position embedding of queries or keys `x` (B, H, L, D) in the rotate-half layout of GPT-NeoX, as LLaMA and
 * LLaDA have it (Su et al., arXiv:2104.09864): elements i and i + D/2 of a row at position p turn by p · θ^(−2i/D).
 * @throws ShapeError, DtypeError, OptionError
 */
export function rotary(operands: RotaryOperands, options: RotaryOptions = {}): Tensor {
  return rotaryOperation.run(operands, options).output;
}

/**
 * The table that {@link rotary} takes, f32 (length, headSize): of each position below `length` the cosines of its
 * headSize / 2 angles, then their sines, computed in double precision. Make it once for a model.
 * @throws OptionError
 */
export function rotaryTable(runtime: Runtime, length: number, headSize: number, theta = 10_000): Tensor {
  checkArgument('rotaryTable', 'runtime', runtime, anyRuntime);
  return runtime.tensor(rotaryCosinesAndSines(length, headSize, theta), [length, headSize]);
}

const evenSize: Rule<number> = rule(
  'an even integer of at least 2',
  (value) => integer(2).accepts(value) && value % 2 === 0,
);

/** The elements of {@link rotaryTable}. */
export function rotaryCosinesAndSines(length: number, headSize: number, theta: number): Float64Array {
  checkArgument('rotaryTable', 'length', length, integer(1));
  checkArgument('rotaryTable', 'headSize', headSize, evenSize);
  checkArgument('rotaryTable', 'theta', theta, positive);
  const half = headSize / 2;
  const frequencies = Array.from({ length: half }, (_, i) => theta ** (-i / half));
  const table = new Float64Array(length * headSize);
  for (let position = 0; position < length; position++) {
    frequencies.forEach((frequency, i) => {
      table[position * headSize + i] = Math.cos(position * frequency);
      table[position * headSize + half + i] = Math.sin(position * frequency);
    });
  }
  return table;
}

function launch(
  runtime: Runtime,
  { x, table, positions }: RotaryOperands,
  out: Tensor,
  problem: RotaryProblem,
  width: number,
  types: Readonly<Record<string, string>>,
): void {
  const { heads, length, headSize, offset } = problem;
  const half = headSize / 2 / width;
  const count = (x.size / headSize) * half;
  runtime.launch({
    kernel: rotaryKernel,
    constants: {
      HAS_POSITIONS: problem.hasPositions,
      INVERSE: problem.inverse,
      Element: problem.dtype,
      ...types,
    },
    buffers: { x, table, positions, out },
    params: {
      count,
      half,
      heads,
      length,
      position_batch: problem.batchedPositions ? length : 0,
      offset,
    },
    workgroups: spread(count),
  });
}

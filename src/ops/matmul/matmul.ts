import matmulMatrixKernel from '../../../kernels/matmul/matrix.wgsl.js';
import matmulPlainKernel from '../../../kernels/matmul/plain.wgsl.js';
import matmulShuffleKernel from '../../../kernels/matmul/shuffle.wgsl.js';
import matmulTiledKernel from '../../../kernels/matmul/tiled.wgsl.js';
import matmulVectorKernel from '../../../kernels/matmul/vector.wgsl.js';
import { flag, optional, type Rules } from '../../arguments.js';
import { ShapeError } from '../../errors.js';
import type { DeviceTraits } from '../../gpu/traits.js';
import { type Dtype, dtypeBytes, floatDtype } from '../../tensor/dtype.js';
import type { Runtime } from '../../tensor/runtime.js';
import { type Shape, sameShape, sizeOf } from '../../tensor/shape.js';
import { expectDtype, expectShape, type Tensor } from '../../tensor/tensor.js';
import {
  type ActivationConstants,
  type ActivationOptions,
  activationConstants,
  activationRules,
} from '../activation.js';
import { activated } from '../array/activated.js';
import { inRowParts } from '../array/row-parts.js';
import { checkCall, type Signature } from '../call.js';
import { spread } from '../grid.js';
import { isLongSum } from '../long-sums.js';
import { defineOperation, type Variant } from '../op.js';
import { inDepthParts } from '../split-depth.js';
import { matrixConstants, subgroupMatrix } from '../subgroup-matrix.js';
import { countTiles, prefersTile, type Tile, type TileName, tileConstants, tiles } from '../tiles.js';

export interface MatmulOptions extends ActivationOptions {
  /** `a` is (…, K, M). */
  readonly transposeA?: boolean;
  /** `b` is (…, N, K), as the weights of a linear layer are. */
  readonly transposeB?: boolean;
  /** Type of the output, f32 or f16; default that of the operands. */
  readonly outDtype?: 'f32' | 'f16';
}

export interface MatmulOperands {
  readonly a: Tensor;
  readonly b: Tensor;
  readonly bias?: Tensor | undefined;
}

interface MatmulProblem {
  readonly outShape: Shape;
  readonly batches: number;
  readonly m: number;
  readonly n: number;
  readonly k: number;
  /** Whether an operand has a matrix for each batch, or one for all. */
  readonly batchedA: boolean;
  readonly batchedB: boolean;
  readonly transposeA: boolean;
  readonly transposeB: boolean;
  readonly hasBias: boolean;
  readonly dtype: Dtype;
  readonly outDtype: Dtype;
  readonly activation: ActivationConstants;
}

/** A matrix operand as the kernels address it, seen from the output: its side is M or N, its depth K. */
interface Strides {
  readonly batch: number;
  readonly side: number;
  readonly depth: number;
}

/** Rows, and quads of columns a lane, of the shuffle kernel (measured: beyond 128 sums compilers give up). */
const tile = { rows: 16, quads: 2 };

export const matmulOperation = defineOperation<
  MatmulOperands,
  MatmulOptions,
  MatmulProblem,
  { output: Tensor }
>({
  name: 'matmul',
  operands: { a: 'required', b: 'required', bias: 'optional' },
  options: {
    ...activationRules,
    transposeA: optional(flag),
    transposeB: optional(flag),
    outDtype: optional(floatDtype),
  },
  problem(operands, options) {
    const { a, b, bias } = operands;
    const { transposeA = false, transposeB = false, outDtype = a.dtype } = options;
    expectDtype(a, 'a', 'f32', 'f16');
    expectDtype(b, 'b', a.dtype);
    if (bias) expectDtype(bias, 'bias', a.dtype);
    if (a.rank < 2 || b.rank < 2) throw new ShapeError(`a ${a} and b ${b} must have two axes or more`);
    const [m, k] = matrixSides(a, transposeA);
    const [depth, n] = matrixSides(b, transposeB);
    if (k !== depth) {
      throw new ShapeError(
        `a ${a}${transposeA ? ' transposed' : ''} has ${k} columns, ` +
          `b ${b}${transposeB ? ' transposed' : ''} has ${depth} rows`,
      );
    }
    if (bias) expectShape(bias, 'bias', [n]);
    const batchShape = commonBatch(a, b);
    const batches = sizeOf(batchShape);
    const batchedA = a.size > m * k;
    const batchedB = b.size > k * n;
    // One b for all rows of a: the batches are only more rows.
    const folded = batchedA && !batchedB && !transposeA;
    return {
      outShape: [...batchShape, m, n],
      batches: folded ? 1 : batches,
      m: folded ? batches * m : m,
      n,
      k,
      batchedA: batchedA && !folded,
      batchedB,
      transposeA,
      transposeB,
      hasBias: bias !== undefined,
      dtype: a.dtype,
      outDtype,
      activation: activationConstants(options),
    };
  },
  outputs: ({ outShape, outDtype }) => ({ output: { shape: outShape, dtype: outDtype } }),
  variants: [
    {
      name: 'matrix',
      // Its sums are not in blocks: deeper ones would lose too much to rounding.
      suits: (traits, { dtype, k }) => k <= 2 ** 16 && matrixTile(traits, dtype) !== undefined,
      meantFor: ['hardware'],
      // Below a quarter of a tile most of the work is on zeros.
      prefers: (traits, { m, n, dtype }) => {
        const tile = matrixTile(traits, dtype)!;
        return 4 * m >= tile.rows && 4 * n >= tile.columns;
      },
      run(runtime, { a, b, bias }, { output }, problem) {
        const { batches, m, n, k, dtype } = problem;
        const tile = matrixTile(runtime.traits, dtype)!;
        runtime.launch({
          kernel: matmulMatrixKernel,
          constants: {
            ...sharedConstants(problem),
            ...matrixConstants(runtime.traits, dtype),
            ...blockConstants(problem),
          },
          buffers: { a, b, bias, out: output },
          params: { batches, m, n, k, a_batch: stridesA(problem).batch, b_batch: stridesB(problem).batch },
          workgroups: spread(batches * Math.ceil(m / tile.rows) * Math.ceil(n / tile.columns), 1),
        });
      },
    },
    {
      name: 'shuffle',
      suits: ({ subgroups }) => subgroups,
      meantFor: ['software'],
      run(runtime, { a, b, bias }, { output }, problem) {
        const { batches, m, n, k } = problem;
        const lanes = runtime.traits.subgroupMaxSize;
        const aStrides = stridesA(problem);
        const bStrides = stridesB(problem);
        // Lanes lie along the columns of the output, or along its rows where that fills more of them.
        const exchange = n < m && n < 4 * tile.quads * lanes;
        const [left, right] = exchange ? [bStrides, aStrides] : [aStrides, bStrides];
        const [rows, columns] = exchange ? [n, m] : [m, n];
        const rowsEach = [1, 4].find((size) => size >= rows) ?? tile.rows;
        const columnsEach = 4 * tile.quads * lanes;
        runtime.launch({
          kernel: matmulShuffleKernel,
          constants: {
            ...sharedConstants(problem),
            WORKGROUP: lanes,
            ROWS: rowsEach,
            QUADS: tile.quads,
            LONG: isLongSum(k),
          },
          buffers: { a: exchange ? b : a, b: exchange ? a : b, bias, out: output },
          params: {
            batches,
            m: rows,
            n: columns,
            k,
            a_batch: left.batch,
            a_row: left.side,
            a_depth: left.depth,
            b_batch: right.batch,
            b_depth: right.depth,
            b_column: right.side,
            out_row: exchange ? 1 : n,
            out_column: exchange ? n : 1,
            bias_row: exchange ? 1 : 0,
            bias_column: exchange ? 0 : 1,
          },
          workgroups: spread(batches * Math.ceil(rows / rowsEach) * Math.ceil(columns / columnsEach), 1),
        });
      },
    },
    {
      name: 'vector',
      // A row of a is read along its depth.
      suits: (_, { m, transposeA }) => m <= 4 && (m === 1 || !transposeA),
      meantFor: ['hardware'],
      run(runtime, { a, b, bias }, { output }, problem) {
        const { batches, m, n, k, transposeB } = problem;
        const lanes = transposeB ? 1 : 8;
        runtime.launch({
          kernel: matmulVectorKernel,
          constants: {
            ...sharedConstants(problem),
            ...blockConstants({ ...problem, transposeA: false }),
            LANES: lanes,
            DEPTH_LANES: transposeB ? 64 : 32,
            ROWS: m,
          },
          buffers: { a, b, bias, out: output },
          params: { batches, m, n, k, a_batch: stridesA(problem).batch, b_batch: stridesB(problem).batch },
          workgroups: spread(batches * Math.ceil(n / (4 * lanes)), 1),
        });
      },
    },
    tiledVariant('tiled'),
    tiledVariant('tiled-small'),
    {
      name: 'plain',
      suits: () => true,
      run(runtime, { a, b, bias }, { output }, problem) {
        const { batches, m, n, k } = problem;
        const left = stridesA(problem);
        const right = stridesB(problem);
        runtime.launch({
          kernel: matmulPlainKernel,
          constants: sharedConstants(problem),
          buffers: { a, b, bias, out: output },
          params: {
            batches,
            m,
            n,
            k,
            a_batch: left.batch,
            a_row: left.side,
            a_depth: left.depth,
            b_batch: right.batch,
            b_depth: right.depth,
            b_column: right.side,
          },
          workgroups: spread(batches * m * n),
        });
      },
    },
  ],
  flops: ({ batches, m, n, k }) => 2 * batches * m * n * k,
  reduction: ({ k }) => k,
});

/**
 * Matrix product `activation(a · b + bias)`: `a` (…, M, K), `b` (…, K, N) and `bias` (N) give (…, M, N), f32 or
 * f16, summed in f32. The leading axes of `a` and `b` are equal, or one of them has none (or ones only) and is used
 * for every batch. One transposed `b` for every batch may be larger than a binding of the device.
 * @throws ShapeError, DtypeError, OptionError
 */
export function matmul(operands: MatmulOperands, options: MatmulOptions = {}): Tensor {
  matmulOperation.check(operands, options);
  return activated(operands, options, (options) => {
    const { a, b, bias } = operands;
    if (!options.transposeB || b.rank !== 2) return matmulOperation.run(operands, options).output;
    return inRowParts(
      b,
      a.rank - 1,
      (rows, partOf) => matmulOperation.run({ a, b: rows, bias: partOf(bias) }, options).output,
    );
  });
}

export interface LinearOperands {
  readonly input: Tensor;
  readonly weight: Tensor;
  readonly bias?: Tensor | undefined;
}

export type LinearCallOptions = ActivationOptions & Pick<MatmulOptions, 'outDtype'>;

export const linearCallRules: Rules<LinearCallOptions> = {
  ...activationRules,
  outDtype: optional(floatDtype),
};

const linearSignature: Signature<LinearOperands, LinearCallOptions> = {
  operands: { input: 'required', weight: 'required', bias: 'optional' },
  options: linearCallRules,
};

/**
 * A linear layer `activation(input · weightᵀ + bias)`: `input` (…, K), `weight` (N, K) and `bias` (N) give (…, N).
 * @throws ShapeError, DtypeError, OptionError
 */
export function linear(operands: LinearOperands, options: LinearCallOptions = {}): Tensor {
  checkCall('linear', linearSignature, operands, options);
  const { input, weight, bias } = operands;
  return matmul({ a: input, b: weight, bias }, { ...options, transposeB: true });
}

/** Rows and columns of an operand as the product sees them. */
function matrixSides({ shape }: Tensor, transpose: boolean): [number, number] {
  const rows = shape.at(-2)!;
  const columns = shape.at(-1)!;
  return transpose ? [columns, rows] : [rows, columns];
}

/** The leading axes of the product. */
function commonBatch(a: Tensor, b: Tensor): Shape {
  const [batchA, batchB] = [a.shape.slice(0, -2), b.shape.slice(0, -2)];
  if (sameShape(batchA, batchB)) return batchA;
  if (sizeOf(batchA) === 1 && sizeOf(batchB) === 1) return batchA.length > batchB.length ? batchA : batchB;
  if (sizeOf(batchB) === 1) return batchA;
  if (sizeOf(batchA) === 1) return batchB;
  throw new ShapeError(`the leading axes of a ${a} and b ${b} must be equal, or one of them have none`);
}

function stridesA({ m, k, batchedA, transposeA }: MatmulProblem): Strides {
  return { batch: batchedA ? m * k : 0, side: transposeA ? 1 : k, depth: transposeA ? m : 1 };
}

function stridesB({ n, k, batchedB, transposeB }: MatmulProblem): Strides {
  return { batch: batchedB ? n * k : 0, side: transposeB ? k : 1, depth: transposeB ? 1 : n };
}

function sharedConstants({ hasBias, dtype, outDtype, activation }: MatmulProblem) {
  return { Element: dtype, Result: outDtype, HAS_BIAS: hasBias, ...activation };
}

/** The tile of the matrix kernel, where the device has such matrices and the memory for its slices. */
function matrixTile(traits: DeviceTraits, dtype: Dtype): { rows: number; columns: number } | undefined {
  const shape = subgroupMatrix(traits, dtype);
  if (!shape) return undefined;
  const [rows, columns, depth] = [8 * shape.m, 8 * shape.n, 2 * shape.k];
  // Padded slices in either orientation, and a matrix of sums for each of four subgroups.
  const elements =
    Math.max(rows * (depth + 8), depth * (rows + 8)) + Math.max(columns * (depth + 8), depth * (columns + 8));
  const bytes = elements * dtypeBytes[dtype] + 4 * shape.m * shape.n * 4;
  return bytes <= traits.limits.maxComputeWorkgroupStorageSize ? { rows, columns } : undefined;
}

/** The constants of lib/matrix_blocks.wgsl. */
function blockConstants({ m, n, k, transposeA, transposeB }: MatmulProblem) {
  const contiguous = [transposeA ? m : k, transposeB ? k : n];
  return {
    TRANSPOSE_A: transposeA,
    TRANSPOSE_B: transposeB,
    ...(contiguous.every((size) => size % 4 === 0) && { Packed: 'vec4<Element>', WIDTH: 4 }),
  };
}

/** The tiled kernel with one size of tile. */
function tiledVariant(name: TileName): Variant<MatmulOperands, MatmulProblem, { output: Tensor }> {
  const tile = tiles[name];
  return {
    name,
    suits: () => true,
    meantFor: ['hardware'],
    prefers: (_, { batches, m, n, k }) => prefersTile(name, batches * countTiles(tile, m, n), k),
    run: (runtime, operands, { output }, problem) => launchTiled(runtime, tile, operands, output, problem),
  };
}

function launchTiled(
  runtime: Runtime,
  tile: Tile,
  { a, b, bias }: MatmulOperands,
  output: Tensor,
  problem: MatmulProblem,
): void {
  const { batches, m, n, k, activation } = problem;
  const count = batches * countTiles(tile, m, n);
  const product = { tiles: count, depth: k, output, bias, activation };
  inDepthParts(runtime, product, ({ parts, partDepth, out, whole }) =>
    runtime.launch({
      kernel: matmulTiledKernel,
      constants: {
        ...(whole ? sharedConstants(problem) : { Element: problem.dtype }),
        ...blockConstants(problem),
        ...tileConstants(tile),
      },
      buffers: { a, b, bias: whole ? bias : undefined, out },
      params: {
        batches,
        m,
        n,
        k,
        part_depth: partDepth,
        a_batch: stridesA(problem).batch,
        b_batch: stridesB(problem).batch,
      },
      workgroups: spread(count * parts, 1),
    }),
  );
}

import quantizedLinearPlainKernel from '../../../kernels/quantized/linear_plain.wgsl.js';
import quantizedLinearShuffleKernel from '../../../kernels/quantized/linear_shuffle.wgsl.js';
import quantizedLinearTiledKernel from '../../../kernels/quantized/linear_tiled.wgsl.js';
import quantizedLinearVectorKernel from '../../../kernels/quantized/linear_vector.wgsl.js';
import { optional } from '../../arguments.js';
import { ShapeError } from '../../errors.js';
import { type Dtype, floatDtype } from '../../tensor/dtype.js';
import type { Runtime } from '../../tensor/runtime.js';
import type { Shape } from '../../tensor/shape.js';
import { expectDtype, expectShape, type Tensor } from '../../tensor/tensor.js';
import {
  type ActivationConstants,
  type ActivationOptions,
  activationConstants,
  activationRules,
} from '../activation.js';
import { activated } from '../array/activated.js';
import { inRowParts } from '../array/row-parts.js';
import { spread } from '../grid.js';
import { isLongSum } from '../long-sums.js';
import { type MatmulOptions, matmulOperation } from '../matmul/matmul.js';
import { defineOperation, type Variant } from '../op.js';
import { inDepthParts } from '../split-depth.js';
import { subgroupMatrix } from '../subgroup-matrix.js';
import { countTiles, prefersTile, type Tile, type TileName, tileConstants, tiles } from '../tiles.js';
import { dequantizeWeight } from './dequantize-weight.js';
import {
  expectQuantized,
  fitsBinding,
  formatRules,
  type QuantizationFormat,
  quantizedConstants,
  quantizedParams,
  wholeFormat,
} from './quantization.js';

export interface QuantizedLinearOptions
  extends QuantizationFormat,
    ActivationOptions,
    Pick<MatmulOptions, 'outDtype'> {}

export interface QuantizedLinearOperands {
  readonly input: Tensor;
  readonly values: Tensor;
  readonly scales: Tensor;
  readonly bias?: Tensor | undefined;
}

interface Problem {
  readonly outShape: Shape;
  readonly m: number;
  readonly n: number;
  readonly k: number;
  readonly format: Required<QuantizationFormat>;
  readonly hasBias: boolean;
  readonly dtype: Dtype;
  readonly scaleDtype: Dtype;
  readonly outDtype: Dtype;
  readonly activation: ActivationConstants;
}

/** Rows, and quads of columns a lane, of the shuffle kernel. */
const shuffleTile = { rows: 16, quads: 2 };

/** Rows that the vector kernel keeps in registers. */
const mostVectorRows = 8;

/** From so many rows on tensor cores make up for a weight that is written out as numbers and read again. */
const leastMatrixRows = 64;

export const quantizedLinearOperation = defineOperation<
  QuantizedLinearOperands,
  QuantizedLinearOptions,
  Problem,
  { output: Tensor }
>({
  name: 'quantizedLinear',
  operands: { input: 'required', values: 'required', scales: 'required', bias: 'optional' },
  options: { ...formatRules, ...activationRules, outDtype: optional(floatDtype) },
  problem(operands, options) {
    const { input, scales, bias } = operands;
    expectDtype(input, 'input', 'f32', 'f16');
    const { outDtype = input.dtype } = options;
    if (input.rank === 0) throw new ShapeError(`the input ${input} must have an axis`);
    const k = input.shape.at(-1)!;
    const format = wholeFormat(options);
    const n = expectQuantized(operands, k, format);
    if (bias) {
      expectDtype(bias, 'bias', input.dtype);
      expectShape(bias, 'bias', [n]);
    }
    return {
      outShape: [...input.shape.slice(0, -1), n],
      m: input.size / k,
      n,
      k,
      format,
      hasBias: bias !== undefined,
      dtype: input.dtype,
      scaleDtype: scales.dtype,
      outDtype,
      activation: activationConstants(options),
    };
  },
  outputs: ({ outShape, outDtype }) => ({ output: { shape: outShape, dtype: outDtype } }),
  variants: [
    {
      name: 'dequantized',
      // The weight becomes of the input's type: an output of more digits would show that.
      suits: (traits, { n, k, dtype, outDtype }) => outDtype === dtype && fitsBinding(traits, n * k, dtype),
      meantFor: ['hardware'],
      prefers: (traits, { m, dtype }) => m >= leastMatrixRows && subgroupMatrix(traits, dtype) !== undefined,
      run(runtime, { input, values, scales, bias }, { output }, { m, n, k, format, dtype, ...problem }) {
        const weight = dequantizeWeight(
          { values, scales },
          { ...format, columns: k, dtype: dtype as 'f32' | 'f16' },
        );
        const product = {
          ...matmulOperation.problem({ a: input.reshape([m, k]), b: weight, bias }, { transposeB: true }),
          activation: problem.activation,
        };
        const operands = { a: input, b: weight, bias };
        matmulOperation.choose(runtime, product).run(runtime, operands, { output }, product);
      },
    },
    {
      name: 'shuffle',
      suits: ({ subgroups }) => subgroups,
      meantFor: ['software'],
      run(runtime, { input, values, scales, bias }, { output }, problem) {
        const { m, n, k } = problem;
        const lanes = runtime.traits.subgroupMaxSize;
        const rows = [1, 4].find((size) => size >= m) ?? shuffleTile.rows;
        runtime.launch({
          kernel: quantizedLinearShuffleKernel,
          constants: {
            ...constants(problem),
            WORKGROUP: lanes,
            ROWS: rows,
            QUADS: shuffleTile.quads,
            LONG: isLongSum(k),
          },
          buffers: { input, values, scales, bias, out: output },
          params: { m, n, k, ...quantizedParams(problem.format) },
          workgroups: spread(Math.ceil(m / rows) * Math.ceil(n / (4 * shuffleTile.quads * lanes)), 1),
        });
      },
    },
    {
      name: 'vector',
      suits: (_, { m }) => m <= mostVectorRows,
      meantFor: ['hardware'],
      run(runtime, { input, values, scales, bias }, { output }, problem) {
        const { m, n, k } = problem;
        runtime.launch({
          kernel: quantizedLinearVectorKernel,
          constants: {
            ...constants(problem),
            ...packedConstants(problem),
            LANES: 1,
            DEPTH_LANES: 64,
            ROWS: m,
          },
          buffers: { a: input, values, scales, bias, out: output },
          params: { m, n, k, ...quantizedParams(problem.format) },
          workgroups: spread(Math.ceil(n / 4), 1),
        });
      },
    },
    tiledVariant('tiled'),
    tiledVariant('tiled-small'),
    {
      name: 'plain',
      suits: () => true,
      run(runtime, { input, values, scales, bias }, { output }, problem) {
        const { m, n, k } = problem;
        runtime.launch({
          kernel: quantizedLinearPlainKernel,
          constants: constants(problem),
          buffers: { input, values, scales, bias, out: output },
          params: { m, n, k, ...quantizedParams(problem.format) },
          workgroups: spread(m * n),
        });
      },
    },
  ],
  flops: ({ m, n, k }) => 2 * m * n * k,
  reduction: ({ k }) => k,
});

/**
 * A linear layer with a quantised weight `activation(input · Wᵀ + bias)`: `input` (…, K), f32 or f16, the `values` and
 * `scales` of W (N, K) in the format that the options name ({@link QuantizationFormat}), and `bias` (N) give (…, N),
 * summed in f32. The values may be larger than a binding of the device. Input and bias have gradients; the weight is a
 * constant.
 * @throws ShapeError, DtypeError, OptionError
 */
export function quantizedLinear(operands: QuantizedLinearOperands, options: QuantizedLinearOptions): Tensor {
  quantizedLinearOperation.check(operands, options);
  return activated(operands, options, (options) => {
    const { input, values, scales, bias } = operands;
    return inRowParts(
      values,
      input.rank - 1,
      (rows, partOf) =>
        quantizedLinearOperation.run(
          { input, values: rows, scales: partOf(scales), bias: partOf(bias) },
          options,
        ).output,
    );
  });
}

function operandConstants({ format, dtype, scaleDtype }: Problem) {
  return { ...quantizedConstants(format, scaleDtype), Element: dtype };
}

function constants(problem: Problem) {
  const { hasBias, outDtype, activation } = problem;
  return { ...operandConstants(problem), Result: outDtype, HAS_BIAS: hasBias, ...activation };
}

/** The constants of lib/left_blocks.wgsl. */
function packedConstants({ k }: Problem) {
  return k % 4 === 0 ? { Packed: 'vec4<Element>', WIDTH: 4 } : {};
}

/** The tiled kernel with one size of tile. */
function tiledVariant(name: TileName): Variant<QuantizedLinearOperands, Problem, { output: Tensor }> {
  const tile = tiles[name];
  return {
    name,
    suits: () => true,
    meantFor: ['hardware'],
    prefers: (_, { m, n, k }) => prefersTile(name, countTiles(tile, m, n), k),
    run: (runtime, operands, { output }, problem) => launchTiled(runtime, tile, operands, output, problem),
  };
}

function launchTiled(
  runtime: Runtime,
  tile: Tile,
  { input, values, scales, bias }: QuantizedLinearOperands,
  output: Tensor,
  problem: Problem,
): void {
  const { m, n, k, activation } = problem;
  const count = countTiles(tile, m, n);
  const product = { tiles: count, depth: k, output, bias, activation };
  inDepthParts(runtime, product, ({ parts, partDepth, out, whole }) =>
    runtime.launch({
      kernel: quantizedLinearTiledKernel,
      constants: {
        ...(whole ? constants(problem) : operandConstants(problem)),
        ...packedConstants(problem),
        ...tileConstants(tile),
      },
      buffers: { a: input, values, scales, bias: whole ? bias : undefined, out },
      params: { m, n, k, part_depth: partDepth, ...quantizedParams(problem.format) },
      workgroups: spread(count * parts, 1),
    }),
  );
}

import type { Arbitrary } from 'fast-check';
import { loadReference } from '../native/index.js';
import { activationConstants, activations } from '../src/ops/activation.js';
import { type BinaryOperator, binaryOperation, binaryOperators } from '../src/ops/array/binary.js';
import { castOperation } from '../src/ops/array/cast.js';
import { fillOperation } from '../src/ops/array/fill.js';
import { unaryOperation } from '../src/ops/array/unary.js';
import { type UnaryFunction, unaryFunctions } from '../src/ops/array/unary-function.js';
import { unaryGradientOperation } from '../src/ops/array/unary-gradient.js';
import { unpackHalvesOperation } from '../src/ops/array/unpack-halves.js';
import { whereOperation } from '../src/ops/array/where.js';
import { broadcastShapes, type Shape, sizeOf } from '../src/tensor/shape.js';
import type { CaseTable, FastCheck } from './support/case-table.js';
import { fill, fixed, type HostTensor, normal, result, u32 } from './support/host.js';
import { doubles, inKindOf, type Kind, randomOf, words } from './support/kinds.js';
import type { Random } from './support/random.js';

const native = loadReference<{
  unary(
    x: Float64Array,
    count: number,
    name: string,
    p: number,
    q: number,
    activation: number,
    negativeSlope: number,
  ): Float64Array;
  binary(
    a: Float64Array,
    shapeA: Uint32Array,
    b: Float64Array,
    shapeB: Uint32Array,
    shape: Uint32Array,
    operator: string,
    integers: boolean,
  ): Float64Array;
  where(
    mask: Float64Array,
    shapeMask: Uint32Array,
    a: Float64Array,
    shapeA: Uint32Array,
    b: Float64Array,
    shapeB: Uint32Array,
    shape: Uint32Array,
  ): Float64Array;
  castInteger(x: Float64Array, count: number, signed: boolean): Uint32Array | Int32Array;
  unpackHalves(packed: Uint32Array, count: number, brain: boolean): Float64Array;
}>();

/** Operands within the domain of a function. */
function argument(name: UnaryFunction, random: Random): number {
  switch (name) {
    case 'sqrt':
    case 'rsqrt':
    case 'log':
      return Math.exp(random.normal());
    case 'reciprocal':
      return (random.uniform() < 0.5 ? -1 : 1) * Math.exp(random.normal());
    case 'exp':
      return random.normal();
    case 'sin':
    case 'cos':
      return 1000 * random.normal();
    case 'floor':
    case 'round':
      // Away from the steps, at integers and halves, where the reference has no slope.
      return random.whole(-4, 4) + (random.uniform() < 0.5 ? 0.1 : 0.6) + 0.3 * random.uniform();
    default:
      return 3 * random.normal();
  }
}

interface UnarySize {
  name: UnaryFunction;
  count: number;
}

export const unaryCases: CaseTable<UnarySize> = {
  operation: unaryOperation,
  sizes: [
    ...unaryFunctions.map((name) => ({ name, count: 403 })),
    { name: 'exp', count: 1 },
    { name: 'silu', count: 1024 },
    { name: 'gelu', count: 1028 },
    { name: 'scaleShift', count: 4 * 64 * 4 * 3 },
  ],
  random: (fc) =>
    fc.record({
      name: fc.constantFrom(...unaryFunctions),
      count: fc.oneof(
        fc.integer({ min: 1, max: 3000 }),
        fc.integer({ min: 1, max: 700 }).map((n) => 4 * n),
      ),
    }),
  benchmarks: [
    { name: 'silu', count: 2 ** 24 },
    { name: 'gelu', count: 2 ** 24 },
  ],
  make: ({ name, count }, random) => ({
    inputs: { x: fill([count], () => argument(name, random)) },
    // No number of f16 lies on the kinks of clamp.
    options: { function: name, p: -0.7501, q: 1.2503, ...(name === 'leaky_relu' && { negativeSlope: 0.2 }) },
  }),
  reference: ({ x }, { function: name, p, q, negativeSlope }) => {
    const activation = activations.find((known) => known === name) ?? 'none';
    const { ACTIVATION } = activationConstants({ activation });
    const data = native.unary(x.data, x.data.length, name, p, q, ACTIVATION, negativeSlope ?? 0);
    return { output: result(x.shape, data) };
  },
};

export const unaryGradientCases: CaseTable<UnarySize> = {
  operation: unaryGradientOperation,
  sizes: [
    ...unaryFunctions.map((name) => ({ name, count: 403 })),
    { name: 'silu', count: 1028 },
    { name: 'sqrt', count: 4 * 64 * 4 * 3 },
  ],
  random: unaryCases.random,
  benchmarks: [{ name: 'silu', count: 2 ** 24 }],
  make: (size, random) => {
    const { inputs, options } = unaryCases.make(size, random);
    return { inputs: { ...inputs, gradient: normal(random, [size.count]) }, options };
  },
  // Central differences of the function itself; kinks are not met by random numbers.
  reference: ({ x, gradient }, options, size) => {
    const step = 1e-6;
    const at = (shift: number) =>
      unaryCases.reference({ x: { ...x, data: x.data.map((value: number) => value + shift) } }, options, size)
        .output!.data;
    const [above, below] = [at(step), at(-step)];
    const slope = above.map(
      (value, i) => ((value - below[i]!) / (2 * step)) * gradient.data[i],
    ) as Float64Array;
    return { output: result(x.shape, slope) };
  },
};

/** An axis of a broadcast result, and whether each of two or three operands has it in full. */
interface Axis {
  size: number;
  full: boolean[];
}

function axes(fc: FastCheck, operands: number): Arbitrary<Axis[]> {
  const full = fc.array(fc.boolean(), { minLength: operands, maxLength: operands });
  const outer = fc.record({ size: fc.integer({ min: 1, max: 4 }), full });
  const inner = fc.record({ size: fc.constantFrom(1, 2, 3, 4, 7, 8, 12, 16, 68), full });
  return fc.tuple(fc.array(outer, { maxLength: 5 }), inner).map(([first, last]) => [...first, last]);
}

/** The shape of operand k; leading axes of size 1 are left out, as NumPy allows. */
function shapeOf(list: readonly Axis[], k: number): number[] {
  const shape = list.map(({ size, full }) => (full[k] ? size : 1));
  while (shape[0] === 1) shape.shift();
  return shape;
}

interface BinarySize {
  operator: BinaryOperator;
  kind: Kind;
  a: Shape | number;
  b: Shape | number;
}

const comparisons = binaryOperators.slice(binaryOperators.indexOf('equal'));
const arithmetic = binaryOperators.filter((name) => name !== 'pow');
const alternating = { a: [2, 1, 3, 1, 2, 1], b: [3, 1, 2, 1, 5] };

/** The operand, or undefined with the number in its place. */
function operand(value: Shape | number, kind: Kind, whole: boolean, random: Random): HostTensor | undefined {
  if (typeof value === 'number') return undefined;
  if (kind === 'float' && whole) return fill(value, () => random.whole(-2, 2));
  return randomOf(random, value, kind);
}

export const binaryCases: CaseTable<BinarySize> = {
  operation: binaryOperation,
  sizes: [
    ...binaryOperators.map((operator) => ({ operator, kind: 'float' as const, a: [5, 8], b: [5, 8] })),
    ...(['sub', 'div', 'less', 'equal'] as const).map((operator) => ({
      operator,
      kind: 'u32' as const,
      a: [3, 7],
      b: [3, 1],
    })),
    ...(['add', 'div', 'maximum', 'notEqual'] as const).map((operator) => ({
      operator,
      kind: 'i32' as const,
      a: [40],
      b: -3,
    })),
    { operator: 'add', kind: 'float', a: [], b: [] },
    { operator: 'add', kind: 'float', a: [64, 256], b: [256] },
    { operator: 'mul', kind: 'float', a: [2, 8, 6, 4], b: [8, 1, 1] },
    { operator: 'sub', kind: 'float', a: 1, b: [1000] },
    { operator: 'sub', kind: 'float', a: [1001], b: 0.25 },
    { operator: 'pow', kind: 'float', a: [400], b: 1.5 },
    { operator: 'pow', kind: 'float', a: 1.5, b: [400] },
    { operator: 'div', kind: 'float', ...alternating },
    { operator: 'sub', kind: 'float', a: [2, 1, 3, 1, 2, 4], b: [3, 1, 2, 1, 1] },
  ],
  random: (fc) =>
    fc
      .record({ axes: axes(fc, 2), operator: fc.constantFrom(...arithmetic), kind: kinds(fc) })
      .map(({ axes: list, operator, kind }) => ({
        operator,
        kind,
        a: shapeOf(list, 0),
        b: shapeOf(list, 1),
      })),
  benchmarks: [
    { operator: 'add', kind: 'float', a: [4096, 4096], b: [4096, 4096] },
    { operator: 'add', kind: 'float', a: [4096, 4096], b: [4096] },
    { operator: 'mul', kind: 'float', a: [8, 512, 4096], b: [8, 512, 1] },
  ],
  make: ({ operator, kind, a, b }, random) => {
    const comparison = comparisons.includes(operator);
    const numbers = [a, b].filter((value) => typeof value === 'number');
    const right = operand(b, kind, comparison, random);
    // The gradient of a divisor near 0 would be all that the differences see.
    if (operator === 'div' && kind === 'float') {
      right?.data.forEach((x: number, i: number) => {
        right.data[i] = x + Math.sign(x) / 4;
      });
    }
    return {
      inputs: { a: operand(a, kind, comparison, random), b: right },
      options: { operator, number: numbers[0] },
    };
  },
  // Powers near 0 bend within a step of the differences.
  gradientTolerance: 30,
  // The whole numbers that are compared lie on the steps.
  constants: ({ operator }) => (comparisons.includes(operator) ? ['a', 'b'] : []),
  reference: ({ a, b }, { operator, number }) => {
    const tensor: HostTensor = a ?? b;
    const filler = inKindOf(tensor, [], Float64Array.of(number));
    const [left, right] = [a ?? filler, b ?? filler];
    const shape = broadcastShapes(left.shape, right.shape);
    const output = native.binary(
      doubles(left),
      words(left.shape),
      doubles(right),
      words(right.shape),
      words(shape),
      operator,
      tensor.kind !== 'float',
    );
    // Whole numbers wrap around.
    const wrapped = tensor.kind === 'u32' ? output.map((value) => value >>> 0) : output;
    return { output: inKindOf(tensor, shape, wrapped) };
  },
};

function kinds(fc: FastCheck): Arbitrary<Kind> {
  return fc.constantFrom('float', 'u32', 'i32');
}

interface WhereSize {
  maskKind: Kind;
  kind: Kind;
  mask: Shape;
  a: Shape | number;
  b: Shape | number;
}

export const whereCases: CaseTable<WhereSize> = {
  operation: whereOperation,
  sizes: [
    { maskKind: 'u32', kind: 'float', mask: [4, 60], a: [4, 60], b: [4, 60] },
    { maskKind: 'float', kind: 'float', mask: [3, 7, 1], a: -1e4, b: [3, 7, 5] },
    { maskKind: 'i32', kind: 'u32', mask: [16], a: [5, 16], b: 3 },
    { maskKind: 'u32', kind: 'i32', mask: [5, 1, 8], a: [6, 1], b: [5, 6, 8] },
    { maskKind: 'u32', kind: 'float', mask: [2, 1, 3, 1, 2, 1], a: [3, 1, 2, 1, 5], b: [1] },
  ],
  random: (fc) =>
    fc
      .record({ axes: axes(fc, 3), maskKind: kinds(fc), kind: kinds(fc) })
      .map(({ axes: list, maskKind, kind }) => ({
        maskKind,
        kind,
        mask: shapeOf(list, 0),
        a: shapeOf(list, 1),
        b: shapeOf(list, 2),
      })),
  benchmarks: [{ maskKind: 'u32', kind: 'float', mask: [4096, 4096], a: -1e4, b: [4096, 4096] }],
  make: ({ maskKind, kind, mask, a, b }, random) => {
    const chosen = randomOf(random, mask, maskKind);
    return {
      inputs: {
        mask: {
          ...chosen,
          data: chosen.data.map((value) => (random.uniform() < 0.5 ? 0 : value)),
        } as HostTensor,
        a: operand(a, kind, false, random),
        b: operand(b, kind, false, random),
      },
      options: {
        a: typeof a === 'number' ? a : undefined,
        b: typeof b === 'number' ? b : undefined,
      },
    };
  },
  // A choice has no slope, and many of these lie on its step.
  constants: () => ['mask'],
  reference: ({ mask, a, b }, numbers) => {
    const tensor: HostTensor = a ?? b;
    const left = a ?? inKindOf(tensor, [], Float64Array.of(numbers.a));
    const right = b ?? inKindOf(tensor, [], Float64Array.of(numbers.b));
    const shape = [mask.shape, left.shape, right.shape].reduce(broadcastShapes);
    const output = native.where(
      doubles(mask),
      words(mask.shape),
      doubles(left),
      words(left.shape),
      doubles(right),
      words(right.shape),
      words(shape),
    );
    return { output: inKindOf(tensor, shape, output) };
  },
};

interface CastSize {
  from: Kind;
  to: 'f32' | 'u32' | 'i32';
  count: number;
}

/** Casts to f16 are in test/ops/elementwise.test.ts: not every adapter has them. */
export const castCases: CaseTable<CastSize> = {
  operation: castOperation,
  sizes: [
    { from: 'float', to: 'u32', count: 1 },
    { from: 'float', to: 'i32', count: 1024 },
    { from: 'float', to: 'f32', count: 130 },
    { from: 'i32', to: 'u32', count: 65 },
    { from: 'u32', to: 'i32', count: 64 },
    { from: 'u32', to: 'f32', count: 100 },
  ],
  random: (fc) =>
    fc.record({
      from: kinds(fc),
      to: fc.constantFrom('f32', 'u32', 'i32'),
      count: fc.integer({ min: 1, max: 2000 }),
    }),
  benchmarks: [{ from: 'u32', to: 'f32', count: 2 ** 24 }],
  make: ({ from, to, count }, random) => ({
    inputs: {
      x: from === 'float' ? normal(random, [count], 100) : randomOf(random, [count], from),
    },
    options: { to },
  }),
  reference: ({ x }, { to }) => {
    if (to === 'f32') return { output: result(x.shape, doubles(x)) };
    if (x.kind === 'float') {
      return { output: result(x.shape, native.castInteger(x.data, x.data.length, to === 'i32')) };
    }
    const bits = x.data.buffer;
    return { output: result(x.shape, to === 'i32' ? new Int32Array(bits) : new Uint32Array(bits)) };
  },
};

interface FillSize {
  shape: Shape;
  value: number;
  dtype: 'f32' | 'u32' | 'i32';
}

export const fillCases: CaseTable<FillSize> = {
  operation: fillOperation,
  storages: ['f32'],
  sizes: [
    { shape: [], value: 3, dtype: 'f32' },
    { shape: [3, 5], value: -0.5, dtype: 'f32' },
    { shape: [16, 16], value: 0xffff_ffff, dtype: 'u32' },
    { shape: [130], value: -1, dtype: 'i32' },
  ],
  random: (fc) =>
    fc.record({
      shape: fc.array(fc.integer({ min: 1, max: 12 }), { maxLength: 4 }),
      value: fc.integer({ min: 0, max: 1000 }),
      dtype: fc.constantFrom('f32', 'u32', 'i32'),
    }),
  make: (options) => ({ inputs: {}, options }),
  reference: (_, { shape, value, dtype }) => {
    const kind = dtype === 'f32' ? 'float' : dtype;
    const data = new Float64Array(sizeOf(shape)).fill(value);
    return { output: inKindOf({ kind, shape, data }, shape, data) };
  },
};

interface UnpackHalvesSize {
  format: 'bf16' | 'f16';
  count: number;
}

/** Halves in f16 tensors are in test/ops/elementwise.test.ts: not every adapter has them. */
export const unpackHalvesCases: CaseTable<UnpackHalvesSize> = {
  operation: unpackHalvesOperation,
  storages: ['f32'],
  sizes: [
    { format: 'bf16', count: 1 },
    { format: 'f16', count: 2 },
    { format: 'bf16', count: 1024 },
    { format: 'f16', count: 520 },
    { format: 'f16', count: 131 },
  ],
  random: (fc) =>
    fc.record({
      format: fc.constantFrom('bf16', 'f16'),
      count: fc.integer({ min: 1, max: 500 }).chain((n) => fc.constantFrom(n, 8 * n)),
    }),
  benchmarks: [
    { format: 'bf16', count: 2 ** 24 },
    { format: 'f16', count: 2 ** 24 },
  ],
  // Any bits but those of infinity and NaN, whose exponent is all ones; bf16 as large that squares stay finite.
  make: ({ format, count }, random) => {
    const bits = () => {
      if (format === 'f16') return (random.whole(0, 1) << 15) | random.whole(0, 0x7bff);
      return (random.whole(0, 1) << 15) | random.whole(0x3000, 0x4fff);
    };
    return {
      inputs: { packed: u32([Math.ceil(count / 2)], () => (bits() | (bits() << 16)) >>> 0) },
      options: { format, count },
    };
  },
  reference: ({ packed }, { format, count }) => ({
    output: fixed(result([count], native.unpackHalves(packed.data, count, format === 'bf16'))),
  }),
};

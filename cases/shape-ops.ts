import type { Arbitrary } from 'fast-check';
import { loadReference } from '../native/index.js';
import { broadcastToOperation } from '../src/ops/array/broadcast-to.js';
import { concatOperation } from '../src/ops/array/concat.js';
import { padOperation } from '../src/ops/array/pad.js';
import { permuteOperation } from '../src/ops/array/permute.js';
import { placeOperation } from '../src/ops/array/place.js';
import { reverseSequenceOperation } from '../src/ops/array/reverse-sequence.js';
import { sliceOperation } from '../src/ops/array/slice.js';
import { type Shape, sizeOf } from '../src/tensor/shape.js';
import type { CaseTable, FastCheck } from './support/case-table.js';
import { type HostTensor, u32 } from './support/host.js';
import { doubles, inKindOf, type Kind, randomOf, words } from './support/kinds.js';

const native = loadReference<{
  permute(x: Float64Array, shape: Uint32Array, axes: Uint32Array): Float64Array;
  slice(
    x: Float64Array,
    shape: Uint32Array,
    starts: Uint32Array,
    sizes: Uint32Array,
    steps: Int32Array,
  ): Float64Array;
  broadcastTo(x: Float64Array, shape: Uint32Array, target: Uint32Array): Float64Array;
  concat(parts: Float64Array[], shapes: Uint32Array[], axis: number): Float64Array;
  pad(
    x: Float64Array,
    shape: Uint32Array,
    before: Uint32Array,
    after: Uint32Array,
    value: number,
  ): Float64Array;
  reverseSequence(
    x: Float64Array,
    batches: number,
    steps: number,
    width: number,
    lengths: Uint32Array,
  ): Float64Array;
}>();

const kinds = (fc: FastCheck): Arbitrary<Kind> => fc.constantFrom('float', 'u32', 'i32');
const innerSize = (fc: FastCheck) => fc.constantFrom(1, 2, 3, 4, 6, 8, 12, 16, 68);

/** Up to six axes of few elements, the innermost often a multiple of four. */
const shapes = (fc: FastCheck): Arbitrary<number[]> =>
  fc
    .tuple(fc.array(fc.integer({ min: 1, max: 4 }), { maxLength: 5 }), innerSize(fc))
    .map(([outer, inner]) => [...outer, inner]);

interface PermuteSize {
  kind: Kind;
  shape: Shape;
  axes: number[];
}

export const permuteCases: CaseTable<PermuteSize> = {
  operation: permuteOperation,
  sizes: [
    { kind: 'float', shape: [], axes: [] },
    { kind: 'float', shape: [7], axes: [0] },
    { kind: 'float', shape: [33, 65], axes: [1, 0] },
    { kind: 'u32', shape: [2, 64, 36], axes: [0, 2, 1] },
    { kind: 'i32', shape: [2, 5, 3, 8], axes: [0, 2, 1, 3] },
    { kind: 'float', shape: [2, 5, 3, 6], axes: [0, 2, 1, 3] },
    { kind: 'float', shape: [2, 3, 4, 5], axes: [0, 2, 3, 1] },
    { kind: 'float', shape: [2, 3, 2, 3, 2, 4], axes: [5, 4, 3, 2, 1, 0] },
  ],
  random: (fc) =>
    fc
      .tuple(kinds(fc), shapes(fc))
      .chain(([kind, shape]) =>
        fc
          .shuffledSubarray([...shape.keys()], { minLength: shape.length })
          .map((axes) => ({ kind, shape, axes })),
      ),
  benchmarks: [
    { kind: 'float', shape: [2048, 2048], axes: [1, 0] },
    { kind: 'float', shape: [8, 512, 8, 64], axes: [0, 2, 1, 3] },
  ],
  make: ({ kind, shape, axes }, random) => ({
    inputs: { x: randomOf(random, shape, kind) },
    options: { axes },
  }),
  reference: ({ x }, { axes }) => {
    const shape = axes.map((axis: number) => x.shape[axis]);
    return { output: inKindOf(x, shape, native.permute(doubles(x), words(x.shape), words(axes))) };
  },
};

interface SliceSize {
  kind: Kind;
  shape: Shape;
  starts: number[];
  sizes: number[];
  steps?: number[];
}

export const sliceCases: CaseTable<SliceSize> = {
  operation: sliceOperation,
  sizes: [
    { kind: 'float', shape: [1000], starts: [17], sizes: [500] },
    { kind: 'float', shape: [9, 64], starts: [2, 16], sizes: [5, 40] },
    { kind: 'u32', shape: [9, 65], starts: [8, 60], sizes: [5, 13], steps: [-2, -5] },
    { kind: 'i32', shape: [4, 5, 6], starts: [0, 4, 0], sizes: [4, 5, 6], steps: [1, -1, 1] },
    { kind: 'float', shape: [3, 12, 8], starts: [0, 0, 4], sizes: [3, 6, 4], steps: [1, 2, 1] },
  ],
  random: (fc) =>
    fc.tuple(kinds(fc), shapes(fc)).chain(([kind, shape]) =>
      fc
        .tuple(
          ...shape.map((size) =>
            fc
              .tuple(
                fc.integer({ min: 0, max: size - 1 }),
                fc.constantFrom(1, 1, 1, 2, 3, -1, -2),
                fc.integer({ min: 1, max: size }),
                fc.boolean(),
              )
              .map(([start, step, most, whole]) => {
                if (whole) return { start: 0, step: 1, count: size };
                const room = 1 + Math.floor((step > 0 ? size - 1 - start : start) / Math.abs(step));
                return { start, step, count: Math.min(most, room) };
              }),
          ),
        )
        .map((axes) => ({
          kind,
          shape,
          starts: axes.map(({ start }) => start),
          sizes: axes.map(({ count }) => count),
          steps: axes.map(({ step }) => step),
        })),
    ),
  make: ({ kind, shape, ...options }, random) => ({ inputs: { x: randomOf(random, shape, kind) }, options }),
  reference: ({ x }, { starts, sizes, steps = sizes.map(() => 1) }) => ({
    output: inKindOf(
      x,
      sizes,
      native.slice(doubles(x), words(x.shape), words(starts), words(sizes), Int32Array.from(steps)),
    ),
  }),
};

/** The slices of `sliceCases`, the other way round. */
export const placeCases: CaseTable<SliceSize> = {
  operation: placeOperation,
  sizes: sliceCases.sizes,
  random: sliceCases.random,
  benchmarks: [
    {
      kind: 'float',
      shape: [32, 64, 64, 16],
      starts: [0, 0, 0, 1],
      sizes: [32, 64, 32, 8],
      steps: [1, 1, 2, 2],
    },
  ],
  make: ({ kind, shape, starts, sizes, steps }, random) => ({
    inputs: { x: randomOf(random, sizes, kind) },
    options: { shape, starts, steps },
  }),
  reference: ({ x }, { shape, starts, steps }) => {
    // The slice of the places' own numbers says where each element goes.
    const places = Float64Array.from({ length: sizeOf(shape) }, (_, i) => i);
    const ones = Int32Array.from(steps ?? shape.map(() => 1));
    const targets = native.slice(places, words(shape), words(starts), words(x.shape), ones);
    const data = new Float64Array(places.length);
    targets.forEach((target, i) => {
      data[target] = x.data[i];
    });
    return { output: inKindOf(x, shape, data) };
  },
};

interface BroadcastSize {
  kind: Kind;
  shape: Shape;
  target: Shape;
}

export const broadcastToCases: CaseTable<BroadcastSize> = {
  operation: broadcastToOperation,
  sizes: [
    { kind: 'float', shape: [], target: [3, 5] },
    { kind: 'float', shape: [8], target: [7, 8] },
    { kind: 'u32', shape: [3, 1, 4], target: [2, 3, 5, 4] },
    { kind: 'i32', shape: [3, 1], target: [3, 64] },
    { kind: 'float', shape: [2, 1, 3, 1, 2, 1], target: [2, 3, 3, 2, 2, 5] },
  ],
  random: (fc) =>
    fc.tuple(kinds(fc), shapes(fc), fc.infiniteStream(fc.boolean())).map(([kind, target, full]) => ({
      kind,
      shape: target.map((size) => (full.next().value ? size : 1)),
      target,
    })),
  make: ({ kind, shape, target }, random) => ({
    inputs: { x: randomOf(random, shape, kind) },
    options: { shape: target },
  }),
  reference: ({ x }, { shape }) => ({
    output: inKindOf(x, shape, native.broadcastTo(doubles(x), words(x.shape), words(shape))),
  }),
};

interface ConcatSize {
  kind: Kind;
  shape: Shape;
  axis: number;
  /** Length of each operand along the axis. */
  lengths: number[];
}

export const concatCases: CaseTable<ConcatSize> = {
  operation: concatOperation,
  sizes: [
    { kind: 'float', shape: [5], axis: 0, lengths: [1] },
    { kind: 'float', shape: [3, 1, 8], axis: 1, lengths: [1, 4, 2] },
    { kind: 'u32', shape: [3, 1], axis: -1, lengths: [3, 70] },
    { kind: 'i32', shape: [1, 8, 8], axis: 0, lengths: [2, 2] },
    { kind: 'float', shape: [4, 1], axis: 1, lengths: [6, 2, 4] },
  ],
  random: (fc) =>
    fc
      .record({
        kind: kinds(fc),
        shape: shapes(fc),
        at: fc.nat(),
        lengths: fc.array(innerSize(fc), { minLength: 1, maxLength: 4 }),
      })
      .map(({ kind, shape, at, lengths }) => ({ kind, shape, axis: at % shape.length, lengths })),
  benchmarks: [{ kind: 'float', shape: [8, 1, 64, 64], axis: 1, lengths: [256, 512] }],
  make: ({ kind, shape, axis, lengths }, random) => {
    const along = axis < 0 ? axis + shape.length : axis;
    const parts = lengths.map((length) => shape.map((size, k) => (k === along ? length : size)));
    return {
      inputs: Object.fromEntries(parts.map((part, k) => [k, randomOf(random, part, kind)])),
      options: { axis },
    };
  },
  reference: (inputs, { axis }) => {
    const parts = Object.values(inputs) as HostTensor[];
    const [first] = parts;
    const along = axis < 0 ? axis + first!.shape.length : axis;
    const length = parts.reduce((sum, part) => sum + part.shape[along]!, 0);
    const shape = first!.shape.map((size, k) => (k === along ? length : size));
    const output = native.concat(
      parts.map(doubles),
      parts.map((part) => words(part.shape)),
      along,
    );
    return { output: inKindOf(first!, shape, output) };
  },
};

interface PadSize {
  kind: Kind;
  shape: Shape;
  before: number[];
  after: number[];
  value?: number;
}

export const padCases: CaseTable<PadSize> = {
  operation: padOperation,
  sizes: [
    { kind: 'float', shape: [], before: [], after: [] },
    { kind: 'float', shape: [5], before: [0], after: [0] },
    { kind: 'float', shape: [2, 3, 8], before: [0, 2, 0], after: [0, 1, 0], value: 1.5 },
    { kind: 'u32', shape: [2, 3, 5, 7], before: [0, 0, 2, 3], after: [0, 0, 2, 3], value: 0xffff_ffff },
    { kind: 'i32', shape: [3, 12], before: [1, 4], after: [0, 8], value: -7 },
    { kind: 'float', shape: [2, 1, 2, 1, 2, 4], before: [1, 1, 1, 1, 1, 2], after: [1, 0, 1, 0, 1, 2] },
  ],
  random: (fc) =>
    fc
      .tuple(
        kinds(fc),
        shapes(fc),
        fc.infiniteStream(fc.constantFrom(0, 0, 1, 2, 4)),
        fc.integer({ min: 0, max: 9 }),
      )
      .map(([kind, shape, amount, value]) => ({
        kind,
        shape,
        before: shape.map(() => amount.next().value),
        after: shape.map(() => amount.next().value),
        value,
      })),
  benchmarks: [{ kind: 'float', shape: [8, 256, 64, 64], before: [0, 0, 8, 8], after: [0, 0, 8, 8] }],
  make: ({ kind, shape, ...options }, random) => ({ inputs: { x: randomOf(random, shape, kind) }, options }),
  reference: ({ x }, { before, after, value = 0 }) => {
    const shape = x.shape.map((size: number, k: number) => size + before[k] + after[k]);
    const output = native.pad(doubles(x), words(x.shape), words(before), words(after), value);
    return { output: inKindOf(x, shape, output) };
  },
};

interface ReverseSequenceSize {
  kind: Kind;
  shape: Shape;
}

export const reverseSequenceCases: CaseTable<ReverseSequenceSize> = {
  operation: reverseSequenceOperation,
  sizes: [
    { kind: 'float', shape: [1, 1] },
    { kind: 'float', shape: [5, 20, 12] },
    { kind: 'u32', shape: [3, 7, 2, 5] },
  ],
  random: (fc) =>
    fc.record({
      kind: kinds(fc),
      shape: fc.tuple(fc.integer({ min: 1, max: 6 }), fc.integer({ min: 1, max: 30 }), innerSize(fc)),
    }),
  make: ({ kind, shape }, random) => ({
    inputs: {
      x: randomOf(random, shape, kind),
      // 0 and lengths over the number of steps included
      lengths: u32([shape[0]!], () => random.whole(0, shape[1]! + 2)),
    },
  }),
  reference: ({ x, lengths }) => {
    const [batches, steps] = x.shape;
    const width = x.data.length / (batches * steps);
    const output = native.reverseSequence(doubles(x), batches, steps, width, lengths.data);
    return { output: inKindOf(x, x.shape, output) };
  },
};

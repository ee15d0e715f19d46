import type { Arbitrary } from 'fast-check';
import { loadReference } from '../native/index.js';
import { gatherOperation } from '../src/ops/array/gather.js';
import { scatterOperation } from '../src/ops/array/scatter.js';
import { scatterAddOperation } from '../src/ops/array/scatter-add.js';
import { type Shape, sizeOf } from '../src/tensor/shape.js';
import type { CaseTable, FastCheck } from './support/case-table.js';
import { fill, type HostTensor, u32 } from './support/host.js';
import { doubles, inKindOf, type Kind, randomOf, words } from './support/kinds.js';
import type { Random } from './support/random.js';

const native = loadReference<{
  gather(
    x: Float64Array,
    shape: Uint32Array,
    axis: number,
    ids: Uint32Array,
    idShape: Uint32Array,
  ): Float64Array;
  scatter(
    x: Float64Array,
    shape: Uint32Array,
    axis: number,
    ids: Uint32Array,
    idShape: Uint32Array,
    updates: Float64Array,
    add: boolean,
  ): Float64Array;
}>();

/** A tensor (outer, n, inner) addressed along its middle axis. */
interface Size {
  kind: Kind;
  outer: number;
  n: number;
  inner: number;
  entries: number;
  /** Whether ids differ along outer and along inner. */
  idOuter: boolean;
  idInner: boolean;
}

const chosen: Size[] = [
  { kind: 'float', outer: 1, n: 1, inner: 1, entries: 1, idOuter: true, idInner: true },
  { kind: 'float', outer: 1, n: 100, inner: 64, entries: 33, idOuter: false, idInner: false },
  { kind: 'float', outer: 5, n: 20, inner: 1, entries: 7, idOuter: true, idInner: true },
  { kind: 'u32', outer: 3, n: 9, inner: 12, entries: 40, idOuter: true, idInner: false },
  { kind: 'float', outer: 2, n: 6, inner: 10, entries: 50, idOuter: false, idInner: true },
  { kind: 'i32', outer: 2, n: 30, inner: 5, entries: 70, idOuter: true, idInner: true },
];

const randomSizes = (fc: FastCheck): Arbitrary<Size> =>
  fc.record({
    kind: fc.constantFrom('float', 'u32', 'i32'),
    outer: fc.integer({ min: 1, max: 4 }),
    n: fc.integer({ min: 1, max: 80 }),
    inner: fc.constantFrom(1, 2, 3, 4, 8, 10, 16),
    entries: fc.integer({ min: 1, max: 80 }),
    idOuter: fc.boolean(),
    idInner: fc.boolean(),
  });

/** Ids of which some lie outside the axis and, unless `distinct`, some are equal. */
function idsOf(
  { outer, n, inner, entries, idOuter, idInner }: Size,
  rng: Random,
  distinct: boolean,
): HostTensor {
  const shape = [idOuter ? outer : 1, entries, idInner ? inner : 1];
  if (!distinct) return u32(shape, () => (rng.uniform() < 0.1 ? 0xffff_ffff : rng.whole(0, n - 1)));
  const orders = Array.from({ length: sizeOf(shape) / entries }, () => {
    const order = Array.from({ length: Math.max(n, entries) }, (_, k) => k);
    for (let k = order.length - 1; k > 0; k--) {
      const other = rng.whole(0, k);
      [order[k], order[other]] = [order[other]!, order[k]!];
    }
    return order;
  });
  const columns = shape[2]!;
  return u32(shape, (i) => {
    const column = Math.floor(i / (entries * columns)) * columns + (i % columns);
    return orders[column]![Math.floor(i / columns) % entries]!;
  });
}

export const gatherCases: CaseTable<Size> = {
  operation: gatherOperation,
  sizes: chosen,
  random: randomSizes,
  benchmarks: [
    { kind: 'float', outer: 1, n: 32_000, inner: 1024, entries: 4096, idOuter: false, idInner: false },
  ],
  make: (size, rng) => ({
    inputs: {
      x: randomOf(rng, [size.outer, size.n, size.inner], size.kind),
      ids: idsOf(size, rng, false),
    },
    options: { axis: 1 },
  }),
  reference: ({ x, ids }, { axis }) => {
    const shape = [x.shape[0], ids.shape[1], x.shape[2]];
    const output = native.gather(doubles(x), words(x.shape), axis, ids.data, words(ids.shape));
    return { output: inKindOf(x, shape, output) };
  },
};

export const scatterCases: CaseTable<Size> = {
  operation: scatterOperation,
  sizes: chosen,
  random: randomSizes,
  make: (size, rng) => ({
    inputs: {
      x: randomOf(rng, [size.outer, size.n, size.inner], size.kind),
      ids: idsOf(size, rng, true),
      updates: randomOf(rng, [size.outer, size.entries, size.inner], size.kind),
    },
    options: { axis: 1 },
  }),
  reference: ({ x, ids, updates }, { axis }) => ({
    output: scattered(x, x.shape, axis, ids, updates, false),
  }),
};

export const scatterAddCases: CaseTable<Size & { base: boolean }> = {
  operation: scatterAddOperation,
  sizes: chosen.map((size, k) => ({ ...size, base: k % 2 === 0 })),
  // A million updates of two entries.
  long: [
    {
      ...{ kind: 'float', outer: 1, n: 2, inner: 1, entries: 1_000_003 },
      ...{ idOuter: false, idInner: false, base: false },
    },
  ],
  random: (fc) => fc.tuple(randomSizes(fc), fc.boolean()).map(([size, base]) => ({ ...size, base })),
  benchmarks: [
    {
      kind: 'float',
      outer: 1,
      n: 2000,
      inner: 64,
      entries: 1000,
      idOuter: false,
      idInner: false,
      base: false,
    },
  ],
  make: ({ base, ...size }, rng) => ({
    inputs: {
      x: base ? randomOf(rng, [size.outer, size.n, size.inner], size.kind) : undefined,
      ids: idsOf(size, rng, false),
      updates:
        size.entries < 10_000
          ? randomOf(rng, [size.outer, size.entries, size.inner], size.kind)
          : // Equal, so that what rounding takes off does not cancel, and so small that halves hold their sum.
            fill([size.outer, size.entries, size.inner], () => 0.03),
    },
    options: { axis: 1, ...(!base && { size: size.n }) },
  }),
  reference: ({ x, ids, updates }, { axis }, { outer, n, inner }) => ({
    output: scattered(x, [outer, n, inner], axis, ids, updates, true),
  }),
};

function scattered(
  x: HostTensor | undefined,
  shape: Shape,
  axis: number,
  ids: HostTensor,
  updates: HostTensor,
  add: boolean,
): HostTensor {
  const base = x ? doubles(x) : new Float64Array(sizeOf(shape));
  const output = native.scatter(
    base,
    words(shape),
    axis,
    ids.data as Uint32Array,
    words(ids.shape),
    doubles(updates),
    add,
  );
  // Whole numbers wrap around.
  return inKindOf(updates, shape, updates.kind === 'u32' ? output.map((value) => value >>> 0) : output);
}

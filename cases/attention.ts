import assert from 'node:assert/strict';
import { loadReference } from '../native/index.js';
import { attentionOperation, emptyLogSumExp } from '../src/ops/attention/attention.js';
import type { AttentionMask } from '../src/ops/attention/attention-mask.js';
import type { CaseTable } from './support/case-table.js';
import { fill, fixed, type HostTensor, normal, result, u32 } from './support/host.js';
import type { Random } from './support/random.js';

/** The operands as the references take them. */
export type ReferenceOperands = [
  query: Float64Array,
  key: Float64Array,
  value: Float64Array,
  bias: Float64Array | undefined,
  keyWeight: Float64Array | undefined,
  queryGroups: Uint32Array,
  keyGroups: Uint32Array,
  sizes: Uint32Array,
  scale: number,
];

const native = loadReference<{ attention(...operands: ReferenceOperands): Float64Array }>();

export interface AttentionSize {
  batch: number;
  heads: number;
  keyHeads: number;
  queries: number;
  keys: number;
  headSize: number;
  /** Which of the axes (B, H, Lq) the bias has. */
  bias?: [boolean, boolean, boolean];
  /** `infinite`: a bias that hides keys by minus infinity. */
  infinite?: boolean;
  keyMask?: boolean;
  keyWeight?: 'float' | 'f32';
  /** `prefixes` and `turns` take a tensor. */
  mask?: 'causal' | 'prefix' | 'prefixes' | 'block' | 'turns';
  queryOffset?: number;
  scale?: number;
  /** All keys and values are the same, so that what rounding takes off does not cancel. */
  equal?: boolean;
}

const single = { batch: 1, heads: 1, keyHeads: 1 };

// Few combinations of head size and options, each with several lengths: a software driver takes seconds to compile one.
export const attentionCases: CaseTable<AttentionSize> = {
  operation: attentionOperation,
  // Additive biases are masks here, not parameters: no rule reaches them.
  constants: () => ['bias'],
  // With few keys the gradients by query and key are small by cancellation.
  gradientTolerance: 5,
  sizes: [
    { ...single, queries: 1, keys: 1, headSize: 1 },
    { batch: 3, heads: 1, keyHeads: 1, queries: 20, keys: 96, headSize: 33 },
    { ...single, queries: 5, keys: 9, headSize: 256 },
    // So many queries that the gradient is not compared: that by one key is zero by cancellation.
    { batch: 2, heads: 6, keyHeads: 2, queries: 66, keys: 1, headSize: 8 },
    { ...single, queries: 1, keys: 77, headSize: 8 },
    {
      batch: 2,
      heads: 2,
      keyHeads: 1,
      queries: 65,
      keys: 33,
      headSize: 32,
      bias: [true, false, true],
      infinite: true,
      keyMask: true,
    },
    { ...single, heads: 2, queries: 31, keys: 64, headSize: 72, bias: [false, true, true], keyWeight: 'f32' },
    { ...single, queries: 32, keys: 40, headSize: 128, mask: 'causal', keyWeight: 'float', scale: 0.3 },
    { ...single, queries: 3, keys: 50, headSize: 8, mask: 'causal', queryOffset: 47 },
    { ...single, queries: 64, keys: 64, headSize: 8, mask: 'causal' },
    { ...single, queries: 129, keys: 97, headSize: 8, scale: 4 },
    { ...single, queries: 70, keys: 70, headSize: 8, mask: 'block' },
    { batch: 2, heads: 1, keyHeads: 1, queries: 40, keys: 50, headSize: 8, mask: 'prefix' },
    { batch: 3, heads: 2, keyHeads: 2, queries: 66, keys: 66, headSize: 8, mask: 'prefixes' },
    { batch: 2, heads: 2, keyHeads: 1, queries: 17, keys: 40, headSize: 8, mask: 'turns', queryOffset: 20 },
    // So few elements that the gradient by the weights is compared.
    {
      ...{ batch: 2, heads: 4, keyHeads: 2, queries: 9, keys: 17, headSize: 8 },
      ...{ mask: 'causal', queryOffset: 8, keyWeight: 'f32' },
    },
  ],
  long: [{ ...single, queries: 2, keys: 100_003, headSize: 8, equal: true }],
  random: (fc) =>
    fc
      .record({
        batch: fc.integer({ min: 1, max: 3 }),
        keyHeads: fc.integer({ min: 1, max: 2 }),
        shared: fc.integer({ min: 1, max: 3 }),
        queries: fc.integer({ min: 1, max: 80 }),
        more: fc.integer({ min: 0, max: 70 }),
        option: fc.constantFrom<Partial<AttentionSize>>(
          {},
          { mask: 'causal' },
          { mask: 'prefix' },
          { mask: 'block' },
          { mask: 'prefixes' },
          { mask: 'turns' },
        ),
      })
      .map(({ shared, more, option, ...size }) => ({
        ...size,
        ...option,
        heads: size.keyHeads * shared,
        keys: size.queries + more,
        headSize: 8,
        queryOffset: more,
      }))
      .filter(({ keys }) => keys > 1),
  benchmarks: [
    { batch: 1, heads: 8, keyHeads: 8, queries: 512, keys: 512, headSize: 64 },
    { batch: 1, heads: 16, keyHeads: 16, queries: 1024, keys: 1024, headSize: 72 },
    { batch: 1, heads: 8, keyHeads: 8, queries: 512, keys: 512, headSize: 128, mask: 'causal' },
    { batch: 4, heads: 8, keyHeads: 8, queries: 75, keys: 75, headSize: 32, keyMask: true },
  ],
  gpuBenchmarks: [{ batch: 1, heads: 32, keyHeads: 32, queries: 8192, keys: 8192, headSize: 128 }],
  make: (size, random) => {
    const { batch, heads, keyHeads, queries, keys, headSize, bias, keyMask, keyWeight, scale } = size;
    const [biasBatch, biasHead, biasQuery] = bias ?? [];
    return {
      inputs: {
        query: normal(random, [batch, heads, queries, headSize]),
        key: size.equal
          ? fill([batch, keyHeads, keys, headSize], () => 0.3)
          : normal(random, [batch, keyHeads, keys, headSize]),
        value: size.equal
          ? fill([batch, keyHeads, keys, headSize], () => 0.3)
          : normal(random, [batch, keyHeads, keys, headSize]),
        bias:
          bias &&
          makeBias(size, random, [biasBatch ? batch : 1, biasHead ? heads : 1, biasQuery ? queries : 1]),
        keyMask: keyMask ? u32([batch, keys], () => random.whole(0, 2)) : undefined,
        keyWeight: keyWeight && makeKeyWeight(keyWeight, random, [batch, keys]),
        groups: makeGroups(size, random),
      },
      options: { mask: maskOption(size), returnLogSumExp: true, ...(scale && { scale }) },
    };
  },
  reference: (inputs, _, size) => ({
    output: result(inputs.query.shape, attentionAnswers(inputs, size).output),
  }),
  verify({ logSumExp }, inputs, _, size) {
    const expected = attentionAnswers(inputs, size).logSumExp;
    const bound = 4e-6 * Math.sqrt(Math.max(size.keys, size.headSize));
    expected.forEach((want, row) => {
      const got = logSumExp!.data[row]!;
      if (want === Number.NEGATIVE_INFINITY) assert.equal(got, emptyLogSumExp, `log-sum-exp of row ${row}`);
      else assert.ok(Math.abs(got - want) <= bound * (1 + Math.abs(want)), `log-sum-exp ${got}, not ${want}`);
    });
  },
};

function makeBias(
  { keys, infinite }: AttentionSize,
  random: Random,
  axes: [number, number, number],
): HostTensor {
  const bias = normal(random, [...axes, keys]);
  // The first key stays: minus infinity everywhere has no softmax.
  const hidden = (i: number) => infinite && i % keys > 0 && random.uniform() < 0.5;
  return {
    ...bias,
    data: Float64Array.from(bias.data, (x, i) => (hidden(i) ? Number.NEGATIVE_INFINITY : x)),
  };
}

function makeKeyWeight(kind: 'float' | 'f32', random: Random, shape: [number, number]): HostTensor {
  const weight = fill(shape, () => Math.max(0, 1.2 * random.uniform() - 0.2));
  return kind === 'f32' ? fixed(weight) : weight;
}

/** Positions of the first group of mask `prefix`, and of every group of `block`. */
const groupSize = 7;

function makeGroups({ batch, keys, mask }: AttentionSize, random: Random): HostTensor | undefined {
  if (mask === 'prefixes') return u32([batch], () => random.whole(0, keys));
  if (mask !== 'turns') return undefined;
  let turn = 0;
  return u32([batch, keys], (i) => {
    if (i % keys === 0) turn = random.whole(0, 2);
    else if (random.uniform() < 0.2) turn++;
    return turn;
  });
}

function maskOption({ mask, queryOffset = 0 }: AttentionSize): AttentionMask {
  switch (mask) {
    case 'causal':
      return { kind: mask, queryOffset };
    case 'block':
      return { kind: mask, queryOffset, blockSize: groupSize };
    case 'prefix':
      return { kind: mask, queryOffset, prefixLength: groupSize };
    // The tensor of a mask is an operand of the operation.
    case 'prefixes':
      return { kind: 'prefix', queryOffset, prefixLength: groupSize };
    case 'turns':
      return { kind: mask, queryOffset } as AttentionMask;
    default:
      return { kind: 'none' };
  }
}

export type AttentionInputs = Record<'query' | 'key' | 'value', { data: Float64Array }> & {
  bias?: { shape: number[]; data: Float64Array };
  keyMask?: { data: Uint32Array };
  keyWeight?: { data: Float64Array };
  groups?: { data: Uint32Array };
};

export function referenceOperands(
  { query, key, value, bias, keyMask, keyWeight, groups }: AttentionInputs,
  size: AttentionSize,
): ReferenceOperands {
  const { batch, heads, keyHeads, queries, keys, headSize, mask, queryOffset = 0, scale } = size;
  const group = (b: number, position: number): number => {
    if (mask === 'causal') return position;
    if (mask === 'block') return Math.floor(position / groupSize);
    if (mask === 'prefix') return position < groupSize ? 0 : 1;
    if (mask === 'prefixes') return position < groups!.data[b]! ? 0 : 1;
    return mask === 'turns' ? groups!.data[b * keys + position]! : 0;
  };
  const groupsOf = (count: number, offset: number) =>
    Uint32Array.from({ length: batch * count }, (_, n) => group(Math.floor(n / count), offset + (n % count)));
  return [
    query.data,
    key.data,
    value.data,
    bias && broadcast(bias, [batch, heads, queries, keys]),
    keyMask ? Float64Array.from(keyMask.data, (x) => (x === 0 ? 0 : 1)) : keyWeight?.data,
    groupsOf(queries, queryOffset),
    groupsOf(keys, 0),
    Uint32Array.of(batch, heads, keyHeads, queries, keys, headSize),
    scale ?? 1 / Math.sqrt(headSize),
  ];
}

export function attentionAnswers(inputs: AttentionInputs, size: AttentionSize) {
  const { headSize } = size;
  const rows = native.attention(...referenceOperands(inputs, size));
  return {
    output: rows.filter((_, i) => i % (headSize + 1) < headSize),
    logSumExp: rows.filter((_, i) => i % (headSize + 1) === headSize),
  };
}

function broadcast({ shape, data }: { shape: number[]; data: Float64Array }, to: number[]): Float64Array {
  const [, heads, queries, keys] = to as [number, number, number, number];
  return Float64Array.from({ length: to.reduce((a, b) => a * b) }, (_, n) => {
    const at = [n / keys / queries / heads, (n / keys / queries) % heads, (n / keys) % queries, n % keys];
    return data[
      at.reduce((sum, i, axis) => sum * shape[axis]! + Math.min(Math.floor(i), shape[axis]! - 1), 0)
    ]!;
  });
}

import { attentionCases } from '../../cases/attention.js';
import { conv2dCases } from '../../cases/conv.js';
import { matmulCases } from '../../cases/matmul.js';
import { layerNormCases } from '../../cases/norm.js';
import { commitTokensCases, tokenCandidatesCases } from '../../cases/sampling.js';
import { softmaxCases } from '../../cases/softmax.js';
import type { CaseTable, HostTensors } from '../../cases/support/case-table.js';
import { type HostTensor, rounded } from '../../cases/support/host.js';
import { Random } from '../../cases/support/random.js';
import { mapTensors } from '../../cases/support/tensors.js';
import { sumErrorBound } from '../../src/ops/long-sums.js';

/** What this package and its peers are to compute, in f32; tensors are dense and row-major. */
export type Job =
  /** a (M, K) times b (K, N). */
  | { readonly kind: 'matmul'; readonly a: HostTensor; readonly b: HostTensor }
  /** softmax(q k^T / √D) v, each (B, H, N, D). */
  | {
      readonly kind: 'attention';
      readonly query: HostTensor;
      readonly key: HostTensor;
      readonly value: HostTensor;
    }
  /** Stride 1, zeros that keep the size; input (N, C, H, W), weight (O, C, kh, kw) with odd sides. */
  | { readonly kind: 'conv2d'; readonly input: HostTensor; readonly weight: HostTensor }
  /** Along the rows of x (R, C). */
  | { readonly kind: 'softmax'; readonly x: HostTensor }
  /** Along the rows of x (…, C), with weight and bias (C). */
  | {
      readonly kind: 'layerNorm';
      readonly x: HostTensor;
      readonly weight: HostTensor;
      readonly bias: HostTensor;
      readonly eps: number;
    }
  /**
   * One step of masked decoding: each masked one of the L tokens has its most probable id as its candidate, and
   * the `commits` masked tokens with the most probable candidates become them. Result: the new tokens (L).
   */
  | {
      readonly kind: 'sampling';
      /** (L, V); that of `maskId` is so low that nobody need exclude it. */
      readonly logits: HostTensor;
      /** (L) */
      readonly tokens: HostTensor;
      readonly maskId: number;
      readonly commits: number;
    };

/** A job with its answer. */
export interface PeerCase {
  readonly job: Job;
  /** In double precision, from the C++ reference. */
  readonly expected: ArrayLike<number>;
  /** The relative error that an f32 answer may have. */
  readonly bound: number;
  readonly flops: number;
  /** Of the operands and the result, once. */
  readonly bytes: number;
}

export interface NamedCase {
  readonly operation: Job['kind'] | 'conv1d';
  /** Its sizes, for people. */
  readonly size: string;
  make(): PeerCase;
}

const square = (n: number) => ({ m: n, n, k: n, bias: false });
const heads = (count: number, length: number, headSize: number) => ({
  ...{ batch: 1, heads: count, keyHeads: count, queries: length, keys: length, headSize },
});
const image = (height: number, width: number, kernel: [number, number]) => ({
  ...{ batches: 1, channels: 128, outChannels: 128, image: [height, width] as [number, number], kernel },
  padding: 'same' as const,
});

/** What is compared, in the order of the table. */
export const namedCases: readonly NamedCase[] = [
  fromTable('matmul', '512³', matmulCases, square(512)),
  fromTable('matmul', '1024³', matmulCases, square(1024)),
  fromTable('attention', 'B1 H8 N512 D64', attentionCases, heads(8, 512, 64)),
  fromTable('attention', 'B1 H16 N1024 D72', attentionCases, heads(16, 1024, 72)),
  ...[3, 5, 7, 9].map((side) =>
    fromTable('conv2d', `64×64, 128→128, ${side}×${side}`, conv2dCases, image(64, 64, [side, side])),
  ),
  fromTable('conv1d', '2304, 128→128, 3', conv2dCases, image(1, 2304, [1, 3])),
  fromTable('softmax', '512×32000', softmaxCases, { rows: 512, columns: 32_000, log: false }),
  fromTable('layerNorm', '4096×512', layerNormCases, { shape: [4096, 512], weight: true, bias: true }),
  { operation: 'sampling', size: 'L64 V126464, 4 committed', make: samplingCase },
];

export const peerOperations: readonly string[] = [...new Set(namedCases.map(({ operation }) => operation))];

function fromTable<Size>(
  operation: NamedCase['operation'],
  size: string,
  table: CaseTable<Size>,
  tableSize: Size,
): NamedCase {
  return {
    operation,
    size,
    make() {
      const { inputs: made, options = {} } = table.make(tableSize, new Random(1));
      const inputs = mapTensors(made, (tensor) => rounded(tensor, 'f32'));
      const job = jobOf(table.operation.name, inputs, options);
      if (!job) throw new Error(`${operation} ${size} is no job for the peers`);
      const expected = table.reference(inputs, options, tableSize).output!.data;
      return { job, expected, ...costOf(job, expected.length) };
    },
  };
}

/** The job that a case of an operation is, if the peers have the like. */
// biome-ignore lint/suspicious/noExplicitAny: each operation has its own options
export function jobOf(operation: string, inputs: HostTensors, options: any): Job | undefined {
  const { a, b, bias, query, key, value, keyMask, keyWeight, input, weight, x, scale, shift } = inputs;
  switch (operation) {
    case 'matmul': {
      const plain = a!.shape.length === 2 && b!.shape.length === 2 && !bias && !options.activation;
      return plain && !options.transposeA && !options.transposeB
        ? { kind: 'matmul', a: a!, b: b! }
        : undefined;
    }
    case 'attention': {
      const plain = options.mask?.kind === 'none' && !options.scale && !bias && !keyMask && !keyWeight;
      const alike = query!.shape.join() === key!.shape.join();
      return plain && alike ? { kind: 'attention', query: query!, key: key!, value: value! } : undefined;
    }
    case 'conv2d': {
      const plain = options.padding === 'same' && !options.stride && !options.dilation && !options.activation;
      return plain && !bias ? { kind: 'conv2d', input: input!, weight: weight! } : undefined;
    }
    case 'softmax':
      return options.log ? undefined : { kind: 'softmax', x: x! };
    case 'layerNorm': {
      const plain = weight && bias && !scale && !shift && options.activation === 'none';
      return plain ? { kind: 'layerNorm', x: x!, weight, bias, eps: options.eps ?? 1e-5 } : undefined;
    }
    default:
      return undefined;
  }
}

/** Sequences of which nothing is decoded yet, in the first of 16 steps. */
function samplingCase(): PeerCase {
  const [rows, columns, steps] = [64, 126_464, 16];
  const size = { ...tokenCandidatesCases.benchmarks![0]!, rows, vocabulary: columns, blockLength: rows };
  const made = tokenCandidatesCases.make(size, new Random(1));
  const { maskId } = made.options;
  const inputs = mapTensors(made.inputs, (tensor) => rounded(tensor, 'f32'));
  for (let row = 0; row < rows; row++) inputs.logits!.data[row * columns + maskId] = -1e4;
  const chosen = tokenCandidatesCases.selfTestAnswers!(inputs, made.options, size);
  const next = commitTokensCases.reference(
    { ...inputs, ...chosen },
    { maskId, blockLength: rows, stepsPerBlock: steps },
    undefined as never,
  );
  const job: Job = {
    kind: 'sampling',
    logits: { ...inputs.logits!, shape: [rows, columns] },
    tokens: { ...inputs.tokens!, shape: [rows] },
    maskId,
    commits: rows / steps,
  };
  return { job, expected: next.tokens!.data, ...costOf(job, rows) };
}

/** Flops, bytes, and the error bound of the kernel tests: `sumErrorBound` of the longest sum. */
function costOf(job: Job, outputs: number): Pick<PeerCase, 'flops' | 'bytes' | 'bound'> {
  const operands = Object.values(job).filter((value): value is HostTensor => typeof value === 'object');
  const bytes = 4 * operands.reduce((sum, { data }) => sum + data.length, outputs);
  const cost = (flops: number, longestSum: number) => ({ flops, bytes, bound: sumErrorBound(longestSum) });
  switch (job.kind) {
    case 'matmul':
      return cost(2 * outputs * job.b.shape[0]!, job.b.shape[0]!);
    case 'attention': {
      const length = job.key.shape[2]!;
      return cost(4 * outputs * length, length);
    }
    case 'conv2d': {
      const depth = job.weight.data.length / job.weight.shape[0]!;
      return cost(2 * outputs * depth, depth);
    }
    case 'softmax':
      return cost(4 * outputs, job.x.shape[1]!);
    case 'layerNorm':
      return cost(8 * outputs, job.weight.data.length);
    case 'sampling':
      // Tokens, which are right or wrong.
      return { ...cost(4 * job.logits.data.length, 0) };
  }
}

import { softmaxOperation } from '../src/ops/array/softmax.js';
import { matmulOperation } from '../src/ops/matmul/matmul.js';
import type { Runtime } from '../src/tensor/runtime.js';
import type { BenchmarkCase } from './benchmark.js';
import type { Contender } from './measure.js';
import { jobOf } from './peers/jobs.js';
import { type Peer, UnsupportedJob } from './peers/peer.js';

/** Other ways to do the same job, where there are any for this operation. */
export async function alternatives(
  { runtime, table, inputs, tensors, options }: BenchmarkCase,
  peer: Peer,
): Promise<Contender[]> {
  const job = jobOf(table.operation.name, inputs, options);
  if (!job) return [];
  const composed = job.kind === 'attention' ? [composedAttention(runtime, tensors)] : [];
  try {
    const prepared = await Promise.all(peer.ways(job).map((way) => way.prepare()));
    return [...composed, ...prepared.map((way) => ({ name: peer.name, ...way }))];
  } catch (error) {
    if (error instanceof UnsupportedJob) return composed;
    throw error;
  }
}

/** Attention without fusion: one-output-a-thread matmul, softmax, matmul, with the L x L matrix in memory. */
function composedAttention(runtime: Runtime, { query, key, value }: BenchmarkCase['tensors']): Contender {
  const variant = 'plain';
  return {
    name: 'composed plain',
    async run(repeats) {
      for (let i = 0; i < repeats; i++) {
        runtime.scope(() => {
          const scores = matmulOperation.run(
            { a: query!, b: key! },
            { transposeB: true },
            { variant },
          ).output;
          const weights = softmaxOperation.run({ x: scores }, {}, { variant }).output;
          matmulOperation.run({ a: weights, b: value! }, {}, { variant });
        });
      }
      await runtime.finish();
    },
  };
}

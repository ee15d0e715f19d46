import type { HostTensor } from '../../cases/support/host.js';
import { softmax } from '../../src/ops/array/softmax.js';
import { attention } from '../../src/ops/attention/attention.js';
import { conv2d } from '../../src/ops/conv/conv.js';
import { matmul } from '../../src/ops/matmul/matmul.js';
import { layerNorm } from '../../src/ops/norm/layer-norm.js';
import { commitTokens } from '../../src/ops/sampling/commit-tokens.js';
import { decodingState } from '../../src/ops/sampling/decoding.js';
import { tokenCandidates } from '../../src/ops/sampling/token-candidates.js';
import type { Runtime } from '../../src/tensor/runtime.js';
import type { Tensor } from '../../src/tensor/tensor.js';
import type { Job } from './jobs.js';
import type { Peer, PreparedJob } from './peer.js';

/** This package, as one of those that are compared: public functions, default variants. */
export function ours(runtime: Runtime, version: string): Peer {
  return {
    name: 'tal-webgpu',
    version,
    ways: (job) => [{ prepare: async () => prepare(runtime, job) }],
    close() {},
  };
}

function prepare(runtime: Runtime, job: Job): PreparedJob {
  const operands: Tensor[] = [];
  const compute = operation(runtime, job, (host, dtype = 'f32') => {
    const tensor = runtime.tensor(host.data, host.shape, dtype);
    operands.push(tensor);
    return tensor;
  });
  return {
    async run(repeats) {
      for (let i = 0; i < repeats; i++) runtime.scope(() => void compute());
      await runtime.finish();
    },
    async output() {
      const out = runtime.scope(compute);
      const data = await out.read();
      out.dispose();
      return data;
    },
    dispose() {
      for (const tensor of operands) tensor.dispose();
    },
  };
}

/** The job with its operands on the device, as a function that records it. */
function operation(
  runtime: Runtime,
  job: Job,
  upload: (host: HostTensor, dtype?: 'f32' | 'u32') => Tensor,
): () => Tensor {
  switch (job.kind) {
    case 'matmul': {
      const operands = { a: upload(job.a), b: upload(job.b) };
      return () => matmul(operands);
    }
    case 'attention': {
      const operands = { query: upload(job.query), key: upload(job.key), value: upload(job.value) };
      return () => attention(operands).output;
    }
    case 'conv2d': {
      const operands = { input: upload(job.input), weight: upload(job.weight) };
      return () => conv2d(operands, { padding: 'same' });
    }
    case 'softmax': {
      const x = upload(job.x);
      return () => softmax(x);
    }
    case 'layerNorm': {
      const operands = { x: upload(job.x), weight: upload(job.weight), bias: upload(job.bias) };
      return () => layerNorm(operands, { eps: job.eps });
    }
    case 'sampling': {
      const { maskId, commits } = job;
      const length = job.tokens.data.length;
      const tokens = upload(job.tokens, 'u32').reshape([1, length]);
      const logits = upload(job.logits).reshape([1, length, job.logits.shape[1]!]);
      const state = decodingState(runtime);
      return () => {
        const chosen = tokenCandidates({ logits, tokens, state }, { maskId });
        return commitTokens({ tokens, state, ...chosen }, { maskId, stepsPerBlock: length / commits });
      };
    }
  }
}

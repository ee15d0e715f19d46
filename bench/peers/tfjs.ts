import type { HostTensor } from '../../cases/support/host.js';
import { calm } from '../../src/gpu/polling.js';
import type { Job } from './jobs.js';
import { permuted } from './layout.js';
import { float32, type Peer, type PreparedJob, peerVersion, requirePeer } from './peer.js';

/** The part of TensorFlow.js that is used here. */
interface Tfjs {
  setBackend(name: string): Promise<boolean>;
  ready(): Promise<void>;
  removeBackend(name: string): void;
  tidy<T>(body: () => T): T;
  dispose(tensors: readonly Tensor[]): void;
  tensor(data: Float32Array | Int32Array, shape: readonly number[], dtype?: 'float32' | 'int32'): Tensor;
  matMul(a: Tensor, b: Tensor, transposeA?: boolean, transposeB?: boolean): Tensor;
  mul(a: Tensor, b: Tensor | number): Tensor;
  add(a: Tensor, b: Tensor): Tensor;
  softmax(x: Tensor): Tensor;
  conv2d(x: Tensor, filter: Tensor, strides: number, padding: 'same'): Tensor;
  moments(x: Tensor, axis: number, keepDims: boolean): { mean: Tensor; variance: Tensor };
  sub(a: Tensor, b: Tensor): Tensor;
  rsqrt(x: Tensor): Tensor;
  max(x: Tensor, axis: number): Tensor;
  argMax(x: Tensor, axis: number): Tensor;
  equal(a: Tensor, b: Tensor | number): Tensor;
  where(condition: Tensor, a: Tensor, b: Tensor | number): Tensor;
  topk(x: Tensor, k: number): { values: Tensor; indices: Tensor };
  gather(x: Tensor, indices: Tensor): Tensor;
  tensorScatterUpdate(x: Tensor, indices: Tensor, updates: Tensor): Tensor;
  slice(x: Tensor, begin: readonly number[], size: readonly number[]): Tensor;
  reshape(x: Tensor, shape: readonly number[]): Tensor;
}

interface Tensor {
  readonly shape: readonly number[];
  data(): Promise<ArrayLike<number>>;
  dispose(): void;
}

/** TensorFlow.js, WebGPU backend. Images are channels last there. */
export async function tfjs(): Promise<Peer> {
  // It schedules with it; the time it gives is not used.
  globalThis.requestAnimationFrame ??= (callback) => setTimeout(callback, 0) as unknown as number;
  const tf = requirePeer('@tensorflow/tfjs-core') as Tfjs;
  requirePeer('@tensorflow/tfjs-backend-webgpu');
  if (!(await tf.setBackend('webgpu'))) throw new Error('its WebGPU backend does not start');
  await tf.ready();
  return {
    name: 'tfjs webgpu',
    version: peerVersion('@tensorflow/tfjs-backend-webgpu'),
    ways: (job) => {
      const { note, operands, compute, restore } = program(tf, job);
      return [{ ...(note && { note }), prepare: async () => prepare(tf, operands(), compute, restore) }];
    },
    close: () => tf.removeBackend('webgpu'),
  };
}

interface Program {
  readonly note?: string;
  operands(): Tensor[];
  compute(...operands: Tensor[]): Tensor;
  /** From its layout to the job's. */
  restore?(data: ArrayLike<number>): ArrayLike<number>;
}

function program(tf: Tfjs, job: Job): Program {
  const upload = (host: HostTensor) => tf.tensor(float32(host), host.shape);
  switch (job.kind) {
    case 'matmul':
      return {
        operands: () => [upload(job.a), upload(job.b)],
        compute: (a, b) => tf.matMul(a!, b!),
      };
    case 'attention': {
      const scale = 1 / Math.sqrt(job.query.shape.at(-1)!);
      return {
        note: 'composed of matMul, mul, softmax, matMul',
        operands: () => [upload(job.query), upload(job.key), upload(job.value)],
        compute: (query, key, value) =>
          tf.matMul(tf.softmax(tf.mul(tf.matMul(query!, key!, false, true), scale)), value!),
      };
    }
    case 'conv2d': {
      const [batch, channels, height, width] = job.input.shape as [number, number, number, number];
      const [filters, , ...sides] = job.weight.shape as [number, number, number, number];
      return {
        note: 'channels last',
        operands: () => [
          tf.tensor(permuted(job.input.data, job.input.shape, [0, 2, 3, 1]), [
            batch,
            height,
            width,
            channels,
          ]),
          tf.tensor(permuted(job.weight.data, job.weight.shape, [2, 3, 1, 0]), [...sides, channels, filters]),
        ],
        compute: (input, weight) => tf.conv2d(input!, weight!, 1, 'same'),
        restore: (data) => permuted(data, [batch, height, width, filters], [0, 3, 1, 2]),
      };
    }
    case 'softmax':
      return { operands: () => [upload(job.x)], compute: (x) => tf.softmax(x!) };
    case 'layerNorm':
      return {
        note: 'composed of moments, sub, rsqrt, mul, add',
        operands: () => [
          upload(job.x),
          upload(job.weight),
          upload(job.bias),
          tf.tensor(Float32Array.of(job.eps), []),
        ],
        compute(x, weight, bias, eps) {
          const { mean, variance } = tf.moments(x!, -1, true);
          const normal = tf.mul(tf.sub(x!, mean), tf.rsqrt(tf.add(variance, eps!)));
          return tf.add(tf.mul(normal, weight!), bias!);
        },
      };
    case 'sampling': {
      const { tokens, maskId, commits } = job;
      return {
        note: 'composed of softmax, argMax, max, topk, gather, tensorScatterUpdate',
        operands: () => [upload(job.logits), tf.tensor(Int32Array.from(tokens.data), tokens.shape, 'int32')],
        compute(logits, now) {
          const candidates = tf.argMax(logits!, 1);
          const chances = tf.max(tf.softmax(logits!), 1);
          const { indices } = tf.topk(tf.where(tf.equal(now!, maskId), chances, -1), commits);
          return tf.tensorScatterUpdate(
            now!,
            tf.reshape(indices, [commits, 1]),
            tf.gather(candidates, indices),
          );
        },
      };
    }
  }
}

function prepare(
  tf: Tfjs,
  operands: Tensor[],
  compute: Program['compute'],
  restore: Program['restore'] = (data) => data,
): PreparedJob {
  const once = () => tf.tidy(() => compute(...operands));
  return {
    async run(repeats) {
      for (let i = 1; i < repeats; i++) once().dispose();
      const out = once();
      // It collects dispatches and submits them when something is read: here one element.
      const first = tf.tidy(() => tf.slice(tf.reshape(out, [-1]), [0], [1]));
      await calm(first.data());
      tf.dispose([out, first]);
    },
    async output() {
      const out = once();
      const data = await out.data();
      out.dispose();
      return restore(data);
    },
    dispose: () => tf.dispose(operands),
  };
}

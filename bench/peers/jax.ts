import type { HostTensor } from '../../cases/support/host.js';
import { calm } from '../../src/gpu/polling.js';
import type { Job } from './jobs.js';
import { permuted } from './layout.js';
import { float32, type Peer, type PreparedJob, peerModule, peerVersion } from './peer.js';

/** The part of jax-js that is used here. A function takes its arguments over; `ref` is one more reference. */
interface Jax {
  init(device: 'webgpu'): Promise<readonly string[]>;
  defaultDevice(device: 'webgpu'): string;
  getWebGPUDevice(): GPUDevice;
  blockUntilReady(array: JaxArray): Promise<JaxArray>;
  jit(body: (...operands: JaxArray[]) => JaxArray): (...operands: JaxArray[]) => JaxArray;
  readonly numpy: {
    readonly int32: unknown;
    array(data: Float32Array | Int32Array, options?: { shape: readonly number[] }): JaxArray;
    matmul(a: JaxArray, b: JaxArray): JaxArray;
    argmax(x: JaxArray, axis: number): JaxArray;
    max(x: JaxArray, axis: number): JaxArray;
    where(condition: JaxArray, a: JaxArray, b: JaxArray | number): JaxArray;
    equal(a: JaxArray, b: JaxArray | number): JaxArray;
    greaterEqual(a: JaxArray, b: JaxArray): JaxArray;
    min(x: JaxArray): JaxArray;
  };
  readonly nn: {
    softmax(x: JaxArray, axis: number): JaxArray;
    dotProductAttention(query: JaxArray, key: JaxArray, value: JaxArray): JaxArray;
    standardize(x: JaxArray, axis: number, options: { epsilon: number }): JaxArray;
  };
  readonly lax: {
    conv(x: JaxArray, filter: JaxArray, strides: readonly number[], padding: 'SAME'): JaxArray;
    topK(x: JaxArray, k: number): [JaxArray, JaxArray];
  };
}

interface JaxArray {
  readonly ref: JaxArray;
  reshape(shape: readonly number[]): JaxArray;
  mul(other: JaxArray): JaxArray;
  add(other: JaxArray): JaxArray;
  data(): Promise<ArrayLike<number>>;
  dispose(): void;
}

/** jax-js, WebGPU backend, each job compiled by its `jit`. */
export async function jax(): Promise<Peer> {
  lendIteratorHelpers();
  const library = (await peerModule('@jax-js/jax/dist/index.js')) as Jax;
  if (!(await library.init('webgpu')).includes('webgpu'))
    throw new Error('its WebGPU backend does not start');
  library.defaultDevice('webgpu');
  return {
    name: 'jax-js webgpu',
    version: peerVersion('@jax-js/jax'),
    ways: (job) => {
      const { note, operands, compute, restore } = program(library, job);
      return [
        {
          ...(note && { note }),
          prepare: async () => prepare(library, operands(), library.jit(compute), restore),
        },
      ];
    },
    close: () => library.getWebGPUDevice().destroy(),
  };
}

interface Program {
  readonly note?: string;
  operands(): JaxArray[];
  compute(...operands: JaxArray[]): JaxArray;
  /** From its layout to the job's. */
  restore?(data: ArrayLike<number>): ArrayLike<number>;
}

function program({ numpy, nn, lax }: Jax, job: Job): Program {
  const upload = (host: HostTensor) => numpy.array(float32(host), { shape: host.shape });
  switch (job.kind) {
    case 'matmul':
      return {
        operands: () => [upload(job.a), upload(job.b)],
        compute: (a, b) => numpy.matmul(a!, b!),
      };
    case 'attention': {
      const { query, key, value } = job;
      const [batch, heads, length, size] = query.shape as [number, number, number, number];
      const shape = [batch, length, heads, size];
      const byPosition = (host: HostTensor) =>
        numpy.array(permuted(host.data, host.shape, [0, 2, 1, 3]), { shape });
      return {
        note: 'nn.dotProductAttention, composed',
        operands: () => [query, key, value].map(byPosition),
        compute: (q, k, v) => nn.dotProductAttention(q!, k!, v!),
        restore: (data) => permuted(data, shape, [0, 2, 1, 3]),
      };
    }
    case 'conv2d':
      return {
        operands: () => [upload(job.input), upload(job.weight)],
        compute: (input, weight) => lax.conv(input!, weight!, [1, 1], 'SAME'),
      };
    case 'softmax':
      return { operands: () => [upload(job.x)], compute: (x) => nn.softmax(x!, -1) };
    case 'layerNorm':
      return {
        note: 'nn.standardize, times weight, plus bias',
        operands: () => [upload(job.x), upload(job.weight), upload(job.bias)],
        compute: (x, weight, bias) => nn.standardize(x!, -1, { epsilon: job.eps }).mul(weight!).add(bias!),
      };
    case 'sampling': {
      const { logits, tokens, maskId, commits } = job;
      return {
        note: 'composed of softmax, argmax, max, topK, where',
        operands: () => [upload(logits), numpy.array(Int32Array.from(tokens.data), { shape: tokens.shape })],
        compute(scores, now) {
          const candidates = numpy.argmax(scores!.ref, 1);
          const chances = numpy.max(nn.softmax(scores!, -1), 1);
          const confidence = numpy.where(numpy.equal(now!.ref, maskId), chances, -1);
          const [best, places] = lax.topK(confidence.ref, commits);
          places.dispose();
          return numpy.where(numpy.greaterEqual(confidence, numpy.min(best)), candidates, now!);
        },
      };
    }
  }
}

function prepare(
  { blockUntilReady }: Jax,
  operands: JaxArray[],
  compute: Program['compute'],
  restore: Program['restore'] = (data) => data,
): PreparedJob {
  const once = () => compute(...operands.map((operand) => operand.ref));
  return {
    async run(repeats) {
      // An array that is disposed of before it is waited for need not be computed at all.
      for (let i = 0; i < repeats; i++) (await calm(blockUntilReady(once()))).dispose();
    },
    async output() {
      return restore(await once().data());
    },
    dispose() {
      for (const operand of operands) operand.dispose();
    },
  };
}

/** It uses the iterator helpers of ECMAScript 2025, which Node has from 22: lends it those of arrays. */
function lendIteratorHelpers(): void {
  const prototype = Object.getPrototypeOf(Object.getPrototypeOf([][Symbol.iterator]()));
  const lend = (name: string, value: unknown) => {
    if (!(name in prototype)) Object.defineProperty(prototype, name, { value, configurable: true });
  };
  lend('toArray', function (this: Iterable<unknown>) {
    return [...this];
  });
  for (const name of ['map', 'filter', 'flatMap'] as const) {
    lend(name, function (this: Iterable<unknown>, ...rest: unknown[]) {
      return Reflect.apply([][name], [...this], rest)[Symbol.iterator]();
    });
  }
  for (const name of ['every', 'some', 'find', 'forEach', 'reduce'] as const) {
    lend(name, function (this: Iterable<unknown>, ...rest: unknown[]) {
      return Reflect.apply([][name], [...this], rest);
    });
  }
}

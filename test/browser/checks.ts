/**
 * What a page must be able to do. Runs in the page: `browser.test.ts` calls these by name and prints what they
 * return. References are computed here, in double precision, because the native ones stay outside.
 */

import { relativeError } from '../../cases/support/host.js';
import { Random } from '../../cases/support/random.js';
import { allKernels } from '../../kernels/all.js';
import { composeKernel } from '../../src/gpu/wgsl.js';
import {
  attention,
  DeviceLostError,
  encodeSafetensors,
  FileAccessError,
  Linear,
  matmul,
  NoAdapterError,
  openSafetensors,
  Runtime,
  type RuntimeOptions,
  softmax,
  type Tensor,
} from '../support/public-api.js';

type Check = () => Promise<string>;

export const checks: Readonly<Record<string, Check>> = {
  'operations, parameters as immediates where the adapter has them': () => operations({}),
  'operations, parameters through the uniform ring': () => operations({ immediates: false }),
  'every kernel is valid WGSL here': validateAll,
  'weights come from bytes, and a path is refused': weights,
  'a capture replays with another input': replay,
  "a caller's own device, buffers and encoder": ownDevice,
  'a device that is lost rejects what is pending and what comes after': deviceLoss,
  'an adapter that is not there is a NoAdapterError': missingAdapter,
};

async function operations(options: RuntimeOptions): Promise<string> {
  const runtime = await Runtime.create({ poison: true, ...options });
  const random = new Random(1);
  let largest = 0;
  const compare = async (name: string, output: Tensor, expected: number[], bound: number) => {
    const error = relativeError(await output.read(), expected);
    if (!(error <= bound)) throw new Error(`${name}: error ${error} is over ${bound}`);
    largest = Math.max(largest, error);
  };
  const normal = (length: number) => Array.from({ length }, () => Math.fround(random.normal()));

  for (const [rows, columns] of [
    [1, 1],
    [7, 5],
    [33, 257],
    [2, 5000],
  ] as const) {
    const x = normal(rows * columns);
    const output = softmax(runtime.tensor(x, [rows, columns]));
    await compare(`softmax ${rows} x ${columns}`, output, softmaxRows(x, columns), 1e-6 * Math.sqrt(columns));
  }
  for (const [m, k, n] of [
    [1, 1, 1],
    [3, 5, 7],
    [33, 65, 17],
    [64, 64, 64],
  ] as const) {
    const a = normal(m * k);
    const b = normal(k * n);
    const output = matmul({ a: runtime.tensor(a, [m, k]), b: runtime.tensor(b, [k, n]) });
    await compare(`matmul ${m} x ${k} x ${n}`, output, product(a, b, m, k, n), 1e-6 * Math.sqrt(k));
  }
  for (const [queries, keys, depth] of [
    [1, 1, 8],
    [5, 9, 16],
    [33, 70, 64],
  ] as const) {
    const q = normal(queries * depth);
    const k = normal(keys * depth);
    const v = normal(keys * depth);
    const { output } = attention({
      query: runtime.tensor(q, [1, 1, queries, depth]),
      key: runtime.tensor(k, [1, 1, keys, depth]),
      value: runtime.tensor(v, [1, 1, keys, depth]),
    });
    const scores = product(q, transpose(k, keys, depth), queries, depth, keys);
    const weights = softmaxRows(
      scores.map((score) => score / Math.sqrt(depth)),
      keys,
    );
    const expected = product(weights, v, queries, keys, depth);
    await compare(`attention ${queries} x ${keys} x ${depth}`, output, expected, 1e-6 * Math.sqrt(keys));
  }
  const { immediates, vendor, architecture } = runtime.traits;
  runtime.destroy();
  return `${vendor} ${architecture}, ${immediates ? 'immediates' : 'uniform ring'}, largest error ${largest.toExponential(1)}`;
}

/**
 * Gives every kernel, with the constants of its file, to the browser's own WGSL compiler, which need not be of
 * the version of Node's; kernels whose `enable` lines the device does not allow are left out.
 */
async function validateAll(): Promise<string> {
  const runtime = await Runtime.create();
  const { device } = runtime.gpu;
  const feature = (extension: string) =>
    extension === 'f16' ? 'shader-f16' : extension.replaceAll('_', '-');
  const skipped: string[] = [];
  const problems: string[] = [];
  for (const kernel of allKernels) {
    for (const immediates of runtime.traits.immediates ? [true, false] : [false]) {
      const code = composeKernel(kernel, {}, immediates);
      const extensions = [...code.matchAll(/^enable (\w+);/gm)].map(([, name]) => name!);
      if (!extensions.every((extension) => device.features.has(feature(extension)))) {
        skipped.push(kernel.name);
        break;
      }
      device.pushErrorScope('validation');
      device.createShaderModule({ code });
      const error = await device.popErrorScope();
      if (error) problems.push(`${kernel.name}: ${error.message}`);
    }
  }
  runtime.destroy();
  if (problems.length > 0) throw new Error(problems.join('\n\n'));
  return `${allKernels.length - skipped.length} kernels; not for this adapter: ${skipped.join(', ') || 'none'}`;
}

async function weights(): Promise<string> {
  const runtime = await Runtime.create();
  const layer = new Linear(runtime, 2, 1, { bias: false });
  const bytes = encodeSafetensors({ weight: { dtype: 'f32', shape: [1, 2], data: Float32Array.of(3, 4) } });
  await layer.load(await openSafetensors(bytes));
  const output = await layer.forward(runtime.tensor([1, 10], [1, 2])).read();
  runtime.destroy();
  if (output[0] !== 43) throw new Error(`the layer gave ${output}`);
  const error = await openSafetensors('model.safetensors').catch((error: unknown) => error);
  if (!(error instanceof FileAccessError)) throw new Error(`a path gave ${error}`);
  return error.message;
}

async function replay(): Promise<string> {
  const runtime = await Runtime.create();
  const x = runtime.tensor([1, 2, 3, 4]);
  const capture = await runtime.capture(() => softmax(x));
  for (const input of [
    [1, 2, 3, 4],
    [0, -1, 7, 2],
  ]) {
    x.write(input);
    capture.run();
    const error = relativeError(await capture.outputs.read(), softmaxRows(input, 4));
    if (!(error < 1e-6)) throw new Error(`replay with ${input}: error ${error}`);
  }
  runtime.destroy();
  return '2 runs';
}

async function ownDevice(): Promise<string> {
  const adapter = await navigator.gpu.requestAdapter();
  const device = (await adapter?.requestDevice())!;
  const runtime = await Runtime.create({ device });
  const usage = GPUBufferUsage.STORAGE | GPUBufferUsage.COPY_SRC | GPUBufferUsage.COPY_DST;
  const buffer = device.createBuffer({ size: 16, usage });
  const x = runtime.wrap(buffer, [4]);
  const capture = await runtime.capture(() => softmax(x));
  device.queue.writeBuffer(buffer, 0, new Float32Array([1, 2, 3, 4]));
  const encoder = device.createCommandEncoder();
  capture.encode(encoder);
  device.queue.submit([encoder.finish()]);
  const error = relativeError(await capture.outputs.read(), softmaxRows([1, 2, 3, 4], 4));
  if (!(error < 1e-6)) throw new Error(`error ${error}`);

  // Neither the device nor the buffer may go with the runtime: reading the buffer needs both.
  runtime.destroy();
  const staging = device.createBuffer({ size: 16, usage: GPUBufferUsage.MAP_READ | GPUBufferUsage.COPY_DST });
  const copy = device.createCommandEncoder();
  copy.copyBufferToBuffer(buffer, 0, staging, 0, 16);
  device.queue.submit([copy.finish()]);
  await staging.mapAsync(GPUMapMode.READ);
  const kept = new Float32Array(staging.getMappedRange());
  if (kept.join() !== '1,2,3,4') throw new Error(`after runtime.destroy() the buffer holds ${kept}`);
  device.destroy();
  return runtime.traits.immediates ? 'immediates' : 'uniform ring';
}

async function deviceLoss(): Promise<string> {
  const runtime = await Runtime.create();
  const x = runtime.tensor(new Float32Array(1 << 16), [256, 256]);
  const pending = [softmax(x).read(), runtime.finish(), runtime.flush()];
  runtime.gpu.device.destroy();
  for (const { status, reason } of (await Promise.allSettled(pending)) as PromiseRejectedResult[]) {
    if (status !== 'rejected' || !(reason instanceof DeviceLostError)) {
      throw new Error(`what was pending was ${status}: ${reason}`);
    }
  }
  const after = await x.read().catch((error: unknown) => error);
  if (!(after instanceof DeviceLostError)) throw new Error(`a read after the loss gave ${after}`);
  return 'DeviceLostError';
}

async function missingAdapter(): Promise<string> {
  const error = await Runtime.create({ adapter: 'hardware' }).catch((error: unknown) => error);
  if (error instanceof Runtime) return 'not tried: this machine has a hardware adapter';
  if (!(error instanceof NoAdapterError)) throw new Error(`the error was ${error}`);
  return error.message;
}

function softmaxRows(x: readonly number[], columns: number): number[] {
  return Array.from({ length: x.length / columns }, (_, row) => {
    const values = x.slice(row * columns, (row + 1) * columns);
    const maximum = Math.max(...values);
    const weights = values.map((value) => Math.exp(value - maximum));
    const sum = weights.reduce((total, weight) => total + weight);
    return weights.map((weight) => weight / sum);
  }).flat();
}

/** (M, K) times (K, N). */
function product(a: readonly number[], b: readonly number[], m: number, k: number, n: number): number[] {
  return Array.from({ length: m * n }, (_, element) => {
    const row = Math.floor(element / n);
    let sum = 0;
    for (let i = 0; i < k; i++) sum += a[row * k + i]! * b[i * n + (element % n)]!;
    return sum;
  });
}

function transpose(a: readonly number[], rows: number, columns: number): number[] {
  return a.map((_, i) => a[(i % rows) * columns + Math.floor(i / rows)]!);
}

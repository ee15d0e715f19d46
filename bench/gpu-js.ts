import { createRequire } from 'node:module';
import type { HostTensor } from '../cases/support/host.js';
import type { Contender } from './measure.js';

/**
 * gpu.js as a contender, in its WebGPU mode: one output an invocation, written in JavaScript and translated
 * to WGSL by that library. Operands and results stay on its device, as ours do on ours.
 */
// biome-ignore lint/suspicious/noExplicitAny: the library has no types for its WebGPU mode
type Untyped = any;

let library: { gpu: Untyped; device: GPUDevice } | undefined;

async function open(): Promise<NonNullable<typeof library>> {
  if (!library) {
    const { GPU, WebGPUContext } = createRequire(import.meta.url)('gpu.js');
    library = { gpu: new GPU({ mode: 'webgpu' }), device: (await WebGPUContext.acquire()).device };
  }
  return library;
}

/** Destroys the library's device, so that Node can exit. */
export async function closeGpuJs(): Promise<void> {
  library?.device.destroy();
  library = undefined;
}

/** gpu.js reads `navigator.gpu`, which Node 20 does not have: lends it ours. */
export async function lendNavigator(): Promise<void> {
  if (globalThis.navigator?.gpu) return;
  const { create, globals } = (await import('webgpu')) as typeof import('webgpu');
  for (const [name, value] of Object.entries(globals)) {
    if (!(name in globalThis)) Object.defineProperty(globalThis, name, { value, configurable: true });
  }
  Object.defineProperty(globalThis, 'navigator', { value: { gpu: create([]) }, configurable: true });
}

/** c = a b, for square matrices of one size. */
export async function gpuJsMatmul(a: HostTensor, b: HostTensor, n: number): Promise<Contender> {
  const { gpu } = await open();
  const kernel = gpu
    .createKernel(function (this: Untyped, x: Untyped, y: Untyped) {
      let sum = 0;
      for (let i = 0; i < this.constants.n; i++) sum += x[this.thread.y][i] * y[i][this.thread.x];
      return sum;
    })
    .setConstants({ n })
    .setOutput([n, n]);
  return contender(kernel, [await resident(a), await resident(b)]);
}

/** Softmax of the rows of x: the maximum, the sum and the quotient, three kernels. */
export async function gpuJsSoftmax(x: HostTensor): Promise<Contender> {
  const { gpu, device } = await open();
  const [rows, columns] = x.shape as [number, number];
  const make = (body: Untyped, output: number[]) =>
    gpu.createKernel(body).setConstants({ columns }).setOutput(output).setPipeline(true);
  const maxima = make(
    function (this: Untyped, values: Untyped) {
      let maximum = values[this.thread.x][0];
      for (let i = 1; i < this.constants.columns; i++) {
        maximum = Math.max(maximum, values[this.thread.x][i]);
      }
      return maximum;
    },
    [rows],
  );
  const sums = make(
    function (this: Untyped, values: Untyped, maximum: Untyped) {
      let sum = 0;
      for (let i = 0; i < this.constants.columns; i++) {
        sum += Math.exp(values[this.thread.x][i] - maximum[this.thread.x]);
      }
      return sum;
    },
    [rows],
  );
  const quotients = make(
    function (this: Untyped, values: Untyped, maximum: Untyped, sum: Untyped) {
      return Math.exp(values[this.thread.y][this.thread.x] - maximum[this.thread.y]) / sum[this.thread.y];
    },
    [columns, rows],
  );
  const values = await resident(x);
  return {
    name: 'gpu.js',
    async run(repeats) {
      for (let i = 0; i < repeats; i++) {
        const maximum = await maxima(values);
        const sum = await sums(values, maximum);
        const out = await quotients(values, maximum, sum);
        for (const handle of [maximum, sum, out]) handle.delete();
      }
      await device.queue.onSubmittedWorkDone();
    },
    dispose() {
      for (const each of [maxima, sums, quotients]) each.destroy();
    },
  };
}

/** 'Same' convolution, stride 1: input (1, C, H, W), weight (O, C, k, k) with odd k. */
export async function gpuJsConv2d(input: HostTensor, weight: HostTensor): Promise<Contender> {
  const { gpu } = await open();
  const [, channels, height, width] = input.shape as [number, number, number, number];
  const [filters, , side] = weight.shape as [number, number, number, number];
  const kernel = gpu
    .createKernel(function (this: Untyped, image: Untyped, filter: Untyped) {
      let sum = 0;
      for (let c = 0; c < this.constants.channels; c++) {
        for (let i = 0; i < this.constants.side; i++) {
          const y = this.thread.y + i - this.constants.half;
          if (y >= 0 && y < this.constants.height) {
            for (let j = 0; j < this.constants.side; j++) {
              const x = this.thread.x + j - this.constants.half;
              if (x >= 0 && x < this.constants.width) {
                sum +=
                  image[c * this.constants.height + y][x] *
                  filter[(this.thread.z * this.constants.channels + c) * this.constants.side + i][j];
              }
            }
          }
        }
      }
      return sum;
    })
    .setConstants({ channels, height, width, side, half: (side - 1) / 2 })
    .setOutput([width, height, filters]);
  return contender(kernel, [await resident(input), await resident(weight)]);
}

/** The rows of a tensor (all axes but the last as one) on the library's device. */
async function resident({ data, shape }: HostTensor): Promise<Untyped> {
  const { gpu } = await open();
  const columns = shape.at(-1)!;
  const rows = data.length / columns;
  const copy = gpu
    .createKernel(function (this: Untyped, values: Untyped) {
      return values[this.thread.y][this.thread.x];
    })
    .setOutput([columns, rows])
    .setPipeline(true);
  const nested = Array.from({ length: rows }, (_, row) =>
    Float32Array.from(data.subarray(row * columns, (row + 1) * columns)),
  );
  return copy(nested);
}

function contender(kernel: Untyped, operands: readonly Untyped[]): Contender {
  kernel.setPipeline(true);
  return {
    name: 'gpu.js',
    async run(repeats) {
      const { device } = await open();
      for (let i = 0; i < repeats; i++) (await kernel(...operands)).delete();
      await device.queue.onSubmittedWorkDone();
    },
    dispose() {
      for (const handle of operands) handle.delete();
      kernel.destroy();
    },
  };
}

import { createRequire } from 'node:module';
import type { HostTensor } from '../../cases/support/host.js';
import type { Job } from './jobs.js';
import { finished } from './navigator.js';
import { type Peer, type PreparedJob, UnsupportedJob } from './peer.js';

// biome-ignore lint/suspicious/noExplicitAny: the library has no types for its WebGPU mode
type Untyped = any;

const require = createRequire(import.meta.url);

/**
 * gpu.js in its WebGPU mode: one output an invocation, written in JavaScript and translated to WGSL by that
 * library. It has kernels and no operations: those here are what its users write. Needs `lendNavigator`.
 */
export async function gpuJs(): Promise<Peer> {
  const { GPU, WebGPUContext } = require('gpu.js');
  const device: GPUDevice = (await WebGPUContext.acquire()).device;
  const gpu = new GPU({ mode: 'webgpu' });
  return {
    name: 'gpu.js webgpu',
    version: (require('gpu.js/package.json') as { version: string }).version,
    ways(job) {
      const program = programs[job.kind] as ((gpu: Untyped, job: Job) => Promise<Program>) | undefined;
      if (!program)
        throw new UnsupportedJob('it has no operations, only kernels, and none is written for this');
      return [{ prepare: async () => prepare(device, await program(gpu, job)) }];
    },
    close: () => device.destroy(),
  };
}

interface Program {
  readonly kernels: readonly Untyped[];
  readonly operands: readonly Untyped[];
  /** One result, which the caller frees. */
  compute(): Promise<Untyped>;
}

const programs: {
  [Kind in Job['kind']]?: (gpu: Untyped, job: Extract<Job, { kind: Kind }>) => Promise<Program>;
} = {
  async matmul(gpu, { a, b }) {
    const [m, k, n] = [a.shape[0]!, a.shape[1]!, b.shape[1]!];
    return single(
      gpu
        .createKernel(function (this: Untyped, x: Untyped, y: Untyped) {
          let sum = 0;
          for (let i = 0; i < this.constants.k; i++) sum += x[this.thread.y][i] * y[i][this.thread.x];
          return sum;
        })
        .setConstants({ k })
        .setOutput([n, m]),
      [await resident(gpu, a), await resident(gpu, b)],
    );
  },

  /** The maximum, the sum and the quotient: three kernels. */
  async softmax(gpu, { x }) {
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
    const values = await resident(gpu, x);
    return {
      kernels: [maxima, sums, quotients],
      operands: [values],
      async compute() {
        const maximum = await maxima(values);
        const sum = await sums(values, maximum);
        const out = await quotients(values, maximum, sum);
        for (const handle of [maximum, sum]) handle.delete();
        return out;
      },
    };
  },

  async conv2d(gpu, { input, weight }) {
    const [, channels, height, width] = input.shape as [number, number, number, number];
    const [filters, , rows, columns] = weight.shape as [number, number, number, number];
    return single(
      gpu
        .createKernel(function (this: Untyped, image: Untyped, filter: Untyped) {
          let sum = 0;
          for (let c = 0; c < this.constants.channels; c++) {
            for (let i = 0; i < this.constants.rows; i++) {
              const y = this.thread.y + i - this.constants.above;
              if (y >= 0 && y < this.constants.height) {
                for (let j = 0; j < this.constants.columns; j++) {
                  const x = this.thread.x + j - this.constants.before;
                  if (x >= 0 && x < this.constants.width) {
                    sum +=
                      image[c * this.constants.height + y][x] *
                      filter[(this.thread.z * this.constants.channels + c) * this.constants.rows + i][j];
                  }
                }
              }
            }
          }
          return sum;
        })
        .setConstants({
          ...{ channels, height, width, rows, columns },
          ...{ above: (rows - 1) / 2, before: (columns - 1) / 2 },
        })
        .setOutput([width, height, filters]),
      [await resident(gpu, input), await resident(gpu, weight)],
    );
  },
};

function single(kernel: Untyped, operands: readonly Untyped[]): Program {
  kernel.setPipeline(true);
  return { kernels: [kernel], operands, compute: () => kernel(...operands) };
}

function prepare(device: GPUDevice, { kernels, operands, compute }: Program): PreparedJob {
  return {
    async run(repeats) {
      for (let i = 0; i < repeats; i++) (await compute()).delete();
      await finished(device);
    },
    async output() {
      const out = await compute();
      const nested = await out.toArray();
      out.delete();
      return Float32Array.from(flat(nested));
    },
    dispose() {
      for (const handle of operands) handle.delete();
      for (const kernel of kernels) kernel.destroy();
    },
  };
}

function* flat(nested: Untyped): Iterable<number> {
  for (const item of nested) {
    if (typeof item === 'number') yield item;
    else yield* flat(item);
  }
}

/** The rows of a tensor (all axes but the last as one) on the library's device. */
async function resident(gpu: Untyped, { data, shape }: HostTensor): Promise<Untyped> {
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

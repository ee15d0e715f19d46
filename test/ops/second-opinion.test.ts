// A third implementation beside our kernels and our C++ reference, so that an error of ours in both does not pass:
// gpu.js, which translates plain JavaScript, in its CPU mode.
import assert from 'node:assert/strict';
import { createRequire } from 'node:module';
import { after, describe, it } from 'node:test';
import { conv2dCases } from '../../cases/conv.js';
import { matmulCases } from '../../cases/matmul.js';
import { softmaxCases } from '../../cases/softmax.js';
import type { CaseTable } from '../../cases/support/case-table.js';
import { type HostTensor, relativeError, rounded } from '../../cases/support/host.js';
import { Random } from '../../cases/support/random.js';
import { mapTensors, uploadInputs } from '../../cases/support/tensors.js';
import type { AnyOperation } from '../../src/ops/op.js';
import { testRuntime } from '../support/runtime.js';

/** Functions for gpu.js find their sizes and thread in `this`; the library types neither. */
// biome-ignore lint/suspicious/noExplicitAny: see above
type Untyped = any;

const { GPU } = createRequire(import.meta.url)('gpu.js');
const gpu: Untyped = new GPU({ mode: 'cpu' });
after(() => gpu.destroy());

/** Runs a kernel for each element of `shape`, the last axis being thread.x. */
function compute(
  body: Untyped,
  shape: readonly number[],
  constants: Readonly<Record<string, number>>,
  ...operands: HostTensor[]
): Float64Array {
  const kernel = gpu
    .createKernel(body)
    .setConstants(constants)
    .setOutput([...shape].reverse());
  const out = kernel(...operands.map(({ data }) => Float32Array.from(data)));
  kernel.destroy();
  return Float64Array.from(out.flat(2).flatMap((row: Float32Array) => [...row]));
}

function matmul(a: HostTensor, b: HostTensor): Float64Array {
  const [[m, k], n] = [a.shape as [number, number], b.shape[1]!];
  return compute(
    function (this: Untyped, left: Untyped, right: Untyped) {
      let sum = 0;
      for (let i = 0; i < this.constants.k; i++) {
        sum += left[this.thread.y * this.constants.k + i] * right[i * this.constants.n + this.thread.x];
      }
      return sum;
    },
    [m, n],
    { k, n },
    a,
    b,
  );
}

/** 'Same' convolution, stride 1: input (1, C, H, W), weight (O, C, k, k) with odd k. */
function conv2d(input: HostTensor, weight: HostTensor): Float64Array {
  const [, channels, height, width] = input.shape as [number, number, number, number];
  const [filters, , side] = weight.shape as [number, number, number];
  return compute(
    function (this: Untyped, image: Untyped, filter: Untyped) {
      let sum = 0;
      for (let c = 0; c < this.constants.channels; c++) {
        for (let i = 0; i < this.constants.side; i++) {
          for (let j = 0; j < this.constants.side; j++) {
            const y = this.thread.y + i - (this.constants.side - 1) / 2;
            const x = this.thread.x + j - (this.constants.side - 1) / 2;
            if (y >= 0 && y < this.constants.height && x >= 0 && x < this.constants.width) {
              const place = (c * this.constants.height + y) * this.constants.width + x;
              const tap =
                ((this.thread.z * this.constants.channels + c) * this.constants.side + i) *
                  this.constants.side +
                j;
              sum += image[place] * filter[tap];
            }
          }
        }
      }
      return sum;
    },
    [filters, height, width],
    { channels, height, width, side },
    input,
    weight,
  );
}

function softmax(x: HostTensor): Float64Array {
  const [rows, columns] = x.shape as [number, number];
  return compute(
    function (this: Untyped, values: Untyped) {
      const start = this.thread.y * this.constants.columns;
      let maximum = values[start];
      for (let i = 1; i < this.constants.columns; i++) maximum = Math.max(maximum, values[start + i]);
      let sum = 0;
      for (let i = 0; i < this.constants.columns; i++) sum += Math.exp(values[start + i] - maximum);
      return Math.exp(values[start + this.thread.x] - maximum) / sum;
    },
    [rows, columns],
    { columns },
    x,
  );
}

const runtime = await testRuntime();
const random = new Random(3);

/** Holds that kernel, reference and gpu.js agree with each other. */
async function compare<Size>(
  table: CaseTable<Size>,
  size: Size,
  opinion: (inputs: Record<string, HostTensor>) => Float64Array,
): Promise<void> {
  const operation: AnyOperation = table.operation;
  const { inputs: made, options = {} } = table.make(size, random);
  const inputs = mapTensors(made, (tensor) => rounded(tensor, 'f32'));
  const tensors = uploadInputs(runtime, inputs, 'f32');
  const bound = 1e-6 * Math.sqrt(operation.spec.reduction(operation.spec.problem(tensors, options)));
  const second = opinion(inputs as Record<string, HostTensor>);
  const reference = table.reference(inputs, options, size).output!.data;
  const kernel = await operation.run(tensors, options).output.read();
  const errors = [relativeError(reference, second), relativeError(kernel, second)];
  assert.ok(
    errors.every((error) => error <= bound),
    `${operation.name} ${JSON.stringify(size)}: reference and kernel are ${errors} off, bound ${bound}`,
  );
}

describe('gpu.js agrees with the reference and the kernels', () => {
  it('on matrix products', async () => {
    for (const [m, n, k] of [
      [5, 7, 3],
      [33, 17, 40],
    ] as const) {
      await compare(matmulCases, { m, n, k, bias: false }, ({ a, b }) => matmul(a!, b!));
    }
  });

  it('on convolutions', async () => {
    for (const [channels, outChannels, side, image] of [
      [1, 2, 3, [5, 4]],
      [6, 5, 5, [9, 12]],
    ] as const) {
      await compare(
        conv2dCases,
        { batches: 1, channels, outChannels, image: [...image], kernel: [side, side], padding: 'same' },
        ({ input, weight }) => conv2d(input!, weight!),
      );
    }
  });

  it('on softmax', async () => {
    for (const [rows, columns] of [
      [3, 5],
      [17, 64],
    ] as const) {
      await compare(softmaxCases, { rows, columns, log: false }, ({ x }) => softmax(x!));
    }
  });
});

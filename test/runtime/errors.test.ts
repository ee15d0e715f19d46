import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import softmaxPlainKernel from '../../kernels/array/softmax_plain.wgsl.js';
import { FeatureError, GpuError, OutOfMemoryError, ShapeError } from '../../src/errors.js';
import { softmax } from '../../src/ops/array/softmax.js';
import type { Launch } from '../../src/tensor/launch.js';
import { echoParameters, plus, rescale, testKernel } from '../support/kernels.js';
import { testRuntime } from '../support/runtime.js';

const runtime = await testRuntime();
const { device } = runtime.gpu;
const x = runtime.tensor([1, 2, 3, 4], [2, 2]);

/** Records a launch of a kernel that does not compile. */
function launchBroken(): void {
  runtime.scope(() =>
    runtime.launch({
      kernel: softmaxPlainKernel,
      constants: { Element: 'no_such_type', LOG: true },
      buffers: { x, out: runtime.empty([2, 2]) },
      params: { rows: 2, columns: 2 },
      workgroups: [1],
    }),
  );
}

/** Holds that nothing is left of an error that was reported. */
async function holdsWork(): Promise<void> {
  const y = softmax(x);
  const [a, b] = await y.read();
  assert.ok(Math.abs(a! + b! - 1) < 1e-6);
  y.dispose();
  await runtime.finish();
}

describe('a kernel that does not compile', () => {
  it('fails the flush with its name, constants and the compiler’s words and line', async () => {
    launchBroken();
    await assert.rejects(runtime.flush(), (error) => {
      assert.ok(error instanceof GpuError);
      assert.match(error.message, /kernel array\/softmax_plain/);
      assert.match(error.message, /\{"Element":"no_such_type","LOG":true\}/);
      assert.match(error.message, /\d+:\d+ error: .*no_such_type/);
      assert.match(error.message, /alias Element = no_such_type;/);
      return true;
    });
    await holdsWork();
  });

  it('fails a read, and whoever was waiting after it', async () => {
    launchBroken();
    const reads = [x.read(), x.read(), runtime.flush()];
    for (const read of await Promise.allSettled(reads)) {
      assert.equal(read.status, 'rejected');
      assert.match(read.reason.message, /does not compile/);
    }
    await holdsWork();
  });

  it('is not forgotten when it was submitted without a flush', async () => {
    launchBroken();
    for (let i = 0; i < 600; i++) rescale(x, 1, 0);
    await device.queue.onSubmittedWorkDone();
    await assert.rejects(x.read(), GpuError);
    await holdsWork();
  });

  it('fails a measurement', async () => {
    await assert.rejects(runtime.measure(launchBroken), GpuError);
    await holdsWork();
  });
});

describe('an error that WebGPU reports', () => {
  it('of a command fails its flush', async () => {
    const buffer = device.createBuffer({ size: 16, usage: runtime.gpu.buffers.usage });
    const wrapped = runtime.wrap(buffer, [4]);
    buffer.destroy();
    plus(wrapped, wrapped).dispose();
    await assert.rejects(runtime.flush(), (error) => {
      assert.ok(error instanceof GpuError);
      assert.match(error.message, /destroyed/);
      return true;
    });
    wrapped.dispose();
    await holdsWork();
  });

  it('of nobody in particular shows at the next wait', async () => {
    device.createBuffer({ size: 16, usage: 0 });
    await assert.rejects(runtime.finish(), GpuError);
    await holdsWork();
    device.createBuffer({ size: 16, usage: 0 });
    await assert.rejects(x.read(), GpuError);
    await holdsWork();
  });

  it('of memory is typed, and the buffer without memory is not used again', async (t) => {
    await runtime.trim();
    const { allocatedBytes, usedBytes } = runtime.memory;
    const { createBuffer } = device;
    const invalid = (descriptor: GPUBufferDescriptor) => {
      const buffer = createBuffer.call(device, descriptor);
      buffer.destroy();
      return buffer;
    };
    t.mock.method(device, 'createBuffer', invalid, { times: 1 });
    const report = async () => {
      // As late as a real report: the commands that use the buffer have been checked by then.
      for (let turn = 0; turn < 100; turn++) await null;
      return new GPUOutOfMemoryError('as if');
    };
    t.mock.method(device, 'popErrorScope', report, { times: 1 });
    const large = runtime.empty([10_000]);
    await assert.rejects(runtime.flush(), (error) => {
      assert.ok(error instanceof OutOfMemoryError);
      assert.match(error.message, /dispose/);
      return true;
    });
    large.dispose();
    assert.equal(runtime.memory.allocatedBytes, allocatedBytes);
    assert.equal(runtime.memory.usedBytes, usedBytes);
    const next = runtime.tensor(new Float32Array(10_000).fill(2));
    assert.equal((await next.read())[9999], 2);
    next.dispose();
    await holdsWork();
  });
});

describe('a tensor that cannot be', () => {
  it('because it is larger than any buffer is a FeatureError that says so', () => {
    const limit = runtime.traits.limits.maxBufferSize;
    const used = runtime.memory.usedBytes;
    assert.throws(
      () => runtime.empty([Math.ceil((limit + 1) / 4)]),
      (error) => {
        assert.ok(error instanceof FeatureError);
        assert.match(error.message, /over this adapter's limit of \d+ bytes/);
        return true;
      },
    );
    assert.equal(runtime.memory.usedBytes, used);
  });

  it('because its elements cannot be counted is a ShapeError', () => {
    assert.throws(() => runtime.empty([2 ** 17, 2 ** 17]), ShapeError);
    assert.throws(() => runtime.empty([Number.POSITIVE_INFINITY]), ShapeError);
  });

  it('because the adapter has no f16 is a FeatureError', { skip: runtime.traits.f16 }, () => {
    assert.throws(() => runtime.tensor([1], [1], 'f16'), FeatureError);
  });
});

describe('a launch that does not fit its kernel', () => {
  const out = runtime.empty([4]);
  const right: Launch = {
    kernel: softmaxPlainKernel,
    buffers: { x, out },
    params: { rows: 2, columns: 2 },
    workgroups: [1],
  };
  const wrong: Record<string, [Partial<Launch>, RegExp]> = {
    'an unknown constant': [{ constants: { TILE: 4 } }, /has no const TILE/],
    'an unknown alias': [{ constants: { Index: 'u32' } }, /has no alias Index/],
    'a missing buffer': [{ buffers: { x } }, /no buffer was given for out/],
    'an unknown buffer': [{ buffers: { x, out, y: x } }, /has no buffer y/],
    'a buffer read and written': [{ buffers: { x: out, out } }, /out is written and bound twice/],
    'a missing parameter': [{ params: { rows: 2 } }, /parameter columns was not given/],
    'an unknown parameter': [{ params: { rows: 2, columns: 2, eps: 0 } }, /no parameter eps/],
    'half a row': [{ params: { rows: 0.5, columns: 2 } }, /rows is a u32, 0.5 is no whole number/],
    'a grid that is too large': [{ workgroups: [1, 65536] }, /1 x 65536 x 1 is over the limit/],
  };
  for (const [name, [change, message]] of Object.entries(wrong)) {
    it(`is refused when recorded: ${name}`, () => {
      assert.throws(
        () => runtime.launch({ ...right, ...change }),
        (error) => {
          assert.ok(error instanceof GpuError);
          assert.match(error.message, message);
          return true;
        },
      );
    });
  }

  it('is taken when it fits', async () => {
    runtime.launch(right);
    assert.ok(Math.abs([...(await out.read())].reduce((a, b) => a + b) - 2) < 1e-6);
  });

  it('is a FeatureError where the device has too few bindings for the kernel', () => {
    const count = runtime.traits.limits.maxStorageBuffersPerShaderStage + 1;
    const names = Array.from({ length: count }, (_, i) => `b${i}`);
    const kernel = testKernel(
      'test/many_bindings',
      `${names.map((name, i) => `@group(0) @binding(${i}) var<storage, read> ${name}: array<f32>;\n`).join('')}
      @compute @workgroup_size(1) fn many() {}`,
    );
    const buffers = Object.fromEntries(names.map((name) => [name, undefined]));
    assert.throws(() => runtime.launch({ kernel, buffers, workgroups: [1] }), FeatureError);
  });

  it('may leave an optional operand out', async () => {
    runtime.launch({
      kernel: echoParameters(1),
      buffers: { out: undefined },
      params: { p0: 3 },
      workgroups: [1],
    });
    await holdsWork();
  });
});

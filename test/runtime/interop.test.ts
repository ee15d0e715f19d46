import assert from 'node:assert/strict';
import { after, describe, it } from 'node:test';
import { create } from 'webgpu';
import softmaxPlainKernel from '../../kernels/array/softmax_plain.wgsl.js';
import { OptionError, ReleasedError, ShapeError } from '../../src/errors.js';
import { bufferUsage, mapForReading } from '../../src/gpu/flags.js';
import { softmax } from '../../src/ops/array/softmax.js';
import { Runtime } from '../../src/tensor/runtime.js';
import { runInChild } from '../support/child.js';
import { plus, rescale } from '../support/kernels.js';

// The caller's side: plain WebGPU, and the object behind it held as long as the device lives.
const gpu = create([]);
const device = await (await gpu.requestAdapter())!.requestDevice();
const errors: string[] = [];
device.addEventListener('uncapturederror', (event) => {
  event.preventDefault();
  errors.push(event.error.message);
});
after(() => {
  device.destroy();
  assert.ok(gpu);
});

const { storage, copySource, copyTarget, mapRead } = bufferUsage;
const usage = storage | copySource | copyTarget;

/** What a buffer of the caller holds, read without the runtime. */
async function contents(buffer: GPUBuffer): Promise<number[]> {
  const staging = device.createBuffer({ size: buffer.size, usage: mapRead | copyTarget });
  const encoder = device.createCommandEncoder();
  encoder.copyBufferToBuffer(buffer, 0, staging, 0, buffer.size);
  device.queue.submit([encoder.finish()]);
  await staging.mapAsync(mapForReading);
  const values = [...new Float32Array(staging.getMappedRange().slice(0))];
  staging.destroy();
  return values;
}

describe('a device of the caller', () => {
  it('runs what an own device runs', async () => {
    const [theirs, ours] = [await Runtime.create({ device }), await Runtime.create()];
    const results = [];
    for (const runtime of [theirs, ours]) {
      const x = runtime.tensor([3, 1, 2, 5, 4, 0], [2, 3]);
      results.push([...(await softmax(x).read())]);
    }
    assert.deepEqual(results[0], results[1]);
    assert.equal(theirs.traits.deviceClass, ours.traits.deviceClass);
    theirs.destroy();
    ours.destroy();
  });

  it('needs no globals of WebGPU', async () => {
    const result = await runInChild(`
      const { create } = await import(${JSON.stringify(import.meta.resolve('webgpu'))});
      const gpu = create([]);
      const device = await (await gpu.requestAdapter()).requestDevice();
      if ('GPUBufferUsage' in globalThis) throw new Error('there are globals: this test shows nothing');
      const runtime = await Runtime.create({ device });
      console.log(JSON.stringify([...await softmax(runtime.tensor([0, 0])).read()]));
      runtime.destroy();
      device.destroy();
      console.log(typeof gpu);`);
    assert.equal(result.code, 0, result.stderr);
    assert.match(result.stdout, /\[0\.5,0\.5\]/);
  });

  it('is not destroyed with the runtime, nor are the caller’s buffers; the runtime’s own are', async () => {
    const runtime = await Runtime.create({ device });
    const buffer = device.createBuffer({ size: 16, usage });
    const a = runtime.wrap(buffer, [4]);
    const b = runtime.tensor([1, 2, 3, 4]);
    a.write([5, 6, 7, 8]);
    rescale(a, 2, 0);
    assert.deepEqual([...(await plus(a, b).read())], [11, 14, 17, 20]);
    const own = b.storage.buffer.buffer;
    a.dispose();
    runtime.destroy();
    assert.equal(runtime.memory.allocatedBytes, 0);
    assert.deepEqual(await contents(buffer), [10, 12, 14, 16]);
    device.pushErrorScope('validation');
    device.queue.writeBuffer(own, 0, new Float32Array(4));
    assert.match((await device.popErrorScope())?.message ?? '', /destroyed/);
    buffer.destroy();
  });

  it('gets no buffer any more once the runtime is destroyed', async () => {
    const runtime = await Runtime.create({ device });
    const buffer = device.createBuffer({ size: 256, usage });
    const x = runtime.tensor([1, 2], [2, 1]);
    const capture = await runtime.capture(() => plus(x, x));
    runtime.destroy();
    const uses = {
      tensor: () => runtime.tensor([1]),
      empty: () => runtime.empty([1]),
      zeros: () => runtime.zeros([1]),
      wrap: () => runtime.wrap(buffer, [1]),
      reshape: () => x.reshape([2]),
      rows: () => x.rows(0, 1),
      range: () => x.range,
      write: () => x.write([3, 4]),
      assign: () => x.assign(x),
      softmax: () => softmax(x),
      encode: () => capture.encode(device.createCommandEncoder()),
    };
    for (const [name, use] of Object.entries(uses)) assert.throws(use, ReleasedError, name);
    await assert.rejects(x.read(), ReleasedError);
    assert.equal(runtime.memory.allocatedBytes, 0);
    for (const each of [x, capture, buffer]) 'dispose' in each ? each.dispose() : each.destroy();
  });

  it('fails what is pending when the runtime, not the device, is destroyed', async () => {
    const runtime = await Runtime.create({ device });
    const x = runtime.tensor([1, 2]);
    await runtime.finish();
    const pending = [x.read(), plus(x, x).read(), runtime.finish()].map((promise) =>
      assert.rejects(promise, ReleasedError),
    );
    runtime.destroy();
    await Promise.all(pending);
  });

  it('keeps its errors for the caller', async () => {
    const runtime = await Runtime.create({ device });
    errors.length = 0;
    device.createBuffer({ size: 16, usage: 0 });
    await runtime.finish();
    assert.equal(errors.length, 1);
    runtime.launch({
      kernel: softmaxPlainKernel,
      constants: { Element: 'no_such_type' },
      buffers: { x: undefined, out: undefined },
      params: { rows: 1, columns: 1 },
      workgroups: [1],
    });
    await assert.rejects(runtime.finish(), { code: 'GPU' });
    await runtime.finish();
    assert.equal(errors.length, 1, 'an error of the runtime is told to whoever waits for the runtime only');
    runtime.destroy();
  });

  it('can serve two runtimes, each with its own tensors', async () => {
    const [a, b] = [await Runtime.create({ device }), await Runtime.create({ device })];
    const [x, y] = [a.tensor([1, 2]), b.tensor([10, 20])];
    for (let i = 0; i < 20; i++) {
      rescale(x, 1, 1);
      rescale(y, 1, 1);
      if (i % 5 === 0) await Promise.all([a.flush(), b.flush()]);
    }
    const reads = await Promise.all([x.read(), y.read()]);
    assert.deepEqual(
      reads.map((read) => [...read]),
      [
        [21, 22],
        [30, 40],
      ],
    );
    assert.throws(() => plus(x, y), OptionError);
    a.destroy();
    assert.deepEqual([...(await plus(y, y).read())], [60, 80]);
    b.destroy();
  });

  it('lets its buffers pass from one runtime to the other', async () => {
    const [a, b] = [await Runtime.create({ device }), await Runtime.create({ device })];
    const x = a.tensor([1, 2, 3, 4]);
    await a.flush();
    const shared = b.wrap(x.storage.buffer.buffer, [4]);
    assert.deepEqual([...(await plus(shared, shared).read())], [2, 4, 6, 8]);
    a.destroy();
    b.destroy();
  });
});

describe('a buffer of the caller', async () => {
  const runtime = await Runtime.create({ device });
  after(() => runtime.destroy());

  it('can be wrapped in part', async () => {
    const buffer = device.createBuffer({ size: 1024, usage });
    const part = runtime.wrap(buffer, [2, 2], 'f32', 512);
    part.write([1, 2, 3, 4]);
    await runtime.flush();
    const values = await contents(buffer);
    assert.deepEqual(values.slice(126, 134), [0, 0, 1, 2, 3, 4, 0, 0]);
    buffer.destroy();
  });

  it('is refused where it does not fit', () => {
    const buffer = device.createBuffer({ size: 1024, usage });
    assert.throws(() => runtime.wrap(buffer, [257]), ShapeError);
    assert.throws(() => runtime.wrap(buffer, [256], 'f32', 256), ShapeError);
    assert.throws(() => runtime.wrap(buffer, [1], 'f32', 4), OptionError);
    assert.throws(() => runtime.wrap(buffer, [1], 'f32', -256), OptionError);
    assert.throws(() => runtime.wrap(buffer, [0]), ShapeError);
    assert.throws(() => runtime.wrap(buffer, [1], 'f8' as never), { code: 'DTYPE' });
    assert.throws(() => runtime.wrap(device.createBuffer({ size: 16, usage: storage }), [4]), OptionError);
    buffer.destroy();
  });

  it('costs the runtime no memory', () => {
    const before = runtime.memory;
    const buffer = device.createBuffer({ size: 4096, usage });
    const tensor = runtime.wrap(buffer, [1024]);
    tensor.dispose();
    assert.deepEqual(runtime.memory, before);
    buffer.destroy();
  });
});

it('two runtimes with devices of their own live side by side', async () => {
  const [a, b] = await Promise.all([Runtime.create(), Runtime.create()]);
  const reads = await Promise.all([softmax(a.tensor([0, 0])).read(), softmax(b.tensor([0, 0])).read()]);
  assert.deepEqual([...reads[0]], [...reads[1]]);
  a.destroy();
  assert.deepEqual([...(await softmax(b.tensor([1, 1])).read())], [0.5, 0.5]);
  b.destroy();
});

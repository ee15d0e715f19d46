import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { create } from 'webgpu';
import type { Measurement } from '../../src/gpu/timing.js';
import { softmax } from '../../src/ops/array/softmax.js';
import { Runtime } from '../../src/tensor/runtime.js';
import { rescale } from '../support/kernels.js';
import { testRuntime } from '../support/runtime.js';

const gpu = create([]);
const runtime = await testRuntime({ poison: false });

describe('measure', () => {
  it('times kernels by the wall and, where the device has one, by its own clock', async () => {
    const x = runtime.tensor(new Float32Array(64 * 4096), [64, 4096]);
    const fastest = async (repeats: number) => {
      const runs: Measurement[] = [];
      for (let run = 0; run < 4; run++) {
        runs.push(
          await runtime.measure(() => {
            for (let i = 0; i < repeats; i++) softmax(x);
          }),
        );
      }
      return runs.sort((a, b) => kernelMs(a) - kernelMs(b))[0]!;
    };
    // The wall's time has the way there and back in it, which is long on a busy machine.
    const kernelMs = ({ wallMs, gpuMs = wallMs }: Measurement) => gpuMs;
    const once = await fastest(1);
    const often = await fastest(12);
    for (const { wallMs, gpuMs } of [once, often]) {
      assert.ok(wallMs > 0);
      assert.equal(gpuMs !== undefined, runtime.traits.timestamps);
      if (gpuMs !== undefined) assert.ok(gpuMs > 0 && gpuMs <= wallMs, `${gpuMs} of ${wallMs} ms`);
    }
    assert.ok(
      kernelMs(often) > 2 * kernelMs(once),
      `${kernelMs(often)} ms for twelve, ${kernelMs(once)} for one`,
    );
    x.dispose();
  });

  it('runs the work once, after all that was recorded before, and frees its tensors', async () => {
    const x = runtime.tensor([1, 2]);
    const used = runtime.memory.usedBytes;
    rescale(x, 10, 0);
    await runtime.measure(() => {
      rescale(x, 1, 1);
      return softmax(x);
    });
    assert.deepEqual([...(await x.read())], [11, 21]);
    assert.equal(runtime.memory.usedBytes, used);
    x.dispose();
  });

  it('spans uploads and copies between the kernels', async () => {
    const x = runtime.tensor(new Float32Array(2 ** 16));
    const { wallMs, gpuMs } = await runtime.measure(() => {
      rescale(x, 1, 1);
      x.write(new Float32Array(x.size));
      rescale(x, 1, 2);
    });
    assert.equal((await x.read())[5], 2);
    if (gpuMs !== undefined) assert.ok(gpuMs > 0 && gpuMs <= wallMs);
    x.dispose();
  });

  it('has no time of the device for work without kernels', async () => {
    const x = runtime.zeros([2]);
    const { wallMs, gpuMs } = await runtime.measure(() => x.write([1, 2]));
    assert.ok(wallMs > 0);
    assert.equal(gpuMs, undefined);
    x.dispose();
  });

  it('leaves no error of a runtime without timestamps', async () => {
    const device = await (await gpu.requestAdapter())!.requestDevice();
    const plain = await Runtime.create({ device });
    assert.equal(plain.traits.timestamps, false);
    const { gpuMs } = await plain.measure(() => softmax(plain.tensor([1, 2])));
    assert.equal(gpuMs, undefined);
    plain.destroy();
    device.destroy();
  });
});

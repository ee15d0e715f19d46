import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { Random } from '../../cases/support/random.js';
import softmaxPlainKernel from '../../kernels/array/softmax_plain.wgsl.js';
import { DtypeError, GpuError, OptionError, ReleasedError, ShapeError } from '../../src/errors.js';
import { logSoftmax, softmax } from '../../src/ops/array/softmax.js';
import { Runtime } from '../../src/tensor/runtime.js';
import type { Tensor } from '../../src/tensor/tensor.js';
import { plus, rescale } from '../support/kernels.js';
import { testRuntime } from '../support/runtime.js';

/** A few operations with buffers that come free on the way. */
function network(x: Tensor): { soft: Tensor; sum: Tensor } {
  const [a, b] = [softmax(x), logSoftmax(x)];
  const sum = plus(plus(a, b), plus(x, x));
  rescale(sum, 0.5, 1);
  return { soft: softmax(sum), sum };
}

for (const immediates of [true, false]) {
  describe(`capture and replay, parameters ${immediates ? 'as immediates' : 'in uniforms'}`, async () => {
    // Not poisoned: an upload would be a command of each capture.
    const runtime = await testRuntime({ immediates, poison: false });
    const data = () => {
      const random = new Random(Math.floor(Math.random() * 2 ** 31));
      return Float32Array.from({ length: 60 }, () => random.normal());
    };

    it('gives what the direct run gives, each time, with inputs changed between the runs', async () => {
      const x = runtime.tensor(data(), [4, 15]);
      const capture = await runtime.capture(() => network(x));
      for (let run = 0; run < 4; run++) {
        x.write(data());
        capture.run();
        const direct = runtime.scope(() => network(x));
        for (const name of ['soft', 'sum'] as const) {
          assert.deepEqual(
            await capture.outputs[name].read(),
            await direct[name].read(),
            `${name}, run ${run}`,
          );
          direct[name].dispose();
        }
      }
      capture.dispose();
      x.dispose();
    });

    it('runs many times in one batch, its outputs used in between', async () => {
      const x = runtime.tensor([1, 2, 3]);
      const total = runtime.zeros([3]);
      const capture = await runtime.capture(() => plus(x, x));
      let sum = total;
      for (let i = 0; i < 5; i++) {
        capture.run();
        const next = plus(sum, capture.outputs);
        sum.dispose();
        sum = next;
        rescale(x, 2, 0);
      }
      assert.deepEqual([...(await sum.read())], [62, 124, 186]);
      for (const it of [capture, sum, x]) it.dispose();
    });

    it('uses buffers again inside, and gives them back when disposed', async () => {
      const x = runtime.tensor(new Float32Array(1024));
      const used = runtime.memory.usedBytes;
      const capture = await runtime.capture(() =>
        runtime.scope(() => {
          let y = x;
          for (let i = 0; i < 20; i++) {
            const next = plus(y, x);
            if (y !== x) y.dispose();
            y = next;
          }
          return y;
        }),
      );
      assert.equal(runtime.memory.usedBytes - used, 2 * x.bytes, 'twenty sums need two buffers');
      capture.run();
      capture.dispose();
      capture.dispose();
      assert.equal(runtime.memory.usedBytes, used);
      assert.equal(capture.outputs.isDisposed, true);
      assert.throws(() => capture.run(), ReleasedError);
      assert.throws(() => capture.encode(runtime.gpu.device.createCommandEncoder()), ReleasedError);
      x.dispose();
      await runtime.flush();
    });

    it('holds what it uses from outside until it is disposed', async () => {
      const used = runtime.memory.usedBytes;
      const x = runtime.tensor([1, 2, 3]);
      const written = runtime.tensor([0, 0, 0]);
      const capture = await runtime.capture(() => {
        written.write([5, 5, 5]);
        return plus(x, x);
      });
      x.dispose();
      written.dispose();
      // Were x's buffer or the written one free, one of these would get it.
      const others = [0, 1, 2].map(() => runtime.tensor([9, 9, 9]));
      capture.run();
      assert.deepEqual([...(await capture.outputs.read())], [2, 4, 6]);
      for (const other of others) assert.deepEqual([...(await other.read())], [9, 9, 9]);
      for (const it of [capture, ...others]) it.dispose();
      assert.equal(runtime.memory.usedBytes, used);
    });

    it('lets a view of an output live on after it', async () => {
      const used = runtime.memory.usedBytes;
      const x = runtime.tensor([1, 2, 3, 4]);
      const capture = await runtime.capture(() => plus(x, x));
      capture.run();
      const view = capture.outputs.reshape([2, 2]);
      capture.dispose();
      const other = runtime.tensor([0, 0, 0, 0]);
      assert.deepEqual([...(await view.read())], [2, 4, 6, 8]);
      for (const it of [view, other, x]) it.dispose();
      assert.equal(runtime.memory.usedBytes, used);
    });

    it('can contain uploads, which each run repeats', async () => {
      const x = runtime.tensor([1, 1]);
      const capture = await runtime.capture(() => plus(x, runtime.tensor([10, 20])));
      capture.run();
      capture.run();
      assert.deepEqual([...(await capture.outputs.read())], [11, 21]);
      await assert.rejects(
        async () => capture.encode(runtime.gpu.device.createCommandEncoder()),
        GpuError,
        'a caller cannot submit in between',
      );
      capture.dispose();
      x.dispose();
    });

    it('may run inside another capture, which holds it', async () => {
      const used = runtime.memory.usedBytes;
      const x = runtime.tensor([1, 2]);
      // The sum in the middle is in a buffer of the inner capture that nothing else holds.
      const inner = await runtime.capture(() => plus(plus(x, x), x));
      const outer = await runtime.capture(() => {
        inner.run();
        return plus(inner.outputs, x);
      });
      inner.dispose();
      const others = [0, 1, 2].map(() => runtime.tensor([7, 7]));
      x.write([3, 4]);
      outer.run();
      assert.deepEqual([...(await outer.outputs.read())], [12, 16]);
      for (const other of others) assert.deepEqual([...(await other.read())], [7, 7]);
      for (const it of [outer, x, ...others]) it.dispose();
      assert.equal(runtime.memory.usedBytes, used);
    });

    it('is encoded into the encoder of the caller, who submits', async () => {
      const x = runtime.tensor([1, 2, 3]);
      const capture = await runtime.capture(() => {
        const y = plus(x, x);
        rescale(y, 1, 1);
        return y;
      });
      await runtime.flush();
      const { device } = runtime.gpu;
      const encoder = device.createCommandEncoder();
      capture.encode(encoder);
      capture.encode(encoder);
      device.queue.submit([encoder.finish()]);
      assert.deepEqual([...(await capture.outputs.read())], [3, 5, 7]);
      capture.dispose();
      x.dispose();
    });

    it('belongs to nobody else when made inside a scope', async () => {
      const x = runtime.tensor([1]);
      let made: Promise<{ outputs: Tensor; run(): void; dispose(): void }> | undefined;
      runtime.scope(() => {
        made = runtime.capture(() => plus(x, x));
      });
      const capture = await made!;
      capture.run();
      assert.deepEqual([...(await capture.outputs.read())], [2]);
      capture.dispose();
      x.dispose();
    });

    it('refuses captures and reads inside, and goes on unharmed', async () => {
      const used = runtime.memory.usedBytes;
      const x = runtime.tensor([1, 2]);
      const refused: Promise<unknown>[] = [];
      const capture = await runtime.capture(() => {
        refused.push(
          assert.rejects(
            runtime.capture(() => plus(x, x)),
            GpuError,
          ),
        );
        const y = plus(x, x);
        refused.push(assert.rejects(y.read(), GpuError));
        return plus(y, x);
      });
      await Promise.all(refused);
      capture.run();
      assert.deepEqual([...(await capture.outputs.read())], [3, 6]);
      capture.dispose();
      x.dispose();
      assert.equal(runtime.memory.usedBytes, used);
    });

    it('frees all when its body throws, is asynchronous, or has a kernel that does not compile', async () => {
      const x = runtime.tensor([1, 2]);
      await runtime.flush();
      const used = runtime.memory.usedBytes;
      const failure = new Error('of the body');
      await assert.rejects(
        runtime.capture(() => {
          plus(x, x);
          throw failure;
        }),
        failure,
      );
      await assert.rejects(
        runtime.capture(async () => plus(x, x)),
        OptionError,
      );
      await assert.rejects(
        runtime.capture(() => {
          const out = runtime.empty([2]);
          runtime.launch({
            kernel: softmaxPlainKernel,
            constants: { Element: 'no_such_type' },
            buffers: { x, out },
            params: { rows: 1, columns: 2 },
            workgroups: [1],
          });
          return out;
        }),
        GpuError,
      );
      assert.equal(runtime.memory.usedBytes, used);
      assert.deepEqual([...(await x.read())], [1, 2]);
      x.dispose();
    });

    it('feeds its result to its next run with assign', async () => {
      const x = runtime.tensor([1, 2]);
      const capture = await runtime.capture(() => x.assign(plus(x, x)));
      for (let i = 0; i < 5; i++) capture.run();
      assert.deepEqual([...(await x.read())], [32, 64]);
      assert.throws(() => x.assign(runtime.tensor([1, 2, 3])), ShapeError);
      assert.throws(() => x.assign(runtime.tensor([1, 2], [2], 'u32')), DtypeError);
      capture.dispose();
      x.dispose();
    });

    it('leaves the queue of other commands alone', async () => {
      const a = runtime.tensor([1]);
      rescale(a, 1, 1);
      const capture = await runtime.capture(() => rescale(a, 10, 0));
      rescale(a, 1, 3);
      assert.equal((await a.read())[0], 5);
      capture.run();
      rescale(a, 1, 1);
      assert.equal((await a.read())[0], 51);
      capture.dispose();
      a.dispose();
    });
  });
}

describe('capture', () => {
  it('can be disposed after its runtime', async () => {
    const runtime = await Runtime.create();
    const x = runtime.tensor([1]);
    const capture = await runtime.capture(() => plus(x, x));
    runtime.destroy();
    assert.throws(() => capture.run(), ReleasedError);
    capture.dispose();
    x.dispose();
  });
});

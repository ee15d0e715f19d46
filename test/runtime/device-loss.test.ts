import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { DeviceLostError, ReleasedError } from '../../src/errors.js';
import { softmax } from '../../src/ops/array/softmax.js';
import { Runtime } from '../../src/tensor/runtime.js';
import { plus } from '../support/kernels.js';
import { hangMs } from '../support/limits.js';

const ends = {
  'the device is lost': { end: (runtime: Runtime) => runtime.gpu.device.destroy(), error: DeviceLostError },
  'the runtime is destroyed': { end: (runtime: Runtime) => runtime.destroy(), error: ReleasedError },
};

for (const [name, { end, error }] of Object.entries(ends)) {
  describe(`when ${name}`, () => {
    /** What can be pending, by the way it got there. */
    const pending = {
      'a read': (runtime: Runtime) => plus(runtime.tensor([1, 2]), runtime.tensor([3, 4])).read(),
      'a read whose kernel still compiles': (runtime: Runtime) => softmax(runtime.tensor([1, 2])).read(),
      'a flush': (runtime: Runtime) => {
        plus(runtime.tensor([1, 2]), runtime.tensor([3, 4]));
        return runtime.flush();
      },
      'a wait for the device': (runtime: Runtime) => {
        for (let i = 0; i < 50; i++) softmax(runtime.zeros([64, 512]));
        return runtime.finish();
      },
      'a trim': (runtime: Runtime) => {
        runtime.zeros([5]).dispose();
        return runtime.trim();
      },
      'a capture': (runtime: Runtime) => runtime.capture(() => softmax(runtime.tensor([1, 2]))),
      'a measurement': (runtime: Runtime) => runtime.measure(() => softmax(runtime.tensor([1, 2]))),
    };
    for (const [what, start] of Object.entries(pending)) {
      for (const delay of [undefined, 0, 3]) {
        it(`${what} rejects, ${delay === undefined ? 'begun just before' : `${delay} ms after its begin`}`, async () => {
          const runtime = await Runtime.create();
          const promise = start(runtime);
          promise.catch(() => {});
          // After a delay it may have come to its end before.
          if (delay !== undefined) await new Promise((resolve) => setTimeout(resolve, delay));
          end(runtime);
          const outcome = await Promise.race([
            promise.then(
              () => 'fulfilled',
              (reason: unknown) => reason,
            ),
            new Promise((resolve) => setTimeout(resolve, hangMs, 'still pending').unref()),
          ]);
          if (outcome !== 'fulfilled' || delay === undefined) {
            assert.ok(outcome instanceof error, String(outcome));
          }
          runtime.destroy();
        });
      }
    }

    it('runtime.lost resolves once with the error, whoever asks and when', async () => {
      const runtime = await Runtime.create();
      let told = 0;
      const early = runtime.lost;
      early.then(() => told++);
      await runtime.finish();
      assert.equal(told, 0);
      end(runtime);
      assert.ok((await early) instanceof error);
      runtime.destroy();
      await new Promise(setImmediate);
      assert.equal(told, 1);
      const late = await runtime.lost;
      assert.equal(late, await early);
      assert.throws(() => runtime.tensor([1]), late);
    });

    it('later calls fail with the same error', async () => {
      const runtime = await Runtime.create();
      const x = runtime.tensor([1, 2]);
      const capture = await runtime.capture(() => plus(x, x));
      end(runtime);
      // The loss of a device is told in a later turn.
      await runtime.gpu.device.lost;
      await assert.rejects(x.read(), error);
      await assert.rejects(runtime.flush(), error);
      await assert.rejects(runtime.finish(), error);
      await assert.rejects(runtime.trim(), error);
      await assert.rejects(
        runtime.capture(() => plus(x, x)),
        error,
      );
      await assert.rejects(
        runtime.measure(() => plus(x, x)),
        error,
      );
      assert.throws(() => plus(x, x), error);
      assert.throws(() => x.write([1, 2]), error);
      assert.throws(() => runtime.tensor([1]), error);
      assert.throws(() => capture.run(), error);
      capture.dispose();
      x.dispose();
      runtime.destroy();
      runtime.destroy();
    });
  });
}

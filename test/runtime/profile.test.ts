import assert from 'node:assert/strict';
import { after, describe, it } from 'node:test';
import { inspect } from 'node:util';
import { create } from 'webgpu';
import { GpuError, OptionError } from '../../src/errors.js';
import { softmax, softmaxOperation } from '../../src/ops/array/softmax.js';
import { relu } from '../../src/ops/array/unary.js';
import { Runtime } from '../../src/tensor/runtime.js';
import { rescale } from '../support/kernels.js';
import { testRuntime } from '../support/runtime.js';

const runtime = await testRuntime();
const gpu = create([]);
// Dawn crashes where it is collected before its devices.
after(() => assert.ok(gpu));
/** The caller's own device, which has no timestamps. */
const device = await (await gpu.requestAdapter())!.requestDevice();
const plain = await testRuntime({ device });

for (const [clock, on] of [
  [runtime.traits.timestamps ? 'gpu' : 'host', runtime],
  ['host', plain],
] as const) {
  describe(`profile on a device ${on === plain ? 'without timestamps' : 'of the runtime'}`, () => {
    it('times each launch, by operation, variant, kernel, shape and grid', async () => {
      const large = on.zeros([512, 512]);
      const small = on.zeros([3, 5]);
      const profile = await on.profile(() => {
        on.scope(() => {
          for (let i = 0; i < 3; i++) softmax(large);
          relu(small);
        });
        rescale(small, 2, 1);
        return small;
      });
      assert.equal(profile.clock, clock);
      assert.equal(profile.result, small);
      const [first, ...rest] = profile.rows;
      assert.deepEqual(
        [first!.operation, first!.variant, first!.shape, first!.calls],
        [
          'softmax',
          softmaxOperation.choose(on, softmaxOperation.problem({ x: large }, {})).name,
          [512, 512],
          3,
        ],
      );
      assert.equal(rest.length, 2);
      const unary = rest.find(({ operation }) => operation === 'unary')!;
      assert.deepEqual([unary.shape, unary.calls], [[3, 5], 1]);
      const own = rest.find(({ operation }) => operation === undefined)!;
      assert.deepEqual([own.variant, own.shape, own.workgroups], [undefined, undefined, [1, 1, 1]]);
      for (const row of profile.rows) {
        assert.ok(row.microseconds >= 0 && row.medianMicroseconds <= row.microseconds, inspect(row));
        assert.ok(Math.abs(row.share - row.microseconds / profile.microseconds) < 1e-9);
      }
      assert.ok(Math.abs(profile.rows.reduce((sum, { share }) => sum + share, 0) - 1) < 1e-9);
      // A softmax of 262,144 elements takes some time on any device.
      assert.ok(first!.medianMicroseconds > 1, inspect(first));
      assert.deepEqual([...(await small.read())], Array(15).fill(1));
      large.dispose();
      small.dispose();
    });

    it('gives more work a longer time', async () => {
      const x = on.zeros([64, 4096]);
      const share = async (rows: number) => {
        const profile = await on.profile(() => {
          for (let i = 0; i < 4; i++) on.scope(() => void softmax(x.rows(0, rows)));
        });
        return profile.rows[0]!.medianMicroseconds;
      };
      const most = Math.min(await share(64), await share(64));
      const least = Math.min(await share(1), await share(1));
      assert.ok(most > least, `${most} µs for 64 rows, ${least} for one`);
      x.dispose();
    });

    it('sees the launches of captures and what a body records after it waits', async () => {
      const x = on.tensor([1, 2]);
      const inner = await on.capture(() => rescale(x, 2, 0));
      const capture = await on.capture(() => {
        inner.run();
        return relu(x);
      });
      const profile = await on.profile(async () => {
        capture.run();
        capture.run();
        const [first] = await x.read();
        rescale(x, 1, 1);
        return first;
      });
      assert.equal(profile.result, 4);
      assert.deepEqual([...(await x.read())], [5, 9]);
      const calls = Object.fromEntries(
        profile.rows.map(({ operation, calls }) => [operation ?? 'rescale', calls]),
      );
      assert.deepEqual(calls, { rescale: 3, unary: 2 });
      for (const each of [capture, inner, x]) each.dispose();
    });

    it('leaves out what was recorded before and after', async () => {
      const x = on.tensor([1]);
      rescale(x, 3, 0);
      const running = on.profile(() => x.write([7]));
      const { rows, microseconds } = await running;
      assert.deepEqual([rows, microseconds], [[], 0]);
      rescale(x, 3, 0);
      assert.deepEqual([...(await x.read())], [21]);
      x.dispose();
    });

    it('times more launches than one set of queries holds', async () => {
      const x = on.tensor([0]);
      const launches = on === plain ? 30 : 2100;
      const capture = await on.capture(() => {
        for (let i = 0; i < launches; i++) rescale(x, 1, 1);
      });
      const { rows } = await on.profile(() => capture.run());
      assert.deepEqual(
        rows.map(({ calls }) => calls),
        [launches],
      );
      assert.deepEqual([...(await x.read())], [launches]);
      capture.dispose();
      x.dispose();
    });
  });
}

describe('profile', () => {
  it('is a table as a string and in console.log', async () => {
    const x = runtime.zeros([2, 3]);
    const profile = await runtime.profile(() => runtime.scope(() => void softmax(x)));
    const [titles, row, total, ...more] = String(profile).split('\n');
    assert.match(titles!, /^operation +variant +kernel +shape +workgroups +calls +µs +median +share$/);
    assert.match(row!, /^softmax +\w+ +\S+ +\[2, 3\] +\d+ x 1 x 1 +1 +[\d.]+ +[\d.]+ +100\.0 %$/);
    assert.match(total!, /^1 launches, [\d.]+ µs by the /);
    assert.deepEqual(more, []);
    assert.equal(inspect(profile), String(profile));
    x.dispose();
  });

  it('rejects with what its function throws, and can be used again', async () => {
    const x = runtime.tensor([1]);
    const failure = new Error('mine');
    const failing = runtime.profile(() => {
      rescale(x, 2, 0);
      throw failure;
    });
    await assert.rejects(failing, failure);
    assert.deepEqual([...(await x.read())], [2]);
    const { rows } = await runtime.profile(() => rescale(x, 2, 0));
    assert.equal(rows[0]!.calls, 1);
    x.dispose();
  });

  it('cannot be nested, and holds no measurement', async () => {
    const inside = (body: () => unknown) => assert.rejects(Promise.resolve(runtime.profile(body)), GpuError);
    await inside(() => runtime.profile(() => {}));
    await inside(() => runtime.measure(() => {}));
    let refused: Promise<void> | undefined;
    const capture = await runtime.capture(() => {
      refused = assert.rejects(
        runtime.profile(() => {}),
        GpuError,
      );
    });
    await refused;
    capture.dispose();
    await assert.rejects(
      runtime.profile(3 as never),
      (error) => error instanceof OptionError && /profile: body must be a function/.test(error.message),
    );
  });

  it('rejects at the end of the runtime, and leaves nothing of it behind', async () => {
    const own = await Runtime.create();
    const x = own.tensor([1]);
    const { usedBytes } = own.memory;
    await own.profile(() => own.scope(() => void relu(x)));
    assert.equal(own.memory.usedBytes, usedBytes);
    await assert.rejects(
      own.profile(() => {
        relu(x);
        own.destroy();
      }),
      /destroyed/,
    );
  });
});

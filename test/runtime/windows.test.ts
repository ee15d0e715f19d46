import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { FeatureError, GpuError, OptionError, ShapeError } from '../../src/errors.js';
import { sum } from '../../src/ops/array/reduce.js';
import { softmax } from '../../src/ops/array/softmax.js';
import { rowWindows } from '../../src/tensor/windows.js';
import { testRuntime } from '../support/runtime.js';

const runtime = await testRuntime();
/** Rows of 96 f32 begin at a bindable byte where their number is even: 256 and 384 have the divisor 128. */
const columns = 96;
const data = Float32Array.from({ length: 10 * columns }, (_, i) => i);

describe('views of rows', () => {
  it('share the buffer with the tensor', async () => {
    const tensor = runtime.tensor(data, [10, columns]);
    const view = tensor.rows(4, 7);
    assert.deepEqual([...view.shape], [3, columns]);
    assert.deepEqual(await view.read(), data.slice(4 * columns, 7 * columns));
    view.write(new Float32Array(3 * columns).fill(-1));
    const changed = data.slice().fill(-1, 4 * columns, 7 * columns);
    assert.deepEqual(await tensor.read(), changed);
    view.rows(2, 3).assign(runtime.tensor(new Float32Array(columns).fill(-2)));
    assert.deepEqual(await tensor.read(), changed.fill(-2, 6 * columns, 7 * columns));
    tensor.dispose();
    assert.equal((await view.reshape([-1]).read())[0], -1, 'a view keeps the buffer');
  });

  it('can be operands of kernels', async () => {
    const tensor = runtime.tensor(data, [10, columns]);
    const whole = await softmax(tensor).read();
    assert.deepEqual(await softmax(tensor.rows(8, 10)).read(), whole.slice(8 * columns));
  });

  it('are refused where there are no such rows, or the device cannot bind them', () => {
    const tensor = runtime.tensor(data, [10, columns]);
    assert.throws(() => tensor.rows(0, 11), ShapeError);
    assert.throws(() => tensor.rows(4, 4), ShapeError);
    assert.throws(() => tensor.rows(-2, 3), OptionError);
    assert.throws(() => tensor.rows(0.5, 2), OptionError);
    const { rowAlignment } = tensor;
    if (rowAlignment > 1) assert.throws(() => tensor.rows(1, 3), FeatureError);
    assert.throws(() => tensor.rows(0, 4).assign(tensor.rows(4, 8)), GpuError);
  });
});

describe('row windows', () => {
  it('cover every row once and keep to the limit', () => {
    const tensor = runtime.tensor(data, [10, columns]);
    const rowBytes = columns * 4;
    assert.equal(rowWindows(tensor)[0]!.view, tensor);
    for (const limit of [2 * rowBytes, 5 * rowBytes, 9 * rowBytes]) {
      const windows = rowWindows(tensor, limit);
      assert.equal(windows[0]!.begin, 0);
      assert.equal(windows.at(-1)!.end, 10);
      windows.forEach(({ view, begin, end }, i) => {
        assert.equal(begin, windows[i - 1]?.end ?? 0);
        assert.deepEqual([...view.shape], [end - begin, columns]);
        assert.ok(view.bytes <= limit);
      });
    }
    if (tensor.rowAlignment > 1) assert.throws(() => rowWindows(tensor, rowBytes), FeatureError);
  });

  it('are asked for where a kernel gets more than a binding holds', () => {
    const limit = runtime.traits.limits.maxStorageBufferBindingSize;
    if (runtime.traits.limits.maxBufferSize <= limit || limit > 2 ** 28) return;
    // Wrapped, not made by the runtime: its poison would take as much memory again.
    const { device, buffers } = runtime.gpu;
    const buffer = device.createBuffer({ size: limit + 256, usage: buffers.usage });
    const large = runtime.wrap(buffer, [limit / 256 + 1, 64]);
    // That many outputs would do, only the operand is too large.
    assert.throws(
      () => sum(large, { axes: [0] }),
      (error) => error instanceof FeatureError && /views of its rows/.test(error.message),
    );
    buffer.destroy();
  });
});

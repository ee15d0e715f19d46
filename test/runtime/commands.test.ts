import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { OptionError, ReleasedError, ShapeError } from '../../src/errors.js';
import { softmax } from '../../src/ops/array/softmax.js';
import type { Tensor } from '../../src/tensor/tensor.js';
import { echoParameters, plus, rescale } from '../support/kernels.js';
import { testRuntime } from '../support/runtime.js';

const immediates = await testRuntime();
const uniforms = await testRuntime({ immediates: false });

describe('recorded commands', () => {
  it('run in the order of recording: uploads, dispatches and copies', async () => {
    const a = immediates.tensor([1, 2, 3, 4]);
    rescale(a, 2, 0);
    const before = a.read();
    a.write([10, 20, 30, 40]);
    rescale(a, 1, 1);
    const between = a.read();
    rescale(a, 0, 7);
    assert.deepEqual([...(await before)], [2, 4, 6, 8]);
    assert.deepEqual([...(await between)], [11, 21, 31, 41]);
    assert.deepEqual([...(await a.read())], [7, 7, 7, 7]);
    a.dispose();
  });

  it('go on in order beyond the length that is submitted without a flush', async () => {
    const a = immediates.tensor([0]);
    let expected = 0;
    for (let i = 0; i < 1500; i++) {
      // Not commutative, so a swap of two would show; kept small enough to be exact.
      const [scale, shift] = i % 3 === 0 ? [0.5, 8] : [1, i % 5];
      if (i % 97 === 0) {
        a.write([i]);
        expected = i;
      }
      rescale(a, scale!, shift!);
      expected = Math.fround(scale! * expected + shift!);
    }
    assert.equal((await a.read())[0], expected);
    a.dispose();
  });

  it('may use a buffer again right after its last user is recorded', async () => {
    const one = immediates.tensor([1]);
    let sum = immediates.tensor([0]);
    for (let i = 0; i < 600; i++) {
      const next = plus(sum, one);
      sum.dispose();
      sum = next;
    }
    assert.equal((await sum.read())[0], 600);
    one.dispose();
    sum.dispose();
  });

  it('are submitted early when they upload much, so that host memory stays small', async (t) => {
    const large = immediates.empty([2 ** 20 * 9]);
    await immediates.finish();
    const written = t.mock.method(immediates.gpu.device.queue, 'writeBuffer').mock;
    large.write(new Float32Array(large.size).fill(1));
    await immediates.gpu.device.queue.onSubmittedWorkDone();
    assert.equal(written.callCount(), 0);
    large.write(new Float32Array(large.size).fill(2));
    await immediates.gpu.device.queue.onSubmittedWorkDone();
    assert.equal(written.callCount(), 2, 'two uploads of 36 MiB do not wait for a flush');
    large.dispose();
    await immediates.trim();
  });
});

describe('trim', () => {
  it('waits for what is recorded while it waits', async () => {
    const trimmed = immediates.trim();
    // One upload and 511 launches are as many commands as are submitted without a flush.
    const a = immediates.zeros([2]);
    for (let i = 0; i < 511; i++) rescale(a, 1, 1);
    a.dispose();
    await trimmed;
    await immediates.finish();
  });
});

describe('parameters', () => {
  const blocks = [1, 2, 3, 16, 17, 40];
  for (const [name, runtime] of Object.entries({ immediates, uniforms })) {
    it(`arrive ${name === 'uniforms' ? 'through the uniform ring' : 'as immediates'}, whatever the block`, async () => {
      const expected: number[][] = [];
      const outputs: Tensor[] = [];
      for (let i = 0; i < 700; i++) {
        const count = blocks[(i * 7 + (i >> 3)) % blocks.length]!;
        const values = Array.from({ length: count }, (_, k) => (k % 2 ? i + k / 64 : i * 1000 + k));
        const out = runtime.empty([count]);
        runtime.launch({
          kernel: echoParameters(count),
          buffers: { out },
          params: Object.fromEntries(values.map((value, k) => [`p${k}`, value])),
          workgroups: [1],
        });
        outputs.push(out);
        expected.push(values);
      }
      for (const [i, out] of outputs.entries()) {
        assert.deepEqual([...(await out.read())], expected[i], `dispatch ${i}`);
        out.dispose();
      }
    });
  }

  it('may be a ring that they fill to its end, blocks of different size in it', async () => {
    const out = [70, 70, 1].map((count) => {
      const tensor = uniforms.empty([count]);
      const params = Object.fromEntries(Array.from({ length: count }, (_, k) => [`p${k}`, k]));
      uniforms.launch({ kernel: echoParameters(count), buffers: { out: tensor }, params, workgroups: [1] });
      return tensor;
    });
    for (const tensor of out) {
      assert.deepEqual([...(await tensor.read())], [...Array(tensor.size).keys()]);
      tensor.dispose();
    }
  });

  it('give the same results both ways', async () => {
    const results = [];
    for (const runtime of [immediates, uniforms]) {
      const x = runtime.tensor(
        Float32Array.from({ length: 300 }, (_, i) => Math.sin(i)),
        [20, 15],
      );
      const y = softmax(x);
      results.push([...(await y.read())]);
      x.dispose();
      y.dispose();
    }
    assert.deepEqual(results[0], results[1]);
    assert.equal(uniforms.traits.immediates, false);
  });
});

describe('tensors', () => {
  it('are refused by another runtime', () => {
    const [a, b] = [immediates.tensor([1]), uniforms.tensor([1])];
    assert.throws(() => plus(a, b), new OptionError('launch: b f32[1] belongs to another runtime'));
    a.dispose();
    b.dispose();
  });

  it('are refused after dispose(), which may be called twice', async () => {
    const a = immediates.tensor([1]);
    a.dispose();
    a.dispose();
    assert.equal(a.isDisposed, true);
    for (const use of [() => plus(a, a), () => a.write([2]), () => a.reshape([1, 1])]) {
      assert.throws(use, ReleasedError);
    }
    await assert.rejects(a.read(), ReleasedError);
  });

  it('share their buffer with their views, the last of which frees it', async () => {
    const used = immediates.memory.usedBytes;
    const a = immediates.tensor([1, 2, 3, 4, 5, 6]);
    const view = a.reshape([2, -1]);
    assert.deepEqual(view.shape, [2, 3]);
    a.dispose();
    assert.deepEqual([...(await view.read())], [1, 2, 3, 4, 5, 6]);
    assert.ok(immediates.memory.usedBytes > used);
    view.dispose();
    assert.equal(immediates.memory.usedBytes, used);
  });

  it('check what they are made of and written with', () => {
    assert.throws(() => immediates.tensor([1, 2], [3]), ShapeError);
    assert.throws(() => immediates.tensor([1, 2, 3, 4], [-2, -2]), ShapeError);
    assert.throws(() => immediates.tensor([1], [1.5]), ShapeError);
    assert.throws(() => immediates.tensor([1], [1], 'f64' as never), { code: 'DTYPE' });
    const a = immediates.tensor([1, 2]);
    assert.throws(() => a.write([1]), ShapeError);
    assert.throws(() => a.reshape([3]), ShapeError);
    assert.throws(() => a.reshape([-1, -1]), ShapeError);
    a.dispose();
  });

  it('keep every element type, f16 rounded and of odd length', async () => {
    const values = [0, 1, -2.5, 65504, 1 / 3];
    for (const [dtype, expected] of [
      ['f32', values.map(Math.fround)],
      ['i32', [0, 1, -2, 65504, 0]],
      ['u32', [0, 1, 4294967294, 65504, 0]],
      ['f16', [0, 1, -2.5, 65504, 0.333251953125]],
    ] as const) {
      if (dtype === 'f16' && !immediates.traits.f16) continue;
      const tensor = immediates.tensor(values, [5], dtype);
      assert.deepEqual([...(await tensor.read())], expected, dtype);
      tensor.dispose();
    }
  });

  it('zeros are zero, in a buffer that was used before too', async () => {
    immediates.tensor(new Float32Array(100).fill(3)).dispose();
    const zeros = immediates.zeros([100]);
    assert.deepEqual(new Set(await zeros.read()), new Set([0]));
    zeros.dispose();
  });
});

describe('scope', () => {
  it('frees what it does not return, also inside nested scopes, arrays and objects', () => {
    const used = immediates.memory.usedBytes;
    const kept = immediates.scope(() => {
      const [a, b, c, d] = [1, 2, 3, 4].map((value) => immediates.tensor([value]));
      const inner = immediates.scope(() => ({ first: plus(a!, b!), rest: [plus(b!, c!), { d }] }));
      plus(inner.first, d!);
      return { inner, text: 'other values may be there' };
    });
    const { first, rest } = kept.inner;
    const tensors = [first, rest[0] as Tensor, (rest[1] as { d: Tensor }).d];
    assert.ok(tensors.every((tensor) => !tensor.isDisposed));
    for (const tensor of tensors) tensor.dispose();
    assert.equal(immediates.memory.usedBytes, used);
  });

  it('frees all when its body throws', () => {
    const used = immediates.memory.usedBytes;
    const failure = new Error('of the body');
    assert.throws(
      () =>
        immediates.scope(() => {
          const a = immediates.tensor([1, 2]);
          immediates.scope(() => {
            plus(a, a);
            throw failure;
          });
        }),
      failure,
    );
    assert.equal(immediates.memory.usedBytes, used);
  });

  it('refuses an asynchronous body and frees what it made; its later error harms nobody', async () => {
    const used = immediates.memory.usedBytes;
    assert.throws(
      () =>
        immediates.scope(async () => {
          const a = immediates.tensor([1]);
          await null;
          rescale(a, 1, 1);
        }),
      OptionError,
    );
    await new Promise((resolve) => setTimeout(resolve, 10));
    assert.equal(immediates.memory.usedBytes, used);
  });

  it('frees what using declares, as blocks do', () => {
    const used = immediates.memory.usedBytes;
    {
      using a = immediates.tensor([1]);
      using b = plus(a, a);
      assert.ok(!b.isDisposed);
    }
    assert.equal(immediates.memory.usedBytes, used);
  });
});

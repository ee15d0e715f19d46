import assert from 'node:assert/strict';
import { it } from 'node:test';
import { Random } from '../../cases/support/random.js';
import { logSoftmax, softmax } from '../../src/ops/array/softmax.js';
import type { Capture } from '../../src/tensor/capture.js';
import type { Tensor } from '../../src/tensor/tensor.js';
import { plus, rescale } from '../support/kernels.js';
import { testRuntime } from '../support/runtime.js';

const steps = 10_000;
/** Most tensors and captures that live at one time; their sizes bound the memory. */
const mostTensors = 40;
const mostCaptures = 4;
const mostElements = 4096;

const seed = Number(process.env.TAL_TEST_SEED ?? Math.floor(Math.random() * 2 ** 31));

/** A tensor with the value that all its elements must have. */
interface Known {
  readonly tensor: Tensor;
  value: number;
}

it(`ten thousand random steps keep all values and leave no memory behind (seed ${seed})`, async () => {
  const runtime = await testRuntime({ poison: false });
  const random = new Random(seed);
  const pick = <T>(from: readonly T[]): T => from[random.whole(0, from.length - 1)]!;
  const take = <T>(from: T[]): T => from.splice(random.whole(0, from.length - 1), 1)[0]!;
  await runtime.trim();
  const before = runtime.memory;

  const live: Known[] = [];
  const captures: { readonly capture: Capture<Tensor>; readonly input: Known }[] = [];
  const shapes = Array.from({ length: 12 }, () => {
    const rows = random.whole(1, 64);
    return [rows, random.whole(1, mostElements / rows)];
  });

  const make = (): void => {
    const shape = pick(shapes);
    const value = random.whole(-4, 4);
    const data = new Float32Array(shape[0]! * shape[1]!).fill(value);
    live.push({ tensor: runtime.tensor(data, shape), value });
  };
  /** Rows of equal elements: each becomes 1 / columns, or its logarithm. */
  const rowValue = (tensor: Tensor, log: boolean): number => {
    const value = 1 / tensor.shape.at(-1)!;
    return log ? Math.log(value) : value;
  };
  const check = async ({ tensor, value }: Known): Promise<void> => {
    const data = await tensor.read();
    const wrong = data.findIndex((x) => !(Math.abs(x - value) <= 1e-4 * Math.max(1, Math.abs(value))));
    assert.equal(wrong, -1, `${tensor} holds ${data[wrong]} at ${wrong}, not ${value}`);
  };

  const actions: (() => void | Promise<void>)[] = [
    make,
    () => {
      const { tensor } = pick(live);
      const log = random.uniform() < 0.5;
      live.push({ tensor: log ? logSoftmax(tensor) : softmax(tensor), value: rowValue(tensor, log) });
    },
    () => {
      const known = pick(live);
      // Views share the elements, and so would their changes.
      if (live.some(({ tensor }) => tensor !== known.tensor && tensor.storage === known.tensor.storage))
        return;
      if (captures.some(({ capture }) => capture.outputs.storage === known.tensor.storage)) return;
      rescale(known.tensor, 0.5, 1);
      known.value = 0.5 * known.value + 1;
    },
    () => {
      const known = pick(live);
      live.push({ tensor: known.tensor.reshape([-1]), value: known.value });
    },
    () => {
      const known = pick(live);
      const tensor = runtime.scope(() => {
        const twice = plus(known.tensor, known.tensor);
        softmax(twice);
        runtime.scope(() => plus(twice, known.tensor));
        const sum = plus(twice, known.tensor);
        rescale(sum, 0.25, 0);
        return sum;
      });
      live.push({ tensor, value: 0.75 * known.value });
    },
    () => {
      const known = pick(live);
      assert.throws(() =>
        runtime.scope(() => {
          plus(known.tensor, known.tensor);
          throw new Error('thrown on purpose');
        }),
      );
    },
    async () => {
      if (captures.length === mostCaptures) {
        const { capture, input } = take(captures);
        capture.dispose();
        input.tensor.dispose();
        return;
      }
      const shape = pick(shapes);
      const input = { tensor: runtime.zeros(shape), value: 0 };
      const capture = await runtime.capture(() => {
        const sum = plus(input.tensor, input.tensor);
        const { tensor } = input;
        return plus(plus(sum, tensor), softmax(tensor));
      });
      captures.push({ capture, input });
    },
    async () => {
      if (captures.length === 0) return;
      const { capture, input } = pick(captures);
      input.value = random.whole(-5, 5);
      input.tensor.write(new Float32Array(input.tensor.size).fill(input.value));
      capture.run();
      const value = 3 * input.value + rowValue(input.tensor, false);
      const copy = plus(capture.outputs, capture.outputs);
      live.push({ tensor: copy, value: 2 * value });
    },
    () => {
      if (random.uniform() < 0.1) return check(pick(live));
    },
    () => {
      if (random.uniform() < 0.05) return runtime.trim();
    },
  ];

  let mostAllocated = 0;
  for (let step = 0; step < steps; step++) {
    if (live.length === 0) make();
    await pick(actions)();
    while (live.length > mostTensors || (live.length > 1 && random.uniform() < 0.3))
      take(live).tensor.dispose();
    mostAllocated = Math.max(mostAllocated, runtime.memory.allocatedBytes);
  }
  for (const known of live) await check(known);

  for (const { tensor } of live) tensor.dispose();
  for (const { capture, input } of captures) {
    capture.dispose();
    input.tensor.dispose();
  }
  assert.equal(runtime.memory.usedBytes, before.usedBytes);
  // Every size class at its fullest: all tensors, the captures' own four each, and a quarter of rounding.
  const bound = (mostTensors + 8 + 5 * mostCaptures) * mostElements * 4 * 1.25 * shapes.length;
  assert.ok(mostAllocated <= bound, `${mostAllocated} bytes allocated, bound ${bound}`);
  await runtime.trim();
  assert.equal(runtime.memory.allocatedBytes, before.allocatedBytes);
});

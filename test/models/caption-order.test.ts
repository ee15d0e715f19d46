import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { Random } from '../../cases/support/random.js';
import { valueAndGrad } from '../../src/autograd/value-and-grad.js';
import { ShapeError } from '../../src/errors.js';
import { captionOrderLoss } from '../../src/models/wtal/mllm4wtal/caption-order.js';
import type { Tensor } from '../../src/tensor/tensor.js';
import { testRuntime } from '../support/runtime.js';

// How badly a CAS fits the order in which captions tell the classes.
const runtime = await testRuntime();
const read = async (x: Tensor) => [...((await x.read()) as Float32Array)];
const random = new Random(5);
const [batch, steps, classes] = [3, 6, 4];
const logits = Array.from({ length: batch * steps * classes }, () => 2 * random.normal());
const orders = [[2, 0], [1, 2, 1], []];

const cas = runtime.tensor(logits, [batch, steps, classes]);
const order = runtime.tensor(
  orders.flatMap((of) => [0, 1, 2].map((i) => of[i] ?? 0)),
  [batch, 3],
  'u32',
);
const counts = runtime.tensor(
  orders.map(({ length }) => length),
  [batch],
  'u32',
);
const at = (progress: number) => ({ order, counts, progress: runtime.tensor([progress], [1]) });

/** The loss of one video, over every way to divide its steps among the classes. */
function written(video: number, left: number): number {
  const told = orders[video]!;
  if (told.length === 0) return 0;
  const logProbability = (t: number, label: number) => {
    const row = logits.slice((video * steps + t) * classes, (video * steps + t + 1) * classes);
    return row[label]! - Math.log(row.reduce((sum, x) => sum + Math.exp(x), 0));
  };
  const price = (t: number, state: number) =>
    2 * left * ((told.length * (t + 0.5)) / steps - state - 0.5) ** 2;
  const from = (t: number, state: number): number => {
    if (t === steps) return state === told.length - 1 ? 1 : 0;
    const stays = t > 0 ? through(t, state) : 0;
    return t === 0 ? through(0, 0) : stays + (state + 1 < told.length ? through(t, state + 1) : 0);
  };
  const through = (t: number, state: number): number =>
    Math.exp(logProbability(t, told[state]!) - price(t, state)) * from(t + 1, state);
  return -Math.log(from(0, 0)) / steps;
}

describe('the loss of an order', () => {
  it('is that over every way to divide the video, flat at the beginning', async () => {
    for (const [progress, left] of [
      [0, 1],
      [0.25, 0.5],
      [0.9, 0],
    ] as const) {
      const [loss] = await read(captionOrderLoss(cas, at(progress), { until: 0.5 }));
      const wanted = [0, 1, 2].reduce((sum, video) => sum + written(video, left), 0) / batch;
      assert.ok(Math.abs(loss! - wanted) < 1e-5, `${loss}, not ${wanted}`);
    }
  });

  it('moves the videos with an order only, and all of their classes', async () => {
    const { gradients } = valueAndGrad({ cas }, () => captionOrderLoss(cas, at(1)));
    const gradient = await read(gradients.cas);
    const ofVideo = (video: number) => gradient.slice(video * steps * classes, (video + 1) * steps * classes);
    assert.ok(ofVideo(0).every((x) => x !== 0) && ofVideo(1).every((x) => x !== 0));
    assert.ok(ofVideo(2).every((x) => x === 0));
  });

  it('draws each class to its place in the order while all are flat', async () => {
    const flat = runtime.zeros([1, 9, classes]);
    const told = {
      order: runtime.tensor([1, 0, 2], [1, 3], 'u32'),
      counts: runtime.tensor([3], [1], 'u32'),
      progress: runtime.tensor([0], [1]),
    };
    const { gradients } = valueAndGrad({ flat }, () => captionOrderLoss(flat, told));
    const gradient = await read(gradients.flat);
    const lowest = (t: number) => {
      const row = gradient.slice(t * classes, (t + 1) * classes);
      return row.indexOf(Math.min(...row));
    };
    assert.deepEqual([lowest(0), lowest(4), lowest(8)], [1, 0, 2]);
  });

  it('refuses operands that do not fit', () => {
    assert.throws(() => captionOrderLoss(runtime.zeros([2, 3]), at(0)), ShapeError);
    assert.throws(() => captionOrderLoss(cas, { ...at(0), counts: runtime.zeros([2], 'u32') }), ShapeError);
    assert.throws(() => captionOrderLoss(cas, { ...at(0), order: counts }), ShapeError);
    assert.throws(() => captionOrderLoss(cas, { ...at(0), progress: counts }), ShapeError);
  });
});

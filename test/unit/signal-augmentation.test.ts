import assert from 'node:assert/strict';
import { test } from 'node:test';
import { HostRandom } from '../../src/data/host-random.js';
import { OptionError } from '../../src/errors.js';
import { augmentSignal, type SignalAugmentation } from '../../src/models/common/signal-augmentation.js';

const samples = 50;
const made = () => Float32Array.from({ length: 6 * samples }, (_, i) => Math.sin(i) + (i < samples ? 1 : 0));
const changed = (augmentation: SignalAugmentation, seed = 1) => {
  const signal = made();
  augmentSignal(signal, 6, augmentation, new HostRandom(seed));
  return signal;
};
/** The vector of a sensor at a sample. */
const vector = (signal: Float32Array, sensor: number, sample: number) =>
  [0, 1, 2].map((axis) => signal[(3 * sensor + axis) * samples + sample]!);
const dot = (a: readonly number[], b: readonly number[]) => a.reduce((sum, x, i) => sum + x * b[i]!, 0);

test('a rotation keeps lengths and angles, and turns both sensors alike', () => {
  const [before, after] = [made(), changed({ rotation: 20 })];
  assert.notDeepEqual(after, before);
  const pairs = [
    [0, 3, 0, 3],
    [0, 7, 1, 31],
    [1, 2, 1, 40],
  ] as const;
  for (const [a, i, b, j] of pairs) {
    const [kept, found] = [before, after].map((signal) => dot(vector(signal, a, i), vector(signal, b, j)));
    assert.ok(Math.abs(kept! - found!) < 1e-5);
  }
  for (let i = 0; i < samples; i++) {
    const [u, v] = [vector(before, 0, i), vector(after, 0, i)];
    const cosine = dot(u, v) / dot(u, u);
    assert.ok(cosine > Math.cos((20 / 180) * Math.PI) - 1e-6, `${cosine}`);
  }
});

test('a factor of each sensor, and noise of a size', () => {
  const [before, scaled] = [made(), changed({ scale: 0.2 })];
  const ratios = [0, 1].map((sensor) => vector(scaled, sensor, 5)[0]! / vector(before, sensor, 5)[0]!);
  assert.ok(ratios[0] !== ratios[1]);
  for (let i = 0; i < samples; i++)
    for (const sensor of [0, 1])
      assert.ok(
        Math.abs(vector(scaled, sensor, i)[1]! - ratios[sensor]! * vector(before, sensor, i)[1]!) < 1e-5,
      );
  const noisy = changed({ noise: 0.1 });
  const deviation = Math.sqrt(noisy.reduce((sum, x, i) => sum + (x - before[i]!) ** 2, 0) / noisy.length);
  assert.ok(deviation > 0.08 && deviation < 0.12, `${deviation}`);
});

test('the same numbers of the same seed; nothing without options; odd channels are refused', () => {
  const all = { rotation: 10, scale: 0.1, noise: 0.01 };
  assert.deepEqual(changed(all), changed(all));
  assert.notDeepEqual(changed(all), changed(all, 2));
  for (const [i, value] of changed({}).entries()) assert.ok(Math.abs(value - made()[i]!) < 1e-6);
  const signal = new Float32Array(8);
  assert.throws(() => augmentSignal(signal, 4, { rotation: 5 }, new HostRandom(1)), OptionError);
});

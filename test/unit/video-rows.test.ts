import assert from 'node:assert/strict';
import { it } from 'node:test';
import type { Signal } from '../../src/datasets/video-dataset.js';
import { OptionError } from '../../src/errors.js';
import { signalWindow } from '../../src/models/common/video-rows.js';

/** Four samples of two channels. */
const signalOf = (rate: number): Signal => ({
  channels: ['x', 'y'],
  rate,
  duration: 4 / rate,
  read: () => Float32Array.of(1, 2, 3, 4, 5, 6, 7, 8),
});
const window = (rate: number, needs: Parameters<typeof signalWindow>[1]) =>
  signalWindow(signalOf(rate), needs, [0, 1], () => 5);

it('a window of a signal has its channels one after the other, and zeros at its end', () => {
  const { values, length, samples } = window(50, { channels: 2 });
  assert.deepEqual([...values], [1, 3, 5, 7, 0, 2, 4, 6, 8, 0]);
  assert.deepEqual([length, samples], [5, 4]);
});

it('a signal of another rate is refused, but not for the jitter of a clock', () => {
  window(50.6, { channels: 2, rate: 50 });
  window(100, { channels: 2 });
  assert.throws(
    () => window(100, { channels: 2, rate: 50 }),
    (error) =>
      error instanceof OptionError && /reads 50 samples a second, the signal has 100/.test(error.message),
  );
});

it('a signal of other channels is refused', () => {
  assert.throws(() => window(50, { channels: 3 }), /reads 3 channels, the signal has 2: x, y/);
});

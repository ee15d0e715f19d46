import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { cropRows, padRows } from '../../src/datasets/sampling/crop-rows.js';
import { normalizeRows } from '../../src/datasets/sampling/normalize-rows.js';
import { binRows, resampleRows } from '../../src/datasets/sampling/resample-rows.js';
import { withEndpoints } from '../../src/datasets/sampling/with-endpoints.js';
import type { ClipFeatures } from '../../src/datasets/video-dataset.js';
import { OptionError } from '../../src/errors.js';

/** Row i holds i and -i; rows are 2 s apart and 3 s long. */
const clips = (steps: number): ClipFeatures => ({
  steps,
  channels: 2,
  data: Float32Array.from({ length: 2 * steps }, (_, i) => (i % 2 === 0 ? i / 2 : -(i - 1) / 2)),
  stride: 2,
  window: 3,
});
const rowNumbers = ({ data, channels }: { data: Float32Array; channels: number }): number[] =>
  [...data].filter((_, i) => i % channels === 0);
const draw = { seed: 7, step: 3 };

test('a crop is rows in succession, with the time of the first; the same draw gives the same crop', () => {
  const starts = new Set<number>();
  for (let step = 0; step < 200; step++) {
    const crop = cropRows(clips(10), 4, { seed: 1, step });
    const [first] = rowNumbers(crop);
    starts.add(first!);
    assert.deepEqual(
      rowNumbers(crop),
      [0, 1, 2, 3].map((i) => first! + i),
    );
    assert.equal(crop.start, 2 * first!);
    assert.deepEqual(crop.mask, new Uint8Array(4).fill(1));
  }
  assert.deepEqual([...starts].sort(), [0, 1, 2, 3, 4, 5, 6]);
  assert.deepEqual(cropRows(clips(50), 4, draw), cropRows(clips(50), 4, draw));
  const inBatch = [0, 1, 2, 3, 4, 5].map((item) => cropRows(clips(1000), 4, { ...draw, item }).start);
  assert.equal(new Set(inBatch).size, 6);
  assert.deepEqual(rowNumbers(cropRows(clips(3), 4, draw)), [0, 1, 2]);
});

test('padding is zeros, which the mask tells', () => {
  const padded = padRows(clips(2), 4);
  assert.deepEqual([...padded.data], [0, -0, 1, -1, 0, 0, 0, 0]);
  assert.deepEqual([...padded.mask], [1, 1, 0, 0]);
  assert.equal(padded.steps, 4);
  assert.equal(padRows(clips(5), 4).steps, 5);
  for (const again of [
    () => cropRows(padded, 2, draw),
    () => resampleRows(padded, 2),
    () => binRows(padded, 2, 'mean'),
  ])
    assert.throws(again, (error) => error instanceof OptionError && /padded already/.test(error.message));
});

test('stratified resampling takes one row between the bounds of each stratum, the first for tests', () => {
  assert.deepEqual(rowNumbers(resampleRows(clips(10), 4)), [0, 2, 5, 7]);
  assert.deepEqual(rowNumbers(resampleRows(clips(3), 6)), [0, 0, 1, 1, 2, 2]);
  assert.equal(resampleRows(clips(10), 4).stride, 5);
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: 90 }),
      fc.integer({ min: 1, max: 60 }),
      fc.nat(99),
      (steps, length, step) => {
        const rows = rowNumbers(resampleRows(clips(steps), length, { seed: 5, step }));
        assert.equal(rows.length, length);
        for (const [i, row] of rows.entries()) {
          assert.ok(row >= Math.floor((i * steps) / length));
          assert.ok(row <= Math.min(steps - 1, Math.floor(((i + 1) * steps) / length)));
        }
      },
    ),
  );
  // Every row of a stratum is taken at times, the bound with the next one too.
  const taken = new Set<number>();
  for (let step = 0; step < 100; step++)
    taken.add(rowNumbers(resampleRows(clips(9), 3, { seed: 5, step }))[1]!);
  assert.deepEqual([...taken].sort(), [3, 4, 5, 6]);
});

/** `average_to_fixed_length` of 2D-TAN, whose bounds are min(round(arange(n + 1) / n * L), L - 1). */
test('bins are those of 2D-TAN: means, or middle rows', () => {
  // torch.round(torch.arange(0, 5, 1.0) / 4 * 10) is [0, 2, 5, 8, 10]: halves go to even.
  assert.deepEqual(rowNumbers(binRows(clips(10), 4, 'mean')), [0.5, 3, 6, 8]);
  assert.deepEqual(rowNumbers(binRows(clips(10), 4, 'middle')), [1, 3, 6, 8]);
  // torch.round(torch.arange(0, 9, 1.0) / 8 * 4) is [0, 0, 1, 2, 2, 2, 3, 4, 4].
  assert.deepEqual(rowNumbers(binRows(clips(4), 8, 'mean')), [0, 0, 1, 2, 2, 2, 3, 3]);
  assert.deepEqual(rowNumbers(binRows(clips(1), 3, 'middle')), [0, 0, 0]);
  const { stride, window } = binRows(clips(10), 4, 'mean');
  assert.deepEqual([stride, window], [5, 5]);
});

test('rows of length 1; a row of zeros stays one', () => {
  const { data } = normalizeRows({ steps: 2, channels: 2, data: Float32Array.of(3, 4, 0, 0) });
  assert.deepEqual(data, Float32Array.of(0.6, 0.8, 0, 0));
});

test('temporal endpoints are those of the rows that are not padding', () => {
  const { channels, data } = withEndpoints(padRows(clips(4), 5));
  assert.equal(channels, 4);
  const ends = [...data].filter((_, i) => i % 4 > 1);
  assert.deepEqual(ends, [0, 0.25, 0.25, 0.5, 0.5, 0.75, 0.75, 1, 0, 0]);
  assert.deepEqual([...data.subarray(4, 6)], [1, -1]);
});

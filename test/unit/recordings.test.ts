import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import fc from 'fast-check';
import { openRecordings } from '../../src/data/formats/recordings.js';
import { FileAccessError, FileFormatError, OptionError } from '../../src/errors.js';
import { damaged } from '../support/damage.js';
import {
  type RecordingsHeader,
  recordingsHeader,
  recordingsSignal,
  writeRecordings,
} from '../support/recordings.js';
import { missing, sharedData } from '../support/shared-data.js';

const root = mkdtempSync(join(tmpdir(), 'recordings-'));
after(() => rmSync(root, { recursive: true }));
const folder = join(root, 'folder');

test('recordings by name, with their splits, lengths and segments in seconds', async () => {
  const { rate, channels, byName } = await openRecordings(writeRecordings(folder));
  assert.equal(rate, 10);
  assert.deepEqual(channels, ['acc_x', 'gyro_x']);
  assert.deepEqual([...byName.keys()], ['exp01_user02', 'exp13_user02']);
  const [first, second] = [...byName.values()];
  assert.equal(first!.split, 'train');
  assert.equal(first!.duration, 2);
  assert.deepEqual(first!.segments, [
    { label: 'WALKING', segment: [0, 1] },
    { label: 'SITTING', segment: [1, 2] },
  ]);
  assert.equal(second!.split, 'validation');
});

test('the signal of a span is its samples in physical units', async () => {
  const { byName } = await openRecordings(writeRecordings(folder));
  const second = byName.get('exp13_user02')!;
  // Samples 22 and 23 of the file.
  assert.deepEqual(second.signal(0.2, 0.4), Float32Array.of(11, -5.5, 11.5, -5.75));
  assert.equal(second.signal(0, 1).length, 20);
  assert.equal(second.signal(0.5, 0.5).length, 0);
  // 0.3 is a little less than three tenths: bounds are the nearest samples.
  assert.deepEqual(second.signal(0.1 + 0.2, 0.4), Float32Array.of(11.5, -5.75));
  for (const [start, end] of [
    [-0.1, 0.5],
    [0, 1.1],
    [0.6, 0.5],
    [0, Number.NaN],
  ]) {
    assert.throws(() => second.signal(start!, end!), OptionError);
  }
});

const faults: [what: string, change: (header: RecordingsHeader) => unknown, message: RegExp][] = [
  ['no rate', (h) => (h.rate_hz = 0), /rate_hz is 0/],
  ['a factor too few', (h) => h.scale.pop(), /scale/],
  ['a channel without a factor', (h) => h.channels.push('acc_y'), /scale/],
  [
    'rows of another size',
    (h) => {
      h.channels.pop();
      h.scale.pop();
    },
    /copy it again/,
  ],
  ['a recording beyond the file', (h) => (h.recordings[1]!.samples = 11), /copy it again/],
  ['samples of no recording', (h) => h.recordings.pop(), /copy it again/],
  ['overlapping recordings', (h) => (h.recordings[1]!.offset = 19), /offset is 19/],
  ['a recording of no length', (h) => (h.recordings[1]!.samples = 0), /samples/],
  ['a broken number of samples', (h) => (h.recordings[1]!.samples = 9.5), /an integer/],
  ['a segment that ends before it starts', (h) => (h.recordings[0]!.segments[0] = [1, 5, 4]), /\[5, 4\)/],
  ['a segment beyond its recording', (h) => (h.recordings[0]!.segments[0] = [1, 5, 21]), /of 20 samples/],
  ['a segment of an unknown class', (h) => (h.recordings[0]!.segments[0] = [3, 5, 6]), /class 3 of 2/],
  ['a segment of no class', (h) => (h.recordings[0]!.segments[0] = [0, 5, 6]), /class 0 of 2/],
  ['the same name twice', (h) => (h.recordings[1]!.exp = 1), /exp01_user02 occurs twice/],
  ['no split', (h) => (h.recordings[1]!.split = ''), /split/],
];
for (const [what, change, message] of faults) {
  test(`refuses ${what}`, async () => {
    const header = recordingsHeader();
    change(header);
    await assert.rejects(
      openRecordings(writeRecordings(folder, header)),
      (error) => error instanceof FileFormatError && message.test(error.message),
    );
  });
}

test('refuses a signal that was cut, wherever that was', async () => {
  const signal = recordingsSignal();
  for (let length = 0; length < signal.length; length++) {
    writeRecordings(folder, recordingsHeader(), signal.slice(0, length));
    await assert.rejects(openRecordings(folder), FileFormatError);
  }
});

test('a damaged header ends in a FileFormatError, or is read', async () => {
  const header = new TextEncoder().encode(JSON.stringify(recordingsHeader()));
  await fc.assert(
    fc.asyncProperty(damaged(header), async (bytes) => {
      await openRecordings(writeRecordings(folder, bytes)).catch((error) => {
        assert.ok(error instanceof FileFormatError, `${error}`);
      });
    }),
  );
});

test('says what a folder lacks', async () => {
  const empty = join(root, 'empty');
  mkdirSync(empty);
  await assert.rejects(openRecordings(empty), FileAccessError);
  await assert.rejects(openRecordings(join(root, 'absent')), FileAccessError);
  writeFileSync(join(empty, 'alone_i16.bin'), recordingsSignal());
  await assert.rejects(openRecordings(empty), /alone\.json/);
});

test('the recordings of HAPT', { skip: missing('hapt') }, async () => {
  const { rate, channels, byName } = await openRecordings(sharedData('hapt'));
  assert.equal(rate, 50);
  assert.equal(channels.length, 6);
  const recordings = [...byName.values()];
  assert.equal(recordings.filter(({ split }) => split === 'train').length, 43);
  assert.equal(recordings.filter(({ split }) => split === 'validation').length, 10);
  for (const { segments, duration, signal } of recordings) {
    assert.equal(signal(0, duration).length, Math.round(duration * rate) * 6);
    for (const { label, segment } of segments) {
      if (label !== 'STANDING') continue;
      const still = signal(...segment);
      // Gravity is 1 g whatever the way the phone hangs.
      let gravity = 0;
      for (let i = 0; i < still.length; i += 6) {
        gravity += Math.hypot(still[i]!, still[i + 1]!, still[i + 2]!) / (still.length / 6);
      }
      assert.ok(Math.abs(gravity - 1) < 0.1, `${gravity} g`);
    }
  }
});

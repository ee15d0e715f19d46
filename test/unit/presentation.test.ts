import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { bytesSource } from '../../src/data/files/byte-source.js';
import { type Edit, readEditLists } from '../../src/data/video/edit-list.js';
import { type CodedFrame, shownFrames } from '../../src/data/video/presentation.js';
import { FileFormatError } from '../../src/errors.js';

const group = { time: 0, index: 0 };
/** Ten frames, one a second. */
const frames: CodedFrame[] = Array.from({ length: 10 }, (_, time) => ({ time, group }));
const edit = (shownAt: number, start: number, duration = Infinity, still = false): Edit => ({
  ...{ shownAt, start, duration, still },
});
const shown = (...given: Parameters<typeof shownFrames>) =>
  shownFrames(...given).map(({ seconds, time }) => [seconds, time]);

describe('what an edit list shows', () => {
  it('is everything where there is none', () => {
    assert.deepEqual(
      shown(frames),
      frames.map(({ time }) => [time, time]),
    );
  });

  it('begins and ends within the track', () => {
    assert.deepEqual(shown(frames, [edit(0, 7, 2)]), [
      [0, 7],
      [1, 8],
    ]);
  });

  it('begins with the frame that is on the screen', () => {
    assert.deepEqual(shown(frames, [edit(0, 7.5)]), [
      [0, 7],
      [0.5, 8],
      [1.5, 9],
    ]);
  });

  it('may come after a pause', () => {
    assert.deepEqual(shown(frames, [edit(2, 8)]), [
      [2, 8],
      [3, 9],
    ]);
  });

  it('may have several chunks, in any order, and stills', () => {
    assert.deepEqual(shown(frames, [edit(0, 8, 2), edit(2, 1, 2), edit(4, 5, 3, true)]), [
      [0, 8],
      [1, 9],
      [2, 1],
      [3, 2],
      [4, 5],
    ]);
  });

  it('knows what was taken off the times of the track', () => {
    const shifted = frames.map(({ time }) => ({ time: time - 7, group }));
    assert.deepEqual(shown(shifted, [edit(0, 7)], 7), [
      [0, 0],
      [1, 1],
      [2, 2],
    ]);
  });
});

describe('reading edit lists', () => {
  const u32 = (...values: number[]) =>
    values.flatMap((value) => [24, 16, 8, 0].map((by) => (value >>> by) & 255));
  const u64 = (value: number) => u32(Math.floor(value / 2 ** 32), value);
  const box = (type: string, ...content: number[][]): number[] => {
    const bytes = content.flat();
    return [...u32(8 + bytes.length), ...Buffer.from(type, 'latin1'), ...bytes];
  };
  const movie = (version: 0 | 1, edits: number[][]) => {
    const wide = version === 1;
    const full = u32(version * 2 ** 24);
    const clock = (scale: number) =>
      wide ? [full, u64(0), u64(0), u32(scale), u64(0)] : [full, u32(0, 0, scale, 0)];
    const entries = edits.flatMap(([duration, start, rate]) => [
      ...(wide ? [...u64(duration!), ...(start! < 0 ? u32(-1, -1) : u64(start!))] : u32(duration!, start!)),
      ...u32(rate! * 2 ** 16),
    ]);
    return Uint8Array.from([
      ...box('ftyp', u32(0, 0)),
      ...box(
        'moov',
        box('mvhd', ...clock(1000)),
        box(
          'trak',
          box('tkhd', full, ...(wide ? [u64(0), u64(0)] : [u32(0, 0)]), u32(7)),
          box('edts', box('elst', full, u32(edits.length), entries)),
          box('mdia', box('mdhd', ...clock(100))),
        ),
      ),
    ]);
  };

  for (const version of [0, 1] as const) {
    it(`of version ${version}`, async () => {
      const bytes = movie(version, [
        [2000, -1, 1],
        [3000, 450, 1],
        [1000, 100, 0],
        [0, 200, 1],
      ]);
      const lists = await readEditLists(bytesSource(bytes, 'x.mp4'));
      assert.deepEqual([...lists.keys()], [7]);
      assert.deepEqual(lists.get(7), {
        edits: [edit(2, 4.5, 3), edit(5, 1, 1, true), edit(6, 2)],
        end: Infinity,
        shift: 2.5,
      });
    });
  }

  it('refuses a file that ends within a box', async () => {
    const bytes = movie(0, [[1000, 0, 1]]);
    await assert.rejects(readEditLists(bytesSource(bytes.subarray(0, -1), 'x.mp4')), FileFormatError);
    assert.equal((await readEditLists(bytesSource(Uint8Array.of(1, 2, 3, 4, 5, 6, 7, 8), 'x'))).size, 0);
  });
});

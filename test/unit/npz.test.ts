import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { test } from 'node:test';
import fc from 'fast-check';
import { zipSync } from 'fflate';
import { toFloat32 } from '../../src/data/array.js';
import { writeNpy } from '../../src/data/npy.js';
import { readNpz } from '../../src/data/npz.js';
import { FileFormatError } from '../../src/errors.js';
import { damaged } from '../support/damage.js';
import { missing, sharedData } from '../support/shared-data.js';

/** numpy.savez and numpy.savez_compressed of {features: arange(6).reshape(2, 3)}, "~" as in npy.test.ts. */
const stored =
  'UEsDBC0AAAAAAAAAIQBP6QAq//////////8MABQAZmVhdHVyZXMubnB5AQAQAJgAAAAAAAAAmAAAAAAAAACTTlVNUFkBAHYAeydkZXNjcic6ICc8ZjQnLCAnZm9ydHJhbl9vcmRlcic6IEZhbHNlLCAnc2hhcGUnOiAoMiwgMyksIH0g~~ICAgICAgICAgCgAAAAAAAIA/AAAAQAAAQEAAAIBAAACgQFBLAQItAy0AAAAAAAAAIQBP6QAqmAAAAJgAAAAMAAAAAAAAAAAAAACAAQAAAABmZWF0dXJlcy5ucHlQSwUGAAAAAAEAAQA6AAAA1gAAAAAA';
const deflated =
  'UEsDBC0AAAAIAAAAIQBP6QAq//////////8MABQAZmVhdHVyZXMubnB5AQAQAJgAAAAAAAAAVQAAAAAAAACb7BfqGxDJyFDGUK2eklqcXKRupaBuk2airqOgnpZfVFKUmBefX5SSChJ3S8wpTgWKF2ckFqQC+RpGOgrGmjoKtQpkAy4GMGiwBxIOQATEDUC8wAEAUEsBAi0DLQAAAAgAAAAhAE/pACpVAAAAmAAAAAwAAAAAAAAAAAAAAIABAAAAAGZlYXR1cmVzLm5weVBLBQYAAAAAAQABADoAAACTAAAAAAA=';

const decode = (base64: string): Uint8Array =>
  Uint8Array.from(Buffer.from(base64.replaceAll('~', 'ICAg'.repeat(8)), 'base64'));

const zeros = writeNpy({ dtype: 'u8', shape: [100_000], data: new Uint8Array(100_000) });

/** The zip with one field of its (only) central directory entry overwritten. */
function withDirectoryField(zip: Uint8Array, field: number, value: number): Uint8Array {
  const copy = zip.slice();
  const view = new DataView(copy.buffer);
  const entry = view.getUint32(zip.length - 22 + 16, true);
  view.setUint32(entry + field, value, true);
  return copy;
}

const UNPACKED_SIZE = 24;
const PACKED_SIZE = 20;

const refuses = (bytes: Uint8Array, message: RegExp, options?: { maxBytes: number }) =>
  assert.rejects(
    readNpz(bytes, 'x.npz', options),
    (error) =>
      error instanceof FileFormatError && error.message.includes('x.npz') && message.test(error.message),
  );

test('reads what NumPy writes, stored and deflated', async () => {
  for (const base64 of [stored, deflated]) {
    const arrays = await readNpz(decode(base64), 'x.npz');
    assert.deepEqual([...arrays.keys()], ['features']);
    assert.deepEqual(arrays.get('features'), {
      dtype: 'f32',
      shape: [2, 3],
      data: Float32Array.of(0, 1, 2, 3, 4, 5),
    });
  }
});

test('skips members that are no arrays, and keeps the order', async () => {
  const array = writeNpy({ dtype: 'u8', shape: [1], data: Uint8Array.of(9) });
  const zip = zipSync({ 'b.npy': array, 'notes.txt': array, 'a.npy': array });
  assert.deepEqual([...(await readNpz(zip, 'x.npz')).keys()], ['b', 'a']);
});

test('refuses what is no zip, cut, or not an array inside', async () => {
  await refuses(new Uint8Array(), /not a zip/);
  await refuses(new Uint8Array(500), /not a zip/);
  await refuses(decode(stored).subarray(0, 250), /not a zip/);
  await refuses(
    zipSync({ 'a.npy': new TextEncoder().encode('text, not an array') }),
    /x\.npz\/a\.npy is not a \.npy/,
  );
});

test('refuses lies about sizes without unpacking them', async () => {
  const zip = zipSync({ 'a.npy': zeros });
  await refuses(withDirectoryField(zip, UNPACKED_SIZE, 0xffff_fff0), /claims 4294967280 bytes/);
  await refuses(
    withDirectoryField(zip, UNPACKED_SIZE, zeros.length + 1),
    /100064 .* 100065 are announced|holds 100/,
  );
  await refuses(
    withDirectoryField(zip, UNPACKED_SIZE, zeros.length - 1),
    /takes 100000 bytes, the file holds 99/,
  );
  await refuses(withDirectoryField(zip, PACKED_SIZE, 0xffff_fff0), /claims/);
});

test('refuses to unpack more than the limit', async () => {
  await refuses(zipSync({ 'a.npy': zeros, 'b.npy': zeros }), /more than 150000/, { maxBytes: 150_000 });
});

test('damaged archives give arrays or a FileFormatError, never another error', async () => {
  await fc.assert(
    fc.asyncProperty(damaged(decode(deflated)), async (bytes) => {
      try {
        await readNpz(bytes, 'x.npz', { maxBytes: 1 << 20 });
      } catch (error) {
        assert.ok(error instanceof FileFormatError, String(error));
      }
    }),
    { numRuns: 2000 },
  );
});

test('reads real CLIP features', { skip: missing('univtg_charades_Y1HGC') }, async () => {
  for (const [file, dtype, shape] of [
    ['vid_clip_vitb32.npz', 'f32', [15, 512]],
    ['txt_clip_vitb32.npz', 'f16', [12, 512]],
  ] as const) {
    const path = sharedData(`univtg_charades_Y1HGC/${file}`);
    const features = (await readNpz(await readFile(path), path)).get('features')!;
    assert.equal(features.dtype, dtype);
    assert.deepEqual(features.shape, shape);
    assert.ok(toFloat32(features).every(Number.isFinite));
  }
});

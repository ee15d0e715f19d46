import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { test } from 'node:test';
import fc from 'fast-check';
import { Zip, ZipDeflate, ZipPassThrough, zipSync } from 'fflate';
import { toFloat32 } from '../../src/data/formats/array.js';
import { writeNpy } from '../../src/data/formats/npy.js';
import { type NpzOptions, readNpz } from '../../src/data/formats/npz.js';
import { FileFormatError } from '../../src/errors.js';
import { damaged } from '../support/damage.js';
import { missing, sharedData } from '../support/shared-data.js';

/** numpy.savez and numpy.savez_compressed of {features: arange(6).reshape(2, 3)}, "~" as in npy.test.ts. */
const stored =
  'UEsDBC0AAAAAAAAAIQBP6QAq//////////8MABQAZmVhdHVyZXMubnB5AQAQAJgAAAAAAAAAmAAAAAAAAACTTlVNUFkBAHYAeydkZXNjcic6ICc8ZjQnLCAnZm9ydHJhbl9vcmRlcic6IEZhbHNlLCAnc2hhcGUnOiAoMiwgMyksIH0g~~ICAgICAgICAgCgAAAAAAAIA/AAAAQAAAQEAAAIBAAACgQFBLAQItAy0AAAAAAAAAIQBP6QAqmAAAAJgAAAAMAAAAAAAAAAAAAACAAQAAAABmZWF0dXJlcy5ucHlQSwUGAAAAAAEAAQA6AAAA1gAAAAAA';
const deflated =
  'UEsDBC0AAAAIAAAAIQBP6QAq//////////8MABQAZmVhdHVyZXMubnB5AQAQAJgAAAAAAAAAVQAAAAAAAACb7BfqGxDJyFDGUK2eklqcXKRupaBuk2airqOgnpZfVFKUmBefX5SSChJ3S8wpTgWKF2ckFqQC+RpGOgrGmjoKtQpkAy4GMGiwBxIOQATEDUC8wAEAUEsBAi0DLQAAAAgAAAAhAE/pACpVAAAAmAAAAAwAAAAAAAAAAAAAAIABAAAAAGZlYXR1cmVzLm5weVBLBQYAAAAAAQABADoAAACTAAAAAAA=';

/**
 * numpy.savez_compressed of {feature: arange(6, 'f4').reshape(2, 3), frame_cnt: 7, video_name: 'vid', tags: [b'ab', b'c'],
 * meta: array({'a': 1}, object), rows: array([(1, 2)], [("it's (a)", '<f4'), ('True', '<i4')]), z: [1 + 2j]}.
 */
const mixed =
  'UEsDBC0AAAAIAAAAIQBP6QAq//////////8LABQAZmVhdHVyZS5ucHkBABAAmAAAAAAAAABVAAAAAAAAAJvsF+obEMnIUMZQrZ6SWpxcpG6loG6TZqKuo6Cell9UUpSYF59flJIKEndLzClOBYoXZyQWpAL5GkY6CsaaOgq1CmQDLgYwaLAHEg5ABMQNQLzAAQBQSwMELQAAAAgAAAAhACO48Gz//////////w0AFABmcmFtZV9jbnQubnB5AQAQAIgAAAAAAAAARgAAAAAAAACb7BfqGxDJyFDGUK2eklqcXKRupaBuk2mhrqOgnpZfVFKUmBefX5SSChJ3S8wpTgWKF2ckFqQC+RqaOgq1ChQBLnYGCAAAUEsDBC0AAAAIAAAAIQAdfhx6//////////8OABQAdmlkZW9fbmFtZS5ucHkBABAAjAAAAAAAAABLAAAAAAAAAJvsF+obEMnIUMZQrZ6SWpxcpG6loG4Taqyuo6Cell9UUpSYF59flJIKEndLzClOBYoXZyQWpAL5Gpo6CrUKFAGuMgYGhkwgTgFiAFBLAwQtAAAACAAAACEAtjXx1///////////CAAUAHRhZ3MubnB5AQAQAIQAAAAAAAAASAAAAAAAAACb7BfqGxDJyFDGUK2eklqcXKRupaBeE2ykrqOgnpZfVFKUmBefX5SSChJ3S8wpTgWKF2ckFqQC+RpGOpo6CrUKFACuxKRkBgBQSwMELQAAAAgAAAAhAF75r2f//////////wgAFABtZXRhLm5weQEAEAAaAQAAAAAAAMMAAAAAAAAApYoxC4JAGIa9TIJobnY7hXCOloagIckiaGgIOfWioFS+OwOpoCUqOGjw6/eW6U/oGV543/cpvOV0viLaUTvRiIsQ6MCk5xntmXSTgAQW+wlE/DeP2V7wchdblvKyW3bPvJj/0b423y+tRnXj7JDmjh8mwJ1Dtpc7BsByVB0feJjEQkIWSixQGZWJqhVHtVKgq91wRAK84wItl9hbXRmRzFP+8xuzPj4f9aUrckbP8yafkircocTgucYLKsLQJYKV3fkCUEsDBC0AAAAIAAAAIQAnndSJ//////////8IABQAcm93cy5ucHkBABAAiAAAAAAAAABoAAAAAAAAAJvsF+obEMnIUMZQrZ6SWpxcpG6lEK2hlFmiXqygkaippKOgbpNmoq6po6ChHlJUmqoOEsgECsQCGWn5RSVFiXnx+UUpqSCNbok5xalA8eKMxIJUIF/DUAeosVYBN+BiYGiwZ2JgYAAAUEsDBC0AAAAIAAAAIQBQP3Lg//////////8FABQAei5ucHkBABAAkAAAAAAAAABNAAAAAAAAAJvsF+obEMnIUMZQrZ6SWpxcpG6loG6TbGimrqOgnpZfVFKUmBefX5SSCpJwS8wpTgWKF2ckFqQC+RqGOpo6CrUK5AMuBjD4YA+hGRwAUEsBAi0DLQAAAAgAAAAhAE/pACpVAAAAmAAAAAsAAAAAAAAAAAAAAIABAAAAAGZlYXR1cmUubnB5UEsBAi0DLQAAAAgAAAAhACO48GxGAAAAiAAAAA0AAAAAAAAAAAAAAIABkgAAAGZyYW1lX2NudC5ucHlQSwECLQMtAAAACAAAACEAHX4ceksAAACMAAAADgAAAAAAAAAAAAAAgAEXAQAAdmlkZW9fbmFtZS5ucHlQSwECLQMtAAAACAAAACEAtjXx10gAAACEAAAACAAAAAAAAAAAAAAAgAGiAQAAdGFncy5ucHlQSwECLQMtAAAACAAAACEAXvmvZ8MAAAAaAQAACAAAAAAAAAAAAAAAgAEkAgAAbWV0YS5ucHlQSwECLQMtAAAACAAAACEAJ53UiWgAAACIAAAACAAAAAAAAAAAAAAAgAEhAwAAcm93cy5ucHlQSwECLQMtAAAACAAAACEAUD9y4E0AAACQAAAABQAAAAAAAAAAAAAAgAHDAwAAei5ucHlQSwUGAAAAAAcABwCFAQAARwQAAAAA';

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

const refuses = (bytes: Uint8Array, message: RegExp, options?: NpzOptions) =>
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

test('reads the numbers beside texts, objects and structures, which are told and are refused when asked for', async () => {
  const skipped = new Map<string, string>();
  const arrays = await readNpz(decode(mixed), 'x.npz', {
    onSkipped: (member, reason) => skipped.set(member, reason),
  });
  assert.deepEqual([...arrays.keys()], ['feature', 'frame_cnt']);
  assert.deepEqual(arrays.get('frame_cnt'), { dtype: 'i64', shape: [], data: BigInt64Array.of(7n) });
  const kinds: [member: string, reason: RegExp][] = [
    ['video_name', /^text \(dtype '<U3'\)$/],
    ['tags', /^byte strings \(dtype '\|S2'\)$/],
    ['meta', /^Python objects \(dtype '\|O'\)$/],
    ['rows', /^a structured dtype \[\["it's \(a\)","<f4"\],\["True","<i4"\]\]$/],
    ['z', /^complex numbers \(dtype '<c16'\)$/],
  ];
  assert.deepEqual(
    [...skipped.keys()],
    kinds.map(([member]) => member),
  );
  for (const [member, reason] of kinds) {
    assert.match(skipped.get(member)!, reason);
    await refuses(decode(mixed), new RegExp(`x\\.npz/${member}\\.npy holds `), { names: [member] });
  }
});

test('reads the named arrays alone, whatever the others are', async () => {
  const named = await readNpz(decode(mixed), 'x.npz', { names: ['feature'] });
  assert.deepEqual([...named.keys()], ['feature']);
  const text = new TextEncoder().encode('text, not an array');
  const one = writeNpy(Uint8Array.of(9));
  assert.equal((await readNpz(zipSync({ 'a.npy': text, 'b.npy': one }), 'x.npz', { names: ['b'] })).size, 1);
  await refuses(decode(mixed), /holds no array rgb, only feature, frame_cnt, video_name/, { names: ['rgb'] });
});

test('what macOS puts beside files is no array; arrays in folders have names with the folder', async () => {
  const one = writeNpy(Uint8Array.of(9));
  const finder = Uint8Array.of(0, 5, 22, 7, 0, 2, 0, 0, 77, 97, 99);
  const zip = zipSync({
    'video/': new Uint8Array(),
    'video/rgb.npy': one,
    '__MACOSX/video/._rgb.npy': finder,
    '._flow.npy': finder,
    'flow.npy': one,
  });
  assert.deepEqual([...(await readNpz(zip, 'x.npz')).keys()], ['video/rgb', 'flow']);
});

/** Streams an archive, so that sizes stand in data descriptors after the members. */
function streamed(members: Record<string, Uint8Array>): Uint8Array {
  const chunks: Uint8Array[] = [];
  const zip = new Zip((error, chunk) => {
    if (error) throw error;
    chunks.push(chunk);
  });
  for (const [name, bytes] of Object.entries(members)) {
    const member = name.startsWith('stored') ? new ZipPassThrough(name) : new ZipDeflate(name);
    zip.add(member);
    member.push(bytes, true);
  }
  zip.end();
  return Buffer.concat(chunks);
}

/** An archive of one stored member with all sizes and offsets of the central directory in the fields of zip64. */
function zip64(name: string, content: Uint8Array): Uint8Array {
  const plain = zipSync({ [name]: content }, { level: 0 });
  const end = plain.length - 22;
  const directory = new DataView(plain.buffer).getUint32(end + 16, true);
  const entry = plain.slice(directory, end);
  const fields = new DataView(entry.buffer);
  for (const field of [20, 24, 42]) fields.setUint32(field, 0xffff_ffff, true);
  fields.setUint16(30, 28, true);
  const tail = new DataView(new ArrayBuffer(28 + 56 + 20 + 22));
  const u64 = (at: number, value: number) => tail.setBigUint64(at, BigInt(value), true);
  tail.setUint16(0, 1, true);
  tail.setUint16(2, 24, true);
  u64(4, content.length);
  u64(12, content.length);
  u64(20, 0);
  // The end of the directory of zip64, where it is, and the end of the plain one.
  tail.setUint32(28, 0x0606_4b50, true);
  u64(32, 44);
  u64(52, 1);
  u64(60, 1);
  u64(68, entry.length + 28);
  u64(76, directory);
  tail.setUint32(84, 0x0706_4b50, true);
  u64(92, directory + entry.length + 28);
  tail.setUint32(100, 1, true);
  tail.setUint32(104, 0x0605_4b50, true);
  for (const field of [112, 114]) tail.setUint16(field, 0xffff, true);
  for (const field of [116, 120]) tail.setUint32(field, 0xffff_ffff, true);
  return Buffer.concat([plain.subarray(0, directory), entry, new Uint8Array(tail.buffer)]);
}

test('reads archives with data descriptors and with sizes in the fields of zip64', async () => {
  const array = { dtype: 'f32', shape: [2], data: Float32Array.of(1, 2) } as const;
  const bytes = writeNpy(array);
  const zip = streamed({ 'stored.npy': bytes, 'deflated.npy': bytes });
  assert.deepEqual(
    [...(await readNpz(zip, 'x.npz'))],
    [
      ['stored', array],
      ['deflated', array],
    ],
  );
  assert.deepEqual([...(await readNpz(zip64('a.npy', bytes), 'x.npz'))], [['a', array]]);
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
    /takes 100000 bytes, the file holds 99|damaged/,
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

test('refuses arrays whose bytes are not those that were written', async () => {
  const changed = decode(stored);
  // The last of the six numbers.
  const number = Buffer.from(changed).indexOf(Buffer.from(Float32Array.of(5).buffer));
  changed[number]! ^= 1;
  await refuses(changed, /features\.npy is damaged \(CRC-32\)/);
});

test('refuses an archive after other bytes', async () => {
  await refuses(Buffer.concat([Buffer.from('#!/bin/sh\n'), decode(stored)]), /no central directory/);
});

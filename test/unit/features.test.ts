import assert from 'node:assert/strict';
import { mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { zipSync } from 'fflate';
import { loadClassNames } from '../../src/data/annotations/class-names.js';
import type { NumericArray } from '../../src/data/formats/array.js';
import { loadFeatures } from '../../src/data/formats/features.js';
import { writeNpy } from '../../src/data/formats/npy.js';
import { encodeSafetensors } from '../../src/data/formats/safetensors.js';
import { DtypeError, FileAccessError, FileFormatError, OptionError, ShapeError } from '../../src/errors.js';
import { missing, sharedData } from '../support/shared-data.js';

const folder = await mkdtemp(join(tmpdir(), 'features-'));
after(() => rm(folder, { recursive: true }));

async function save(name: string, content: NumericArray | Uint8Array | string): Promise<string> {
  const path = join(folder, name);
  await writeFile(
    path,
    typeof content === 'string' || content instanceof Uint8Array ? content : writeNpy(content),
  );
  return path;
}

const f32 = (shape: number[], ...values: number[]): NumericArray => ({
  dtype: 'f32',
  shape,
  data: Float32Array.from(values),
});

test('joins files along the channels, whatever their format and precision', async () => {
  const rgb = await save('rgb.npy', f32([2, 2], 1, 2, 3, 4));
  const halves = writeNpy({ dtype: 'f16', shape: [1, 2, 1], data: Uint16Array.of(0x4500, 0x4600) });
  const flow = await save('flow.npz', zipSync({ 'feature.npy': halves, 'fps.npy': writeNpy(f32([], 25)) }));
  const audio = await save(
    'audio.safetensors',
    encodeSafetensors({ x: { dtype: 'f64', shape: [2, 1], data: Float64Array.of(7, 8) } }),
  );
  assert.deepEqual(await loadFeatures([rgb, flow, audio]), {
    steps: 2,
    channels: 4,
    data: Float32Array.of(1, 2, 5, 7, 3, 4, 6, 8),
  });
});

test('an array can be named', async () => {
  const zip = await save(
    'two.npz',
    zipSync({ 'rgb.npy': writeNpy(f32([1, 1], 1)), 'flow.npy': writeNpy(f32([1, 1], 2)) }),
  );
  assert.deepEqual((await loadFeatures([`${zip}#flow`])).data, Float32Array.of(2));
  await assert.rejects(loadFeatures([zip]), /rgb \[1, 1\], flow \[1, 1\].*#NAME/);
  await assert.rejects(loadFeatures([`${zip}#audio`]), /no array audio/);
});

const text = (code: string) => npyOf(`'<U${code.length}'`, new Uint8Array(4 * code.length));

/** A .npy of one element of any dtype. */
function npyOf(descr: string, data: Uint8Array): Uint8Array {
  const header = `{'descr': ${descr}, 'fortran_order': False, 'shape': (), }\n`;
  const start = Uint8Array.of(0x93, ...new TextEncoder().encode('NUMPY'), 1, 0, header.length, 0);
  return Buffer.concat([start, new TextEncoder().encode(header), data]);
}

const objects = npyOf("'|O'", Uint8Array.of(0x80, 4, 0x4e, 0x2e));

test('the only array that can be features is taken, whatever else is in the file', async () => {
  const beside = {
    'video_name.npy': text('clip'),
    'meta.npy': objects,
    'frame_cnt.npy': writeNpy({ dtype: 'i64', shape: [], data: BigInt64Array.of(9n) }),
    'rate.npy': writeNpy(f32([], 25)),
    'times.npy': writeNpy(f32([2], 0, 1)),
    'mask.npy': writeNpy({ dtype: 'bool', shape: [2, 1], data: Uint8Array.of(1, 1) }),
    'empty.npy': writeNpy(f32([0, 4])),
    'frames.npy': writeNpy(new Float32Array(12), [2, 3, 2]),
    '__MACOSX/._feature.npy': Uint8Array.of(0, 5, 22, 7),
  };
  const zip = await save('cmcs.npz', zipSync({ ...beside, 'feature.npy': writeNpy(f32([2, 1], 5, 6)) }));
  const skipped: string[] = [];
  const onSkipped = (array: string, kind: string) => skipped.push(`${array}: ${kind}`);
  assert.deepEqual((await loadFeatures([zip], { onSkipped })).data, Float32Array.of(5, 6));
  assert.deepEqual(skipped, [
    `${zip}#video_name: text (dtype '<U4')`,
    `${zip}#meta: Python objects (dtype '|O')`,
  ]);
  skipped.length = 0;
  assert.deepEqual((await loadFeatures([`${zip}#feature`], { onSkipped })).data, Float32Array.of(5, 6));
  assert.deepEqual(skipped, []);
  await assert.rejects(
    loadFeatures([`${zip}#meta`]),
    (error) => error instanceof FileFormatError && /meta\.npy holds Python objects/.test(error.message),
  );
  await assert.rejects(loadFeatures([`${zip}#video_name`]), /video_name\.npy holds text/);
  await assert.rejects(loadFeatures([`${zip}#mask`]), DtypeError);

  const none = await save('none.npz', zipSync(beside));
  await assert.rejects(
    loadFeatures([none]),
    /holds no floating-point array \[steps, channels\], only video_name \[\] of text .*mask \[2, 1\] of bool/,
  );
  const folders = await save(
    'folders.npz',
    zipSync({
      ...beside,
      'a/rgb.npy': writeNpy(f32([1, 1], 1)),
      'a/crops.npy': writeNpy(new Float32Array(10), [10, 1, 1]),
    }),
  );
  await assert.rejects(loadFeatures([folders]), /holds a\/rgb \[1, 1\], a\/crops \[10, 1, 1\]: name/);
  assert.deepEqual((await loadFeatures([`${folders}#a/rgb`])).data, Float32Array.of(1));
});

test('tensors of dtypes that are not read stand beside features in a safetensors file', async () => {
  const header = JSON.stringify({
    x: { dtype: 'F32', shape: [1, 1], data_offsets: [0, 4] },
    scales: { dtype: 'F8_E8M0', shape: [2, 2], data_offsets: [4, 8] },
  });
  const bytes = new Uint8Array(8 + header.length + 8);
  bytes[0] = header.length;
  bytes.set(new TextEncoder().encode(header), 8);
  const path = await save('float8.safetensors', bytes);
  assert.deepEqual((await loadFeatures([path])).data, Float32Array.of(0));
  await assert.rejects(loadFeatures([`${path}#scales`]), /F8_E8M0/);
});

test('of ten crops the mean is taken, or one', async () => {
  // Crop c of step t has the numbers 100 c + 10 t + channel.
  const data = Float32Array.from(
    { length: 60 },
    (_, i) => 100 * Math.floor(i / 6) + 10 * (Math.floor(i / 2) % 3) + (i % 2),
  );
  const crops = await save('crops.npy', { dtype: 'f32', shape: [10, 3, 2], data });
  const mean = { steps: 3, channels: 2, data: Float32Array.of(450, 451, 460, 461, 470, 471) };
  assert.deepEqual(await loadFeatures([crops]), mean);
  assert.deepEqual(await loadFeatures([crops], { crop: 'mean' }), mean);
  for (let crop = 0; crop < 10; crop++) {
    const { data } = await loadFeatures([crops], { crop });
    assert.deepEqual(
      data,
      Float32Array.of(0, 1, 10, 11, 20, 21).map((value) => value + 100 * crop),
    );
  }
  const halves = new Uint16Array(20).fill(0x3c00);
  const zip = await save(
    'crops.npz',
    zipSync({ 'f.npy': writeNpy({ dtype: 'f16', shape: [10, 1, 2], data: halves }) }),
  );
  assert.deepEqual((await loadFeatures([zip])).data, Float32Array.of(1, 1));

  for (const crop of [10, -1, 0.5, '3' as never, null as never]) {
    await assert.rejects(
      loadFeatures([crops], { crop }),
      (error) => error instanceof OptionError && /^loadFeatures: crop must be 'mean' or/.test(error.message),
    );
  }
  const flat = await save('uncropped.npy', f32([1, 1], 1));
  assert.equal((await loadFeatures([flat], { crop: 'mean' })).steps, 1);
  await assert.rejects(loadFeatures([flat], { crop: 0 }), /crop is 0, but .*\[1, 1\]: it has no 10 crops/);
  const last = await save('last.npy', f32([2, 10, 1], ...new Float32Array(20)));
  await assert.rejects(
    loadFeatures([last]),
    (error) => error instanceof ShapeError && /\[2, 10, 1\].*crops come first/.test(error.message),
  );
});

test('refuses features of other lengths, ranks, types, and empty ones', async () => {
  const two = await save('two.npy', f32([2, 1], 1, 2));
  const three = await save('three.npy', f32([3, 1], 1, 2, 3));
  await assert.rejects(loadFeatures([two, three]), (error) => {
    return error instanceof ShapeError && /two\.npy \[2, 1\], .*three\.npy \[3, 1\]/.test(error.message);
  });
  await assert.rejects(loadFeatures([await save('flat.npy', f32([2], 1, 2))]), ShapeError);
  await assert.rejects(loadFeatures([await save('empty.npy', f32([0, 4]))]), /is empty/);
  const integers = await save('i.npy', { dtype: 'i32', shape: [1, 1], data: Int32Array.of(1) });
  await assert.rejects(loadFeatures([integers]), DtypeError);
  await assert.rejects(loadFeatures([]), OptionError);
  await assert.rejects(loadFeatures(['video.mp4']), OptionError);
  await assert.rejects(loadFeatures([join(folder, 'absent.npy')]), FileAccessError);
  await mkdir(join(folder, 'folder.npy'));
  await assert.rejects(loadFeatures([join(folder, 'folder.npy')]), FileAccessError);
  await assert.rejects(loadFeatures([await save('text.npy', 'hello, this is text')]), FileFormatError);
});

test('says where a value is not finite', async () => {
  const nan = await save('nan.npy', f32([2, 3], 0, 0, 0, 0, Number.NaN, 0));
  await assert.rejects(loadFeatures([nan]), /NaN in row 1, column 1/);
  const wide = await save('wide.npy', { dtype: 'f64', shape: [1, 2], data: Float64Array.of(0, 1e300) });
  await assert.rejects(loadFeatures([wide]), /Infinity in row 0, column 1/);
});

test('class names come from a list, or from the list of an object that has the right length', async () => {
  const list = await save('list.json', '["a", "b"]');
  assert.deepEqual(await loadClassNames(list, 2), ['a', 'b']);
  const lists = await save('lists.json', '{"two": ["a", "b"], "one": ["c"], "rate": 25}');
  assert.deepEqual(await loadClassNames(lists, 1), ['c']);
  await assert.rejects(loadClassNames(lists, 3), /two: 2, one: 1, rate: not an array/);
  await assert.rejects(loadClassNames(await save('null.json', 'null'), 1), FileFormatError);
  await assert.rejects(loadClassNames(await save('twice.json', '[["a"], ["b"]]'), 1), FileFormatError);
});

test('loads what the feature extractor of CMCS saves', { skip: missing('../cases/npz') }, async () => {
  const paths = ['rgb', 'flow'].map((modality) => sharedData(`../cases/npz/video-${modality}.npz`));
  const features = await loadFeatures(paths);
  assert.deepEqual([features.steps, features.channels], [14, 2048]);
  assert.deepEqual(await loadFeatures(paths.map((path) => `${path}#feature`)), features);
});

for (const folder of ['tvsum', 'youtube_highlights', 'bmt_long_jump', 'univtg_charades_Y1HGC']) {
  test(`loads all features of ${folder}`, { skip: missing(folder) }, async () => {
    const files = await readdir(sharedData(folder), { recursive: true });
    const paths = files
      .filter((file) => /\.np[yz]$/.test(file))
      .map((file) => sharedData(`${folder}/${file}`));
    assert.ok(paths.length > 1);
    for (const path of paths) {
      // Beside the words of a query these hold the whole of it.
      const name = path.includes('query_features') ? `${path}#token` : path;
      const { steps, channels, data } = await loadFeatures([name]);
      assert.ok(data.length === steps * channels && steps > 0, path);
    }
  });
}

test('loads real I3D features', { skip: missing('bmt_long_jump') }, async () => {
  const paths = ['rgb', 'flow'].map((modality) =>
    sharedData(`bmt_long_jump/women_long_jump_${modality}.npy`),
  );
  const { steps, channels, data } = await loadFeatures(paths);
  assert.deepEqual([steps, channels], [14, 2048]);
  const mean = data.reduce((sum, value) => sum + value, 0) / data.length;
  assert.ok(Math.abs(mean - 0.13513462621924513) < 1e-6, `mean ${mean}`);
});

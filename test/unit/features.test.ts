import assert from 'node:assert/strict';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { zipSync } from 'fflate';
import type { NumericArray } from '../../src/data/array.js';
import { loadClassNames } from '../../src/data/class-names.js';
import { loadFeatures } from '../../src/data/features.js';
import { writeNpy } from '../../src/data/npy.js';
import { encodeSafetensors } from '../../src/data/safetensors.js';
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
  await assert.rejects(loadClassNames(lists, 3), /two: 2, one: 1, rate: no list/);
  await assert.rejects(loadClassNames(await save('null.json', 'null'), 1), FileFormatError);
  await assert.rejects(loadClassNames(await save('twice.json', '[["a"], ["b"]]'), 1), FileFormatError);
});

test('loads real I3D features', { skip: missing('bmt_long_jump') }, async () => {
  const paths = ['rgb', 'flow'].map((modality) =>
    sharedData(`bmt_long_jump/women_long_jump_${modality}.npy`),
  );
  const { steps, channels, data } = await loadFeatures(paths);
  assert.deepEqual([steps, channels], [14, 2048]);
  const mean = data.reduce((sum, value) => sum + value, 0) / data.length;
  assert.ok(Math.abs(mean - 0.13513462621924513) < 1e-6, `mean ${mean}`);
});

import assert from 'node:assert/strict';
import { copyFile, mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { after, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { zipSync } from 'fflate';
import { type NumericArray, toFloat32 } from '../../src/data/formats/array.js';
import type { ArrayFile } from '../../src/data/formats/array-file.js';
import { JsonRecord } from '../../src/data/formats/json-record.js';
import { writeNpy } from '../../src/data/formats/npy.js';
import { readNpyValues } from '../../src/data/formats/npy-values.js';
import { encodeSafetensors } from '../../src/data/formats/safetensors.js';
import { idIn } from '../../src/datasets/features/feature-files.js';
import type { FeatureSource } from '../../src/datasets/features/feature-source.js';
import { readFeatureSource } from '../../src/datasets/features/feature-source.js';
import { openFeatures } from '../../src/datasets/features/open-features.js';
import { OpenFiles } from '../../src/datasets/features/open-files.js';
import {
  FileAccessError,
  FileFormatError,
  OptionError,
  ReleasedError,
  ShapeError,
} from '../../src/errors.js';
import { hdf5Bytes } from '../support/hdf5.js';
import { missing, sharedData } from '../support/shared-data.js';

const folder = await mkdtemp(join(tmpdir(), 'feature-store-'));
after(() => rm(folder, { recursive: true }));

async function save(name: string, content: Uint8Array | string): Promise<void> {
  await mkdir(dirname(join(folder, name)), { recursive: true });
  await writeFile(join(folder, name), content);
}

const rows = (steps: number, ...row: number[]) => ({
  shape: [steps, row.length],
  data: Float32Array.from({ length: steps * row.length }, (_, i) => row[i % row.length]!),
});
const npy = (steps: number, ...row: number[]) => writeNpy({ dtype: 'f32', ...rows(steps, ...row) });

await save('npy/a_rgb.npy', npy(2, 3, 4));
await save('npy/a_opt.npy', npy(3, 1));
await save('npy/b_rgb.npy', npy(5, 3, 4));
await save('npy/b_opt.npy', npy(3, 1));
await save('npy/other.txt', '');
await save('npz/a.npz', zipSync({ 'features.npy': npy(2, 7), 'fps.npy': npy(1, 25) }));
await save('all.npz', zipSync({ 'a.npy': npy(2, 8), 'v/b.npy': npy(1, 9) }));
await save(
  'all.h5',
  await hdf5Bytes({ 'v_a/c3d_features': rows(2, 5), 'v_b/c3d_features': rows(1, 6), c: rows(1, 1) }),
);
await save('all.safetensors', encodeSafetensors({ a: { dtype: 'f32', ...rows(2, 2) } }));

const open = (source: FeatureSource) => openFeatures(source, folder);
const one = (...parts: FeatureSource['parts']): FeatureSource => ({ parts });
const a = { id: 'a', duration: 10 };

test('joins parts of every form; a part that is a row longer is cut, one that is two rows longer is refused', async () => {
  const store = open(
    one(
      { file: 'npy/{id}_rgb.npy' },
      { file: 'npy/{id}_opt.npy' },
      { file: 'npz/{id}.npz', array: 'features' },
      { file: 'all.npz', array: '{id}' },
      { file: 'all.h5', array: 'v_{id}/c3d_features' },
      { file: 'all.safetensors', array: '{id}' },
    ),
  );
  assert.deepEqual(await store.read(a), {
    steps: 2,
    channels: 7,
    data: Float32Array.of(3, 4, 1, 7, 8, 5, 2, 3, 4, 1, 7, 8, 5, 2),
    stride: 5,
    window: 5,
  });
  const ids = (await store.stored()).map((part) => part.ids);
  assert.deepEqual(ids, [['a', 'b'], ['a', 'b'], ['a'], ['a', 'v/b'], ['a', 'b'], ['a']]);
  await store.close();
  await assert.rejects(store.read(a), ReleasedError);
  const two = open(one({ file: 'npy/{id}_rgb.npy' }, { file: 'npy/{id}_opt.npy' }));
  await assert.rejects(
    two.read({ id: 'b', duration: 1 }),
    (error) =>
      error instanceof ShapeError && /5 in npy\/b_rgb\.npy, 3 in npy\/b_opt\.npy/.test(error.message),
  );
  await two.close();
});

test('rows are normalised before parts are joined, and one crop of ten is taken', async () => {
  const crops = new Float32Array(10 * 2 * 1).map((_, i) => i);
  await save('ten/a.npy', writeNpy({ dtype: 'f32', shape: [10, 2, 1], data: crops }));
  const store = open(
    one(
      { file: 'npy/{id}_rgb.npy', normalize: 'l2' },
      { file: 'ten/{id}.npy', crop: 3 },
      { file: 'ten/{id}.npy' },
    ),
  );
  assert.deepEqual((await store.read(a)).data, Float32Array.of(0.6, 0.8, 6, 9, 0.6, 0.8, 7, 10));
  await store.close();
});

test('times of clips are in seconds, in frames, or of the video', async () => {
  const times = async (timing: FeatureSource['timing'], video = {}) => {
    const store = open({ ...one({ file: 'npy/{id}_rgb.npy' }), ...(timing && { timing }) });
    const { stride, window } = await store.read({ ...a, ...video });
    await store.close();
    return [stride, window];
  };
  assert.deepEqual(await times(undefined), [5, 5]);
  assert.deepEqual(await times({ strideSeconds: 2 }), [2, 2]);
  assert.deepEqual(await times({ strideSeconds: 2, windowSeconds: 3 }), [2, 3]);
  assert.deepEqual(await times({ strideFrames: 16, fps: 25 }), [0.64, 0.64]);
  assert.deepEqual(await times({ strideFrames: 8, windowFrames: 16 }, { frameRate: 32 }), [0.25, 0.5]);
  assert.deepEqual(await times({ strideFrames: 8 }, { timing: { strideSeconds: 1 } }), [1, 1]);
  await assert.rejects(
    times({ strideFrames: 8 }),
    (error) => error instanceof FileFormatError && /fps/.test(error.message),
  );
});

test('no id and no link leads out of the folder', async () => {
  const outside = await mkdtemp(join(tmpdir(), 'feature-store-outside-'));
  after(() => rm(outside, { recursive: true }));
  await writeFile(join(outside, 'x.npy'), npy(1, 1));
  await symlink(join(outside, 'x.npy'), join(folder, 'npy/link.npy'));
  await symlink(outside, join(folder, 'linked'));
  await symlink(join(folder, 'npy/a_rgb.npy'), join(folder, 'npy/inner.npy'));
  const read = async (file: string, id: string) => {
    const store = open(one({ file }));
    try {
      return await store.read({ id, duration: 1 });
    } finally {
      await store.close();
    }
  };
  assert.equal((await read('npy/{id}.npy', 'inner')).channels, 2);
  for (const [file, id] of [
    ['npy/{id}.npy', 'link'],
    ['linked/{id}.npy', 'x'],
    ['npy/{id}.npy', 'none'],
  ] as const)
    await assert.rejects(read(file, id), FileAccessError);
  for (const id of ['../npy/inner', '/etc/x', 'a/../../x', 'a\\b', 'a\0', './x', 'C:x'])
    await assert.rejects(read('{id}.npy', id), FileFormatError, id);
  for (const file of ['../{id}.npy', '/tmp/{id}.npy', 'C:/{id}.npy', 'a\\{id}.npy', 'a//{id}.npy'])
    assert.throws(() => open(one({ file })), OptionError, file);
});

test('a source that is not as it should be is refused, with the field', () => {
  const refuses = (source: unknown, message: RegExp) => {
    assert.throws(
      () => readFeatureSource(new JsonRecord(source, 'dataset.json: features')),
      (error) =>
        error instanceof FileFormatError &&
        error.message.startsWith('dataset.json: features') &&
        message.test(error.message),
    );
    assert.throws(
      () => openFeatures(source as FeatureSource, folder),
      (error) => error instanceof OptionError && /^openFeatures: /.test(error.message),
    );
  };
  const part = { file: '{id}.npy' };
  refuses({}, /parts is missing/);
  refuses({ parts: [] }, /parts is empty/);
  refuses({ parts: [part], stride: 1 }, /unknown field stride/);
  refuses({ parts: [{ file: '{id}.csv' }] }, /not one of \.npy, .*\.pth/);
  refuses({ parts: [{ file: 'all.npy' }] }, /neither file nor array has \{id\}/);
  refuses({ parts: [{ file: '{video}.npy' }] }, /only \{id\} is replaced, not \{video\}/);
  refuses({ parts: [{ ...part, ids: 'ids.json' }] }, /leave it out/);
  refuses({ parts: [{ file: 'all.npz', ids: ['a'] }] }, /ids goes with a \.npy/);
  refuses({ parts: [{ ...part, crop: 10 }] }, /crop is not/);
  refuses({ parts: [{ ...part, normalize: 'L2' }] }, /normalize is not/);
  refuses({ parts: [part], timing: {} }, /strideSeconds is missing/);
  refuses({ parts: [part], timing: { fps: 25 } }, /strideFrames is missing/);
  refuses({ parts: [part], timing: { strideFrames: 16, strideSeconds: 1 } }, /unknown field strideSeconds/);
  refuses({ parts: [part], timing: { strideSeconds: 0 } }, /strideSeconds .*must be above 0/);
  refuses({ parts: [part], timing: { strideFrames: 16, fps: '25' } }, /fps is "25"/);
});

test('an id is found again in the name that was made of it', () => {
  assert.equal(idIn('features/{id}_rgb.npy', 'features/v_a.b_rgb.npy'), 'v_a.b');
  assert.equal(idIn('{id}/{id}.npy', 'a/a.npy'), 'a');
  assert.equal(idIn('{id}/{id}.npy', 'a/b.npy'), undefined);
  assert.equal(idIn('{id}_rgb.npy', 'a_opt.npy'), undefined);
  assert.equal(idIn('x.{id}', 'xya'), undefined);
});

test('few files are open at once; one in use is not closed, and one that failed is opened again', async () => {
  let openNow = 0;
  let most = 0;
  const opened: string[] = [];
  const files = new OpenFiles(2, async (path): Promise<ArrayFile> => {
    opened.push(path);
    if (path === 'broken') throw new FileAccessError('broken');
    most = Math.max(most, ++openNow);
    return {
      names: () => [],
      find: async () => undefined,
      read: () => assert.fail(),
      close: async () => {
        openNow--;
      },
    };
  });
  const nothing = async () => {};
  for (const path of ['a', 'b', 'a', 'c', 'a', 'b']) await files.use(path, nothing);
  // b was not used for longest when c came, then c when b came back.
  assert.deepEqual(opened, ['a', 'b', 'c', 'b']);
  await assert.rejects(files.use('broken', nothing), FileAccessError);
  await assert.rejects(files.use('broken', nothing), FileAccessError);
  assert.equal(opened.length, 6);
  await Promise.all(
    ['d', 'e', 'f', 'g'].map((path) =>
      files.use(path, () => new Promise((resolve) => setTimeout(resolve, 5))),
    ),
  );
  assert.equal(openNow, 2);
  assert.ok(most <= 6);
  let release = () => {};
  const slow = files.use('g', () => new Promise<void>((resolve) => (release = resolve)));
  await files.close();
  assert.equal(openNow, 1);
  release();
  await slow;
  assert.equal(openNow, 0);
  await assert.rejects(files.use('a', nothing), ReleasedError);
});

test('real features, I3D of two streams with their clips', {
  skip: missing('youtube_highlights'),
}, async () => {
  const store = openFeatures(
    {
      parts: [{ file: 'video_features/{id}_rgb.npy' }, { file: 'video_features/{id}_opt.npy' }],
      timing: { strideFrames: 48, windowFrames: 100, fps: 30 },
    },
    sharedData('youtube_highlights'),
  );
  const { steps, channels, stride, window } = await store.read({ id: 'BsjTtq337mM', duration: 19.2 });
  assert.deepEqual(
    { steps, channels, stride, window },
    { steps: 11, channels: 2048, stride: 1.6, window: 100 / 30 },
  );
  const [rgb, flow] = await store.stored();
  assert.deepEqual(rgb!.ids, flow!.ids);
  assert.equal(rgb!.name, 'video_features/{id}_rgb.npy');
  assert.equal(rgb!.ids.length, 314);
  await store.close();
});

test('features of PyTorch, and one array of objects for all videos with the order of its ids', async () => {
  const python = fileURLToPath(new URL('../../../test/unit/python-files/', import.meta.url));
  await copyFile(`${python}features.npy`, join(folder, 'objects.npy'));
  const { values } = await readNpyValues(`${python}features.npy`);
  const arrays = values as readonly NumericArray[];
  const ids = arrays.map((_, i) => `video ${i}`);
  await save('ids.json', JSON.stringify(ids));
  await save('ids.txt', `${ids.join('\n')}\n`);
  for (const given of [ids, 'ids.json', 'ids.txt']) {
    const store = open(one({ file: 'objects.npy', ids: given }));
    assert.deepEqual(await store.stored(), [{ name: 'objects.npy#{id}', ids }]);
    for (const [i, id] of ids.entries()) {
      const { steps, channels, data } = await store.read({ id, duration: 1 });
      assert.deepEqual([steps, channels], arrays[i]!.shape);
      assert.deepEqual(data, toFloat32(arrays[i]!));
    }
    await assert.rejects(store.read(a), /no array a, only video 0/);
    await store.close();
  }
  const short = open(one({ file: 'objects.npy', ids: ['x'] }));
  await assert.rejects(short.read({ id: 'x', duration: 1 }), /and there are 1 ids/);
  await short.close();
});

test("the order of CO2-Net's videos is read", { skip: missing('thumos14') }, async () => {
  await copyFile(sharedData('thumos14/co2net_videoname.npy'), join(folder, 'videoname.npy'));
  const store = open(one({ file: 'objects.npy', ids: 'videoname.npy' }));
  const [{ ids } = assert.fail()] = await store.stored();
  assert.equal(ids.length, 412);
  assert.match(ids[0]!, /^video_validation_\d{7}$/);
  await store.close();
});

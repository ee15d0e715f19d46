import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { writeNpy } from '../../src/data/formats/npy.js';
import { readNpyValues } from '../../src/data/formats/npy-values.js';
import { FileAccessError, FileFormatError, OptionError } from '../../src/errors.js';
import { committedFiles, filesOfSeed, noPyTorch, type PythonFiles, plain } from '../support/python-files.js';
import { missing, sharedData } from '../support/shared-data.js';

const refuses = (
  file: string | Uint8Array,
  message: RegExp,
  Kind: typeof FileAccessError = FileFormatError,
) =>
  assert.rejects(
    () => readNpyValues(file, 'x.npy'),
    (error: Error) => error instanceof Kind && message.test(error.message),
  );

/** A file with another header of the same length. */
function withHeader(bytes: Uint8Array, from: string, to: string): Uint8Array {
  const copy = Buffer.from(bytes);
  const at = copy.indexOf(from);
  assert.ok(at > 0 && from.length === to.length);
  copy.write(to, at, 'latin1');
  return new Uint8Array(copy);
}

async function readsAll({ expected, path, bytes }: PythonFiles): Promise<void> {
  const names = Object.keys(expected.values);
  assert.equal(names.length, 7);
  for (const name of names) {
    assert.deepEqual(plain(await readNpyValues(path(name))), expected.values[name], name);
    assert.deepEqual(plain(await readNpyValues(bytes(name))), expected.values[name], name);
  }
}

describe('readNpyValues', () => {
  it('reads objects and text as NumPy wrote them: features, segments, all plain types, byte and axis orders', () =>
    readsAll(committedFiles));

  it('reads files that NumPy writes now', { skip: noPyTorch }, async () => {
    const files = filesOfSeed(2);
    try {
      await readsAll(files);
    } finally {
      await files.remove();
    }
  });

  it('gives each array its own memory', async () => {
    const { values } = await readNpyValues(committedFiles.path('features.npy'));
    for (const array of values as readonly { readonly data: Float32Array }[]) {
      assert.ok(array.data instanceof Float32Array);
      assert.equal(array.data.buffer.byteLength, array.data.byteLength);
    }
  });

  it("reads CO2-Net's annotations of THUMOS-14", { skip: missing('thumos14') }, async () => {
    const of = async (name: string) =>
      (await readNpyValues(sharedData(`thumos14/co2net_${name}.npy`))).values;
    const [classes, labels, segments, subset, names] = await Promise.all(
      ['classlist', 'labels', 'segments', 'subset', 'videoname'].map(of),
    );
    assert.deepEqual(
      [classes!.length, classes![0], classes![19]],
      [20, 'BaseballPitch', 'VolleyballSpiking'],
    );
    assert.equal(names!.length, 412);
    assert.deepEqual([names![0], subset![0]], ['video_validation_0000051', 'validation']);
    assert.deepEqual(new Set(subset), new Set(['validation', 'test']));
    for (const [i, own] of (segments as (readonly [number, number])[][]).entries()) {
      assert.equal(own.length, (labels![i] as string[]).length);
      assert.ok(own.every(([start, end]) => start < end));
      assert.ok((labels![i] as string[]).every((label) => classes!.includes(label)));
    }
  });

  it('refuses what is no array of objects or text, is damaged, or would run something', async () => {
    const { bytes } = committedFiles;
    await refuses('missing.npy', /does not exist/, FileAccessError);
    await refuses(new Uint8Array(0), /not a \.npy file/);
    await refuses(writeNpy(new Float32Array(3)), /numbers of dtype <f4: read it with readNpy/);
    const text = bytes('text.npy');
    const objects = bytes('segments.npy');
    await refuses(text.subarray(0, text.length - 1), /takes 192 bytes, and holds 191/);
    await refuses(withHeader(text, "'<U12'", "'<M12'"), /dates \(dtype '<M12'\), which are not read/);
    await refuses(withHeader(text, "'<U12'", "'<U00'"), /takes 0 bytes/);
    await refuses(withHeader(text, 'False', ' True'), /Fortran order/);
    await refuses(
      text.map((byte, i) => (i === 131 ? 0x7f : byte)),
      /no text of dtype <U12/,
    );
    const latin = bytes('bytes.npy').map((byte, i, all) => (i === all.length - 13 ? 0xff : byte));
    await refuses(latin, /element 2 is not UTF-8/);
    await refuses(withHeader(objects, '(3,)', '(4,)'), /another array than its header says: \[4\]/);
    await refuses(new Uint8Array([...objects, 0]), /holds 1 bytes after its array/);
    await refuses(objects.subarray(0, objects.length - 5), /^x\.npy ends at byte 344, within the value/);
    const runs = Buffer.concat([objects.subarray(0, 128), Buffer.from('cos\nsystem\n(S"ls"\ntR.')]);
    await refuses(new Uint8Array(runs), /^x\.npy refers to os\.system.*at byte 128/);
    await assert.rejects(() => readNpyValues(3 as never), OptionError);
  });
});

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { unzipSync, zipSync } from 'fflate';
import { openPyTorch, type PyTorchOptions } from '../../src/data/formats/pytorch/pytorch.js';
import { FileAccessError, FileFormatError, OptionError } from '../../src/errors.js';
import {
  committedFiles,
  described,
  filesOfSeed,
  noPyTorch,
  type PythonFiles,
} from '../support/python-files.js';

const { bytes, path } = committedFiles;

const refuses = (file: string | Uint8Array, message: RegExp, options: PyTorchOptions = {}) =>
  assert.rejects(
    () => openPyTorch(file, { name: 'x.pth', ...options }),
    (error: Error) =>
      error instanceof FileFormatError && error.message.startsWith('x.pth') && message.test(error.message),
  );

async function readAll(file: string | Uint8Array, options: PyTorchOptions = {}) {
  const checkpoint = await openPyTorch(file, options);
  const all: Record<string, unknown> = {};
  for (const [name, { dtype, shape }] of checkpoint.tensors) {
    all[name] = described(await checkpoint.read(name));
    assert.deepEqual({ dtype, shape }, { dtype: Object(all[name]).dtype, shape: Object(all[name]).shape });
  }
  await checkpoint.close();
  return all;
}

async function readsAll({ expected, path, bytes }: PythonFiles): Promise<void> {
  const names = Object.keys(expected.tensors);
  assert.equal(names.length, 8);
  for (const name of names) {
    const options = name === 'ema.ckpt' ? { key: 'ema/state_dict' } : {};
    assert.deepEqual(await readAll(path(name), options), expected.tensors[name], name);
    assert.deepEqual(await readAll(bytes(name), options), expected.tensors[name], name);
  }
}

/** An archive with other members. */
function changed(file: string, change: (members: Record<string, Uint8Array>) => void): Uint8Array {
  const members = unzipSync(bytes(file));
  change(members);
  return zipSync(members, { level: 0 });
}

describe('openPyTorch', () => {
  it('reads both forms: all dtypes, strides, shared storages, parameters, tensors of a GPU, nested state dicts', () =>
    readsAll(committedFiles));

  it('reads files that PyTorch writes now', { skip: noPyTorch }, async () => {
    const files = filesOfSeed(1);
    try {
      await readsAll(files);
    } finally {
      await files.remove();
    }
  });

  it('gives tensors that share a storage memory of their own', async () => {
    for (const file of ['layouts.pth', 'layouts-legacy.pth']) {
      const checkpoint = await openPyTorch(path(file));
      const whole = await checkpoint.read('shared.whole');
      const before = [...(await checkpoint.read('tied')).data];
      whole.data.fill(0 as never);
      assert.deepEqual([...(await checkpoint.read('tied')).data], before);
      await checkpoint.close();
    }
  });

  it('finds the state dict, or asks which', async () => {
    const training = await openPyTorch(path('training.ckpt'));
    assert.ok(training.tensors.has('module.0.weight'));
    await training.close();
    await refuses(bytes('ema.ckpt'), /several state dicts, at model and ema\/state_dict: choose one/);
    await refuses(bytes('ema.ckpt'), /no state dict at "optimizer"; it has some at model and/, {
      key: 'optimizer',
    });
    await refuses(bytes('ema.ckpt'), /no state dict at "a\/b"/, { key: 'a/b' });
    const model = await openPyTorch(bytes('ema.ckpt'), { key: 'model' });
    assert.deepEqual([...model.others.keys()], []);
    const top = await openPyTorch(bytes('cuda.pth'), { key: '' });
    assert.deepEqual([...top.tensors.keys()], ['weight', 'bias']);
  });

  it('refuses what is no state dict, and names what it refers to', async () => {
    await refuses(bytes('whole-model.pth'), /refers to torch\.nn\.modules\.container\.Sequential/);
    await refuses(bytes('big-endian.pth'), /big-endian/);
    await refuses(bytes('runs-2.pkl'), /refers to posix\.system/);
    await refuses(bytes('plain-2.pkl'), /no checkpoint of PyTorch: save it with torch\.save/);
    await refuses(bytes('plain-0.pkl'), /neither a zip archive nor a pickle/);
    await refuses(new Uint8Array(0), /neither a zip archive nor a pickle/);
    await assert.rejects(() => openPyTorch('missing.pth'), FileAccessError);
    await assert.rejects(() => openPyTorch('x', { keys: 'model' } as PyTorchOptions), OptionError);
    const checkpoint = await openPyTorch(bytes('cuda.pth'));
    await assert.rejects(() => checkpoint.read('weights'), /holds no tensor weights/);
  });

  it('refuses archives that are damaged or no checkpoint', async () => {
    const order = new TextEncoder().encode('big');
    await refuses(zipSync({ 'a.npy': order }), /no data\.pkl/);
    await refuses(
      changed('cuda.pth', (members) => Object.assign(members, { 'cuda/byteorder': order })),
      /big-endian/,
    );
    await refuses(
      changed('cuda.pth', (members) => Object.assign(members, { 'cuda/constants.pkl': order })),
      /TorchScript/,
    );
    await refuses(
      changed('cuda.pth', (members) => delete members['cuda/data/1']),
      /lacks the storage data\/1/,
    );
    await refuses(
      changed('cuda.pth', (members) => Object.assign(members, { 'cuda/data/1': order })),
      /data\/1 holds 3 bytes, 3 elements of f32 take 12/,
    );
    await refuses(zipSync(unzipSync(bytes('layouts.pth'))), /is compressed or encrypted/);
    const cut = bytes('layouts.pth');
    await refuses(cut.subarray(0, cut.length - 30), /without its directory/);
    const wrong = bytes('cuda.pth');
    const { 'cuda/data/1': bias } = unzipSync(wrong);
    const at = Buffer.from(wrong).indexOf(bias!);
    wrong[at + 3]! ^= 1;
    const checkpoint = await openPyTorch(wrong);
    await assert.rejects(() => checkpoint.read('bias'), /cuda\/data\/1 is damaged \(CRC-32\)/);
    await checkpoint.read('weight');
    const legacy = bytes('layouts-legacy.pth');
    await refuses(legacy.subarray(0, legacy.length - 1), /ends within its storages/);
  });

  it('refuses tensors that are not within their storage', async () => {
    const tensor = (text: string) =>
      new Uint8Array(
        Buffer.from(
          `\x80\x02ctorch._utils\n_rebuild_tensor_v2\n((S'storage'\nctorch\nFloatStorage\nS'0'\nS'cpu'\nI3\ntQ${text}NNtR.`,
          'latin1',
        ),
      );
    const file = (text: string) =>
      zipSync({ 'a/data.pkl': tensor(text), 'a/data/0': new Uint8Array(12) }, { level: 0 });
    assert.deepEqual(Object.keys(await readAll(file('I0\n(I3\nt(I1\nt'))), ['tensor']);
    await refuses(file('I1\n(I3\nt(I1\nt'), /\[3\] of f32 that ends after the 3 elements/);
    await refuses(file('I0\n(I2\nI2\nt(I2\nI1\nt'), /ends after/);
    await refuses(file('I0\n(I9007199254740991\nt(I9007199254740991\nt'), /ends after/);
    await refuses(file('I0\n(I1000000000\nt(I0\nt'), /repeats the 3 elements/);
    await refuses(file('I0\n(I9007199254740991\nI9007199254740991\nt(I0\nI0\nt'), /repeats the 3 elements/);
    await refuses(file('I-1\n(I3\nt(I1\nt'), /valid offset/);
    await refuses(file('I0\n(I3\nt(I1\nI1\nt'), /valid offset/);
    await refuses(file('I0\n(I3\nt(I-1\nt'), /valid offset/);
    await refuses(file('I0\n(F1.5\nt(I1\nt'), /valid offset/);
  });
});

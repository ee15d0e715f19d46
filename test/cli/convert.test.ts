import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { cpSync, existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, it } from 'node:test';
import { fileURLToPath } from 'node:url';
import { relativeError } from '../../cases/support/host.js';
import { architectures, converted } from '../../src/cli/architectures/architectures.js';
import { type NumericArray, toFloat32 } from '../../src/data/formats/array.js';
import { encodeSafetensors, openSafetensors } from '../../src/data/formats/safetensors.js';
import type { StoredTensor } from '../../src/data/formats/safetensors-header.js';
import { FileFormatError } from '../../src/errors.js';
import { openModel } from '../../src/models/open-model.js';
import { loadCmcs } from '../../src/models/wtal/cmcs-folder.js';
import type { OpenedWtal } from '../../src/models/wtal/opened.js';
import { checkWtalConfig } from '../../src/models/wtal/wtal-config.js';
import type { WtalFile } from '../../src/models/wtal/wtal-folder.js';
import { committedFiles, described, noPyTorch, python } from '../support/python-files.js';
import { assertRefused } from '../support/refused.js';
import { testRuntime } from '../support/runtime.js';
import { missing, sharedData } from '../support/shared-data.js';
import { tal } from '../support/tal.js';
import { WtalGolden } from '../support/wtal-golden.js';

const save = fileURLToPath(new URL('../../../test/unit/python-files/save.py', import.meta.url));
const folder = mkdtempSync(join(tmpdir(), 'tal-convert-'));
after(() => rmSync(folder, { recursive: true }));
const { path, expected } = committedFiles;

const convert = (...args: string[]) => tal(['convert', ...args], folder);

const classes = ['a', 'b', 'c', 'd', 'background'];
const names = join(folder, 'names.json');
writeFileSync(names, JSON.stringify(classes));
const realNames = sharedData('cmcs_weights/classes.json');

/** Names and elements of a converted model. */
async function tensorsOf(out: string) {
  const file = await openSafetensors(join(folder, out));
  const all: Record<string, unknown> = {};
  for (const name of file.tensors.keys()) all[name] = described(await file.read(name));
  await file.close();
  return all;
}

const configOf = (out: string) => JSON.parse(readFileSync(join(folder, out, 'config.json'), 'utf8'));

const runtime = await testRuntime();

describe('tal convert', () => {
  it('makes a model of a .safetensors, as of the checkpoint of PyTorch', async () => {
    const first = await convert(path('cmcs.pth'), 'first', '--classes', names);
    assert.equal(first.status, 0, first.stderr);
    const weights = join(folder, 'weights.safetensors');
    cpSync(join(folder, 'first', 'model.safetensors'), weights);
    const second = await convert(weights, 'second', '--classes', names);
    assert.equal(second.status, 0, second.stderr);
    assert.deepEqual(await tensorsOf('second'), await tensorsOf('first'));
    assert.deepEqual(configOf('second'), configOf('first'));
    assertRefused(await convert(weights, 'third', '--classes', names, '--key', 'model'), /--key goes with/);
  });

  for (const file of ['cmcs.pth', 'cmcs-parallel.pth']) {
    it(`makes a model of ${file} that loads`, async () => {
      const out = `model-${file}`;
      const { status, stdout, stderr } = await convert(path(file), out, '--classes', names);
      assert.equal(status, 0, stderr);
      assert.match(stdout, /architecture: CMCS\ndtype +tensors +bytes\nf32 +14 +660\n/);
      assert.deepEqual(readdirSync(join(folder, out)).sort(), ['config.json', 'model.safetensors']);
      assert.deepEqual(await tensorsOf(out), expected.tensors['cmcs.pth']);
      const { file: config, model } = await loadCmcs(runtime, join(folder, out));
      assert.deepEqual(config, { architecture: 'cmcs', classes });
      assert.equal(model.channels, 6);
      model.dispose();
    });
  }

  it('keeps every dtype and value of a checkpoint that it does not know', async () => {
    const { status, stdout, stderr } = await convert(path('layouts.pth'), 'plain');
    assert.equal(status, 0, stderr);
    assert.match(stdout, /none that is known.*\n(.*\n)*bf16 +1 +\d+\n(.*\n)*all +21 +\d+\n/);
    assert.deepEqual(await tensorsOf('plain'), expected.tensors['layouts.pth']);
    assert.deepEqual(configOf('plain'), {});
  });

  it('takes the state dict at a key, and what a wrapper put before its names off', async () => {
    const result = await convert(path('ema.ckpt'), 'ema', '--key', 'ema/state_dict');
    assert.equal(result.status, 0, result.stderr);
    const wanted = Object.entries(expected.tensors['ema.ckpt']!);
    assert.deepEqual(
      await tensorsOf('ema'),
      Object.fromEntries(wanted.map(([name, value]) => [name.replace('module.', ''), value])),
    );
    assertRefused(await convert(path('ema.ckpt'), 'no'), /several state dicts, at model and ema\/state_dict/);
    assert.ok(!existsSync(join(folder, 'no')));
  });

  it('refuses what it cannot convert, and writes nothing', async () => {
    const refused = async (message: RegExp, ...args: string[]) => {
      assertRefused(await convert(...args), message);
      assert.ok(!existsSync(join(folder, 'no')));
    };
    await refused(/does not exist/, 'missing.pth', 'no');
    await refused(/refers to posix\.system/, path('runs-2.pkl'), 'no');
    await refused(/refers to torch\.nn\.modules\.container\.Sequential/, path('whole-model.pth'), 'no');
    await refused(
      /is no CMCS checkpoint: base\.base_conv_0\.weight is missing/,
      path('cuda.pth'),
      'no',
      '--architecture',
      'cmcs',
    );
    await refused(/argument 'rnn' is invalid.*cmcs/, path('cuda.pth'), 'no', '--architecture', 'rnn');
    await refused(/CMCS needs --classes: a JSON list of its 5 names/, path('cmcs.pth'), 'no');
    await refused(/--classes goes with/, path('cuda.pth'), 'no', '--classes', names);
    await refused(/missing required argument/, path('cuda.pth'));
  });

  it('leaves the model that was there when a tensor is damaged', async () => {
    cpSync(join(folder, 'model-cmcs.pth'), join(folder, 'kept'), { recursive: true });
    const bytes = readFileSync(path('layouts.pth'));
    const checkpoint = await openSafetensors(join(folder, 'plain'));
    const { data } = await checkpoint.read('column');
    await checkpoint.close();
    const first = Buffer.from(data.buffer, data.byteOffset, 4);
    bytes[bytes.indexOf(first)]! ^= 1;
    writeFileSync(join(folder, 'damaged.pth'), bytes);
    assertRefused(await convert('damaged.pth', 'kept'), /damaged\.pth: .* is damaged \(CRC-32\)/);
    assert.deepEqual(await tensorsOf('kept'), expected.tensors['cmcs.pth']);
    assert.deepEqual(readdirSync(join(folder, 'kept')).sort(), ['config.json', 'model.safetensors']);
  });

  const skip = noPyTorch || missing('cmcs_weights');
  it('makes the real weights of CMCS of what PyTorch saves of them', { skip }, async () => {
    for (const weights of ['anet12_i3d_both_20000', 'thumos14_i3d_both_15000']) {
      const from = sharedData(`cmcs_weights/${weights}.safetensors`);
      const saved = spawnSync(python, [save, from, join(folder, 'zip.pth'), join(folder, 'legacy.pth')]);
      assert.equal(saved.status, 0, String(saved.stderr));
      const original = await openSafetensors(from);
      for (const form of ['zip', 'legacy']) {
        const { status, stderr } = await convert(`${form}.pth`, form, '--classes', realNames);
        assert.equal(status, 0, stderr);
        const file = await openSafetensors(join(folder, form));
        assert.deepEqual([...file.tensors.keys()].sort(), [...original.tensors.keys()].sort());
        for (const name of original.tensors.keys()) {
          assert.deepEqual(await file.read(name), await original.read(name));
        }
        await file.close();
      }
      await original.close();
    }
  });
});

describe('tal convert of CO2-Net and DELU', { skip: noPyTorch }, () => {
  it('makes a model that says what the network of the checkpoint says', async () => {
    // Its weights are those of the twin in PyTorch, under the names of the released code.
    const golden = await WtalGolden.open(runtime, 'co2net');
    const weights: Record<string, NumericArray> = {
      'feat_encoder.0.weight': { dtype: 'f32', shape: [2, 1], data: Float32Array.of(1, 2) },
    };
    for (const name of golden.stored.tensors.keys()) {
      if (!name.startsWith('weight/')) continue;
      const { shape, ...stored } = await golden.stored.read(name);
      weights[name.slice(7)] = { dtype: 'f32', shape, data: toFloat32({ shape, ...stored }) };
    }
    writeFileSync(join(folder, 'co2net.safetensors'), encodeSafetensors(weights));
    const files = ['co2net.safetensors', 'co2net.pth', 'co2net-legacy.pth'].map((file) => join(folder, file));
    const saved = spawnSync(python, [save, ...files]);
    assert.equal(saved.status, 0, String(saved.stderr));

    assertRefused(
      await convert('co2net.pth', 'no'),
      /fits co2net and delu, whose weights have the same shapes: choose one with --architecture/,
    );
    for (const [architecture, file, thresholds] of [
      ['co2net', 'co2net.pth', 10],
      ['delu', 'co2net-legacy.pth', 20],
    ] as const) {
      const options = ['--classes', names, '--architecture', architecture];
      const { status, stdout, stderr } = await convert(file, architecture, ...options);
      assert.equal(status, 0, stderr);
      assert.match(stdout, /left out: 1 tensors that the model does not need, such as feat_encoder/);
      const model = (await openModel(join(folder, architecture), { runtime })) as OpenedWtal;
      const { file: config, network } = model.loaded;
      assert.deepEqual(config.classes, classes.slice(0, -1));
      assert.deepEqual(config.training, { released: `${architecture}-thumos14` });
      assert.equal(config.model.proposals.thresholds.length, thresholds);
      const { cas } = network.forward(golden.snippets);
      assert.ok(relativeError(await cas.read(), await golden.numbers('expected/cas')) < 1e-4);
      const features = {
        steps: 9,
        channels: 16,
        data: new Float32Array(144).fill(0.5),
        stride: 1,
        window: 1,
      };
      const video = { duration: 9, features: async () => features };
      const { segments } = await model.localize(video, { options: { compat: architecture } });
      for (const { label } of segments) assert.ok(classes.includes(label), label);
      model.dispose();
    }
    golden.base.dispose();
  });
});

describe('architectures', () => {
  const shapes = () => {
    const released = architectures.find(({ name }) => name === 'ms-2d-tan-charades-i3d')!;
    return released.conversion({ name: 'x', tensors: new Map() }).shapes;
  };
  const stored = (all: Readonly<Record<string, readonly number[]>>) => ({
    name: 'x.pkl',
    tensors: new Map<string, StoredTensor>(
      Object.entries(all).map(([name, shape]) => [
        name,
        { dtype: 'f32', storedDtype: 'f32', shape, byteLength: 0 },
      ]),
    ),
  });

  it('are told by names and shapes, without what training alone counts', () => {
    const all = { ...shapes(), 'prop_module.layers.0.0.1.num_batches_tracked': [] };
    const { conversion, unused, sources, title } = converted(stored(all), undefined);
    assert.match(title, /MS-2D-TAN, charades-i3d/);
    assert.equal(conversion.config([]).architecture, 'map-diffusion');
    assert.deepEqual(unused, ['prop_module.layers.0.0.1.num_batches_tracked']);
    assert.equal(sources.size, Object.keys(all).length - 1);
  });

  it('are asked for where the weights do not tell them apart', () => {
    const all = { ...shapes(), 'clip_module.vis_conv.weight': [512, 4096, 1] };
    assert.throws(
      () => converted(stored(all), undefined),
      /ms-2d-tan-charades-vgg, ms-2d-tan-activitynet-c3d and ms-2d-tan-tacos-vgg, whose weights have the same shapes/,
    );
    const { title } = converted(stored(all), 'ms-2d-tan-tacos-vgg');
    assert.match(title, /tacos-vgg/);
  });

  it('refuse tensors that are missing, left over or of another shape, and list them', () => {
    const { 'fusion_module.tex_linear.bias': bias, ...rest } = shapes();
    const all = { ...rest, 'fusion_module.tex_linear.offset': bias!, 'fusion_module.vis_conv.bias': [3] };
    assert.throws(
      () => converted(stored(all), 'ms-2d-tan-charades-i3d'),
      (error: Error) =>
        error instanceof FileFormatError &&
        /1 missing: fusion_module\.tex_linear\.bias \[512\]/.test(error.message) &&
        /1 of another shape: fusion_module\.vis_conv\.bias is \[3\], wanted \[512\]/.test(error.message) &&
        /1 not of this model: fusion_module\.tex_linear\.offset/.test(error.message) &&
        /--architecture plain/.test(error.message),
    );
  });

  it('take the settings of the data set that the number of outputs tells', () => {
    const of = (outputs: number) => {
      const modality = (name: string) => ({
        [`${name}.bit_wise_attn.0`]: [4, 4, 3],
        [`${name}.channel_conv.0`]: [4, 4, 3],
        [`${name}.attention.0`]: [3, 4, 3],
        [`${name}.attention.3`]: [3, 3, 3],
        [`${name}.attention.5`]: [1, 3, 1],
      });
      const layers = {
        ...{ ...modality('vAttn'), ...modality('fAttn'), 'fusion.0': [6, 8, 1] },
        ...{ 'classifier.1': [6, 6, 3], 'classifier.4': [outputs, 6, 1] },
      };
      const shapes = Object.entries(layers).flatMap(([layer, weight]) => [
        [`${layer}.weight`, weight],
        [`${layer}.bias`, [weight[0]!]],
      ]);
      const { conversion } = converted(stored(Object.fromEntries(shapes)), 'delu');
      const config = conversion.config(Array.from({ length: outputs }, (_, i) => `class ${i}`));
      return { classes: conversion.classes, config: config as unknown as WtalFile };
    };
    for (const [outputs, pool, steps] of [
      [21, undefined, 320],
      [101, 13, 60],
      [201, 13, 60],
    ] as const) {
      const { classes: count, config } = of(outputs);
      assert.equal(count, outputs);
      assert.equal(config.classes.length, outputs - 1);
      checkWtalConfig(config.model);
      const { base, snippets, steps: length } = config.model;
      assert.deepEqual([(base as { pool?: number }).pool, length], [pool, steps]);
      assert.deepEqual(snippets, { kind: 'features', channels: 8 });
    }
  });
});

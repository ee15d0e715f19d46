import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { cpSync, existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
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
import { loadGrounding } from '../../src/models/grounding/folder.js';
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

describe('tal convert of CG-DETR, QD-DETR and Moment-DETR', { skip: noPyTorch }, async () => {
  const saveRun = fileURLToPath(new URL('../../../test/unit/python-files/save-run.py', import.meta.url));
  const golden = await openSafetensors(
    await readFile(new URL('../../../test/models/golden/cg-detr.safetensors', import.meta.url)),
    'cg-detr',
  );
  const f32 = async (name: string) => {
    const { shape, ...stored } = await golden.read(name);
    return { dtype: 'f32' as const, shape, data: toFloat32({ shape, ...stored }) };
  };
  const operand = async (name: string) => {
    const { shape, dtype, data } = await golden.read(`input/${name}`);
    return dtype === 'i32'
      ? runtime.tensor(Uint32Array.from(data as Int32Array), shape, 'u32')
      : runtime.tensor(toFloat32({ dtype, shape, data }), shape);
  };
  const opt = {
    ...{ dset_name: 'hl', ctx_mode: 'video_tef', max_v_l: 7, max_q_l: 5, clip_length: 2, nheads: 2 },
    ...{ num_prompts: 2, input_dropout: 0.25, dropout: 0.2, use_txt_pos: false, pre_norm: false },
    ...{ a_feat_dir: null, v_feat_dirs: ['slowfast', 'clip'] },
  };
  // What the released networks hold and do not use: see the public code of each.
  const extra: Readonly<Record<string, readonly number[]>> = {
    'txt_position_embed.position_embeddings.weight': [5, 8],
    'txt_position_embed.LayerNorm.weight': [8],
    'txt_position_embed.LayerNorm.bias': [8],
  };
  const ofCgDetr = {
    ...{ 'txt_proj_linear.LayerNorm.weight': [6], 'txt_proj_linear.LayerNorm.bias': [6] },
    ...{ 'txt_proj_linear.net.1.weight': [8, 6], 'txt_proj_linear.net.1.bias': [8] },
  };

  /** A file as the released training scripts write it, with the weights of the twin. */
  async function checkpoint(name: string, kind: string, settings: object | undefined): Promise<string> {
    const weights: Record<string, NumericArray> = {};
    for (const stored of golden.tensors.keys()) {
      const prefix = `${kind}/weight/`;
      if (stored.startsWith(prefix)) weights[stored.slice(prefix.length)] = await f32(stored);
    }
    const unused = kind === 'adaptive' ? { ...extra, ...ofCgDetr } : extra;
    for (const [tensor, shape] of Object.entries(unused))
      weights[tensor] = { dtype: 'f32', shape, data: new Float32Array(shape.reduce((a, b) => a * b)) };
    writeFileSync(join(folder, `${name}.safetensors`), encodeSafetensors(weights));
    const [from, to] = [`${name}.safetensors`, `${name}.ckpt`].map((file) => join(folder, file));
    const more = settings ? [JSON.stringify(settings)] : [];
    const saved = spawnSync(python, [saveRun, from!, to!, ...more]);
    assert.equal(saved.status, 0, String(saved.stderr));
    return to!;
  }

  for (const [architecture, kind] of [
    ['cg-detr', 'adaptive'],
    ['qd-detr', 'cross'],
    ['moment-detr', 'joint'],
  ] as const) {
    it(`${architecture}: a model that says what the network of the checkpoint says`, async () => {
      const file = await checkpoint(architecture, kind, opt);
      const { status, stdout, stderr } = await convert(file, architecture);
      assert.equal(status, 0, stderr);
      assert.match(stdout, new RegExp(`left out: ${kind === 'adaptive' ? 7 : 3} tensors that the model`));
      const { network, file: config } = await loadGrounding(runtime, join(folder, architecture));
      assert.deepEqual(config.training, { released: architecture });
      const { model } = config;
      assert.deepEqual([model.longest, model.text.longest, model.wholeClips], [7, 5, true]);
      assert.deepEqual(model.clips, { kind: 'features', channels: 8 });
      assert.deepEqual([model.network.inputDropout, model.network.dropout], [0.25, 0.2]);
      const told = JSON.parse(golden.metadata.configs!)[kind];
      assert.deepEqual(model.network, { ...told, inputDropout: 0.25, dropout: 0.2 });
      const outputs = network.network.forward({
        ...{ video: await operand('video'), videoMask: await operand('videoMask') },
        ...{ text: await operand('text'), textMask: await operand('textMask') },
      });
      for (const name of ['logits', 'spans'] as const) {
        const wanted = (await f32(`${kind}/expected/${name}`)).data;
        assert.ok(relativeError((await outputs[name].read()) as Float32Array, wanted) < 1e-4, name);
      }
      // Only clips that are not padding have a saliency.
      const wanted = (await f32(`${kind}/expected/saliency`)).data;
      const mask = (await golden.read('input/videoMask')).data as Int32Array;
      const seen = (values: Float32Array) => values.filter((_, i) => mask[i] === 1);
      const saliency = (await outputs.saliency.read()) as Float32Array;
      assert.ok(relativeError(seen(saliency), seen(wanted)) < 1e-4);
      network.dispose();
    });
  }

  it('takes the settings of opt.json beside a checkpoint without its own, else those of QVHighlights', async () => {
    const plain = await checkpoint('plain-weights', 'adaptive', undefined);
    const first = await convert(plain, 'without');
    assert.equal(first.status, 0, first.stderr);
    assert.deepEqual([configOf('without').model.longest, configOf('without').model.network.heads], [75, 8]);
    writeFileSync(join(folder, 'opt.json'), JSON.stringify({ ...opt, dset_name: 'tvsum', max_v_l: 300 }));
    const second = await convert(plain, 'with');
    rmSync(join(folder, 'opt.json'));
    assert.equal(second.status, 0, second.stderr);
    const { model, training } = configOf('with');
    assert.deepEqual([model.longest, model.network.heads, model.wholeClips], [300, 2, undefined]);
    assert.deepEqual(training, { released: 'cg-detr-tvsum' });
  });

  it('refuses what was trained in a way that there is not here', async () => {
    const file = await checkpoint('strange', 'adaptive', { ...opt, use_txt_pos: true });
    assertRefused(await convert(file, 'no'), /was trained with use_txt_pos true, which CG-DETR here has not/);
    const other = await checkpoint('other', 'cross', opt);
    assertRefused(
      await convert(other, 'no', '--architecture', 'cg-detr'),
      /no CG-DETR checkpoint: dummy_rep_token is missing/,
    );
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

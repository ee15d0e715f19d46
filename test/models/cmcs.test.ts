import assert from 'node:assert/strict';
import { it } from 'node:test';
import { relativeError } from '../../cases/support/host.js';
import { Random } from '../../cases/support/random.js';
import type { NumericArray } from '../../src/data/formats/array.js';
import { type Features, loadFeatures } from '../../src/data/formats/features.js';
import { encodeSafetensors, openSafetensors, type Safetensors } from '../../src/data/formats/safetensors.js';
import { FileFormatError, ShapeError } from '../../src/errors.js';
import { Cmcs } from '../../src/models/wtal/cmcs.js';
import { localizeActions } from '../../src/models/wtal/localize.js';
import { sizeOf } from '../../src/tensor/shape.js';
import { temporalIoU } from '../../src/time/segment.js';
import { cmcsForward } from '../support/cmcs.js';
import { demoCheckpoint, demoVideo } from '../support/planted-video.js';
import { testRuntime } from '../support/runtime.js';
import { missing, sharedData } from '../support/shared-data.js';

const runtime = await testRuntime();

/** Runs the network and the double-precision loops on the same features. */
async function compare(checkpoint: Safetensors, features: Features): Promise<void> {
  const model = await Cmcs.load(runtime, checkpoint);
  const { steps, channels, data } = features;
  const whole = runtime.tensor(data, [1, steps, channels]);
  const weights = Object.fromEntries(
    await Promise.all(
      [...checkpoint.tensors.keys()].map(async (name) => [name, await checkpoint.read(name)]),
    ),
  );
  const expected = cmcsForward(weights, features);
  // Once where there is much to do.
  const twice = data.length < 2 ** 24;
  for (const outputs of [model.forward(whole), ...(twice ? [model.forwardVideo(features)] : [])]) {
    for (const name of ['cas', 'attention', 'videoScores'] as const) {
      const error = relativeError(await outputs[name].read(), expected[name]);
      assert.ok(error < 1e-5, `${name} is off by ${error}`);
      outputs[name].dispose();
    }
  }
  whole.dispose();
  model.dispose();
}

it('the network with weights set by hand agrees with double precision', async () => {
  await compare(await openSafetensors(demoCheckpoint(), 'demo'), demoVideo().features);
});

/** Random features and a checkpoint of few channels between the layers. */
async function longVideo(steps: number, channels: number): Promise<[Safetensors, Features]> {
  const random = new Random(7);
  const width = 6;
  const classes = 5;
  const tensors: Record<string, NumericArray> = {};
  const layer = (name: string, inputs: number, ...shape: number[]) => {
    const of = (dims: number[], scale: number) => ({
      dtype: 'f32' as const,
      shape: dims,
      data: Float32Array.from({ length: sizeOf(dims) }, () => scale * random.normal()),
    });
    tensors[`${name}.weight`] = of(shape, 1 / Math.sqrt(inputs));
    tensors[`${name}.bias`] = of([shape[0]!], 0.1);
  };
  layer('base.base_conv_0', channels, width, channels, 1);
  for (const i of [0, 1, 2, 3]) {
    layer(`cls_bottoms.${i}.cls_b${i}_conv_0`, width, width, width, 3);
    layer(`cls_heads.${i}`, width, classes, width);
  }
  layer('att_bottom.att_conv_0', width, width, width, 1);
  layer('att_head', width, 1, width);
  const noise = Float32Array.from({ length: 99_991 }, () => random.normal());
  const data = new Float32Array(steps * channels);
  for (let i = 0; i < data.length; i += noise.length) data.set(noise.subarray(0, data.length - i), i);
  return [await openSafetensors(encodeSafetensors(tensors), 'made up'), { steps, channels, data }];
}

// Windows of time: one ends within a window, one is larger than a binding of most devices, one than a row of workgroups.
for (const [steps, channels] of [
  [4097, 8],
  [20_000, 2048],
  [50_000, 16],
] as const) {
  it(`a video of ${steps} steps of ${channels} channels agrees with double precision`, async () => {
    await compare(...(await longVideo(steps, channels)));
  });
}

it('a batch of long videos gives what each gives alone', async () => {
  const [checkpoint, features] = await longVideo(2 * 5000, 9);
  const model = await Cmcs.load(runtime, checkpoint);
  const together = model.forward(runtime.tensor(features.data, [2, 5000, 9]));
  const [cas, attention] = [await together.cas.read(), await together.attention.read()];
  for (const video of [0, 1]) {
    const data = features.data.subarray(video * 5000 * 9, (video + 1) * 5000 * 9);
    const alone = model.forward(runtime.tensor(data, [1, 5000, 9]));
    const part = (all: ArrayLike<number>, width: number) =>
      Array.from(all).slice(video * 5000 * width, (video + 1) * 5000 * width);
    assert.ok(relativeError(part(cas, 5), await alone.cas.read()) < 1e-6);
    assert.ok(relativeError(part(attention, 1), await alone.attention.read()) < 1e-6);
  }
  model.dispose();
});

it('more steps than the device can hold the classes of are refused in steps', async () => {
  const model = await Cmcs.load(runtime, await openSafetensors(demoCheckpoint(), 'demo'));
  const most = Math.floor(runtime.traits.limits.maxStorageBufferBindingSize / (4 * model.classes));
  const data = new Float32Array(0);
  assert.throws(
    () => model.forwardVideo({ steps: most + 1, channels: model.channels, data }),
    (error) =>
      error instanceof ShapeError &&
      error.message.includes(`${most + 1} steps`) &&
      error.message.includes(`at most ${most} steps`),
  );
  model.dispose();
});

it('loading and running leaves no memory behind', async () => {
  const before = runtime.memory.usedBytes;
  const { features, duration } = demoVideo();
  const model = await Cmcs.load(runtime, await openSafetensors(demoCheckpoint(), 'demo'));
  const classes = ['a', 'b', 'c', 'd', 'background'];
  await localizeActions(model, features, classes, duration);
  await assert.rejects(
    localizeActions(model, { ...features, channels: 3 }, classes, duration),
    (error) => error instanceof ShapeError && /3 channels/.test(error.message),
  );
  model.dispose();
  assert.equal(runtime.memory.usedBytes, before);
});

it('a checkpoint of another network is refused by name', async () => {
  const damaged = demoCheckpoint();
  const text = new TextDecoder('latin1').decode(damaged);
  damaged.set(new TextEncoder().encode('nothead'), text.indexOf('"att_head') + 1);
  await assert.rejects(
    async () => Cmcs.load(runtime, await openSafetensors(damaged, 'damaged')),
    (error) => error instanceof FileFormatError && /att_head/.test(error.message),
  );
});

const folder = 'bmt_long_jump/women_long_jump_';
const weights = 'cmcs_weights/anet12_i3d_both_20000.safetensors';

it('the published weights find both long jumps of the real video', {
  skip: missing(weights, `${folder}rgb.npy`),
}, async () => {
  const checkpoint = await openSafetensors(sharedData(weights));
  const features = await loadFeatures([sharedData(`${folder}rgb.npy`), sharedData(`${folder}flow.npy`)]);
  await compare(checkpoint, features);

  const { loadClassNames } = await import('../../src/data/annotations/class-names.js');
  const model = await Cmcs.load(runtime, checkpoint);
  const names = await loadClassNames(sharedData('cmcs_weights/classes.json'), model.classes);
  const { classes, segments } = await localizeActions(model, features, names, 35.155);
  assert.equal(classes[0]!.label, 'Long jump');
  const jumps = segments.filter(({ label }) => label === 'Long jump');
  // By eye, at a spacing of 2.5 s: not an official annotation.
  for (const jump of [[9, 15] as const, [22, 34] as const]) {
    const found = jumps.filter(({ segment }) => temporalIoU(segment, jump) > 0.5);
    assert.equal(found.length, 1, `one segment over ${jump}`);
  }
  assert.equal(jumps.length, 2);
  await checkpoint.close();
  model.dispose();
});

import assert from 'node:assert/strict';
import { it } from 'node:test';
import { relativeError } from '../../cases/support/host.js';
import { type Features, loadFeatures } from '../../src/data/features.js';
import { openSafetensors, type Safetensors } from '../../src/data/safetensors.js';
import { FileFormatError, ShapeError } from '../../src/errors.js';
import { temporalIoU } from '../../src/evaluation/segments.js';
import { Cmcs } from '../../src/models/wtal/cmcs.js';
import { localizeActions } from '../../src/models/wtal/localize.js';
import { cmcsForward } from '../support/cmcs.js';
import { demoCheckpoint, demoVideo } from '../support/planted-video.js';
import { testRuntime } from '../support/runtime.js';
import { missing, sharedData } from '../support/shared-data.js';

const runtime = await testRuntime();

/** Runs the network and the double-precision loops on the same features. */
async function compare(checkpoint: Safetensors, features: Features): Promise<void> {
  const model = await Cmcs.load(runtime, checkpoint);
  const { steps, channels, data } = features;
  const outputs = model.forward(runtime.tensor(data, [1, steps, channels]));
  const weights = Object.fromEntries(
    await Promise.all(
      [...checkpoint.tensors.keys()].map(async (name) => [name, await checkpoint.read(name)]),
    ),
  );
  const expected = cmcsForward(weights, features);
  for (const name of ['cas', 'attention', 'videoScores'] as const) {
    const error = relativeError(await outputs[name].read(), expected[name]);
    assert.ok(error < 1e-5, `${name} is off by ${error}`);
    outputs[name].dispose();
  }
  model.dispose();
}

it('the network with weights set by hand agrees with double precision', async () => {
  await compare(await openSafetensors(demoCheckpoint(), 'demo'), demoVideo().features);
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

  const { loadClassNames } = await import('../../src/data/class-names.js');
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

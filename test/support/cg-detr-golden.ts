import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { relativeError } from '../../cases/support/host.js';
import { type NumericArray, toFloat32 } from '../../src/data/formats/array.js';
import { encodeSafetensors, openSafetensors } from '../../src/data/formats/safetensors.js';
import { CgDetr } from '../../src/models/grounding/cg-detr/cg-detr.js';
import type { CgDetrConfig, CgDetrSizes } from '../../src/models/grounding/cg-detr/config.js';
import {
  type CgDetrObjective,
  type CgDetrTargets,
  cgDetrLosses,
  cgDetrObjectives,
} from '../../src/models/grounding/cg-detr/objective.js';
import type { GroundingOperands } from '../../src/models/grounding/cg-detr/operands.js';
import { add } from '../../src/ops/array/binary.js';
import { concat } from '../../src/ops/array/concat.js';
import { narrow } from '../../src/ops/array/slice.js';
import { Tensor } from '../../src/tensor/tensor.js';
import type { LossParts } from '../../src/training/training-task.js';
import { testRuntime } from './runtime.js';

/** What test/models/cg-detr-twin.py wrote: CG-DETR, its ancestors and MASRA in PyTorch. */
export const runtime = await testRuntime();
const path = new URL('../../../test/models/golden/cg-detr.safetensors', import.meta.url);
export const golden = await openSafetensors(await readFile(path), 'cg-detr');
export const configs: Record<string, CgDetrConfig> = JSON.parse(golden.metadata.configs!);
export const sizes: CgDetrSizes = JSON.parse(golden.metadata.sizes!);
export const objectives: Record<string, CgDetrObjective> = {
  adaptive: cgDetrObjectives['cg-detr'],
  cross: cgDetrObjectives['qd-detr'],
  joint: cgDetrObjectives['moment-detr'],
  masra: cgDetrObjectives.masra,
};
export const kinds = Object.keys(objectives);
/** Those with dummies. */
export const guided = ['adaptive', 'masra'];

export const numbers = async (name: string) => toFloat32(await golden.read(name));
export const read = async (x: Tensor) => (await x.read()) as Float32Array;

async function operand(name: string): Promise<Tensor> {
  const stored = await golden.read(`input/${name}`);
  return stored.dtype === 'i32'
    ? runtime.tensor(Uint32Array.from(stored.data as Int32Array), stored.shape, 'u32')
    : runtime.tensor(toFloat32(stored), stored.shape);
}

export const operands: GroundingOperands = {
  video: await operand('video'),
  videoMask: await operand('videoMask'),
  text: await operand('text'),
  textMask: await operand('textMask'),
};
export const targets: CgDetrTargets = {
  spans: await operand('spans'),
  spanCounts: await operand('spanCounts'),
  moments: await operand('moments'),
  levels: await operand('levels'),
  higher: await operand('higher'),
  lower: await operand('lower'),
  otherVideo: await operand('otherVideo'),
  priors: {
    events: await operand('events'),
    eventClips: await operand('eventClips'),
    captions: await operand('captions'),
    captionMask: await operand('captionMask'),
  },
};
export const [batch, clips, channels] = operands.video.shape as [number, number, number];
export const textChannels = operands.text.shape[2]!;
export const lengths = [7, 5, 6];

/** The network of the twin. */
export async function twin(kind: string): Promise<CgDetr> {
  const model = new CgDetr(runtime, configs[kind]!, sizes);
  const weights: Record<string, NumericArray> = {};
  for (const name of golden.tensors.keys()) {
    const begin = `${kind}/weight/`;
    if (name.startsWith(begin)) weights[name.slice(begin.length)] = await golden.read(name);
  }
  await model.load(await openSafetensors(encodeSafetensors(weights), kind));
  return model;
}

export const trained = (model: CgDetr, of = operands) => model.forwardForTraining(of, targets.moments);

export function losses(model: CgDetr, kind: string, of = operands, wanted = targets): LossParts {
  const outputs = model.forwardForTraining(of, wanted.moments);
  return cgDetrLosses(outputs, of.videoMask, wanted, objectives[kind]!);
}

export const total = (parts: LossParts) =>
  Object.values(parts)
    .map((part) => part.reshape([]))
    .reduce(add);

/** Only the numbers of clips that there are; the others are padding. */
export const ofClips = (values: Float32Array) =>
  values.filter((_, i) => {
    const row = Math.floor(i / (values.length / (batch * clips)));
    return row % clips < lengths[Math.floor(row / clips)]!;
  });

/** The elements of a batch, each in the place of the one before it. */
export const rolled = (x: Tensor) => concat([narrow(x, 0, 1, batch - 1), narrow(x, 0, 0, 1)], 0);

/** `rolled`, of all tensors in an object. */
export const rolledAll = <T extends object>(of: T): T =>
  Object.fromEntries(
    Object.entries(of).map(([name, x]) => [name, x instanceof Tensor ? rolled(x) : rolledAll(x)]),
  ) as T;

export function compare(actual: Float32Array, wanted: Float32Array, name: string): void {
  const error = relativeError(actual, wanted);
  assert.ok(error < 1e-4, `${name} is off by ${error}`);
}

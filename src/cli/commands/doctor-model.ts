import { totalmem } from 'node:os';
import { writeWhole } from '../../data/files/output-file.js';
import type { DeviceTraits } from '../../gpu/traits.js';
import { fitsMemory } from '../../models/mdvlm/plan/memory-plan.js';
import {
  cardSizes,
  type ModelPlan,
  modelPlan,
  type StoragePlan,
} from '../../models/mdvlm/plan/model-plan.js';
import type { PlannedDevice } from '../../models/mdvlm/plan/planned-device.js';
import { type PlannedModel, type PlannedName, plannedModels } from '../../models/mdvlm/plan/planned-model.js';
import { weightParts } from '../../models/mdvlm/plan/planned-step.js';
import { weightStorages } from '../../nn/weight-storage.js';
import { Runtime } from '../../tensor/runtime.js';
import { checkOutputs } from '../shared/outputs.js';

export interface DoctorModelOptions {
  readonly model: PlannedName;
  readonly frames?: number;
  readonly prompt?: number;
  readonly answer?: number;
  readonly json?: string;
}

/** `tal doctor --model`: what a model takes, before it is downloaded, and where it fits. */
export async function doctorModel({ model, json, ...sizes }: DoctorModelOptions): Promise<void> {
  await checkOutputs({ '--json': json });
  const runtime = await Runtime.create();
  try {
    const { traits } = runtime;
    const planned: PlannedModel = plannedModels[model];
    const plan = await modelPlan(planned, traits, sizes);
    // WebGPU does not tell how much memory a GPU has; that of a software driver is the machine's.
    const memory = traits.deviceClass === 'software' ? totalmem() : undefined;
    console.log([`${model}`, ...modelPlanLines(plan), ...adapterLines(plan, traits, memory)].join('\n'));
    if (json !== undefined) await writeWhole(json, `${JSON.stringify({ model, ...plan }, undefined, 1)}\n`);
  } finally {
    runtime.destroy();
  }
}

/** A plan for people to read. */
export function modelPlanLines(plan: ModelPlan): string[] {
  const { sizes, positions, parameters, flops, storages } = plan;
  const row = (name: string, cell: (storage: StoragePlan) => string) =>
    line(name, ...weightStorages.map((storage) => cell(storages[storage])));
  const parts = weightParts.filter((part) => parameters[part] > 0);
  const frames = sizes.frames > 0 ? `${sizes.frames} frames, ` : '';
  return [
    line('parameters', `${(parameters.total / 1e9).toFixed(3)} B`),
    ...parts.map((part) => line(`  ${part}`, `${(parameters[part] / 1e6).toFixed(1)} M`)),
    '',
    `one denoising step: ${frames}${sizes.prompt} tokens of prompt, ${sizes.answer} of answer, ${positions} positions in all`,
    line('TFLOP', tera(flops.total)),
    ...(['linear', 'attention', 'vocabulary'] as const).map((name) => line(`  ${name}`, tera(flops[name]))),
    ...(plan.visionFlops > 0
      ? [line('TFLOP of the vision encoder, once a video', tera(plan.visionFlops))]
      : []),
    '',
    line('GB (10^9 bytes), weights stored as', ...weightStorages),
    row('read by a step: weights', ({ bytesRead }) => giga(bytesRead.weights)),
    row('read by a step: activations', ({ bytesRead }) => giga(bytesRead.activations)),
    ...parts.map((part) => row(`memory: ${part}`, ({ weights }) => giga(weights[part]))),
    row('memory: activations at the peak', ({ activations }) => giga(activations)),
    row('memory: staging while it loads', ({ staging }) => giga(staging)),
    row('memory in all', ({ total }) => giga(total)),
    row('key/value cache, where one is used', ({ cache }) => giga(cache)),
    ...cardSizes.map((size) =>
      row(`fits ${size} GB, cache and all`, ({ fits, total, cache }) => {
        if (!fits.includes(size)) return 'no';
        return fitsMemory(total + cache, size * 2 ** 30) ? 'yes' : 'no cache';
      }),
    ),
  ];
}

/** Whether a plan fits the adapter at hand, whose memory is known or not. */
export function adapterLines(
  { storages }: ModelPlan,
  { description, f16, limits }: PlannedDevice & Pick<DeviceTraits, 'description'>,
  memory: number | undefined,
): string[] {
  const largest = storages[f16 ? 'f16' : 'f32'].largestWeight;
  const bindings = Math.ceil(largest.bytes / limits.maxStorageBufferBindingSize);
  return [
    '',
    `this adapter: ${description}`,
    line('largest buffer', `${giga(limits.maxBufferSize)} GB`),
    line('largest binding', `${giga(limits.maxStorageBufferBindingSize)} GB`),
    line('memory', memory === undefined ? 'not known' : `${giga(memory)} GB`),
    line('largest tensor', `${giga(largest.bytes)} GB`, ` (${largest.name}, bound in ${bindings} parts)`),
    ...weightStorages.map((storage) => {
      const { obstacle, total } = storages[storage];
      const fits = memory === undefined || fitsMemory(total, memory);
      return `  ${storage.padEnd(36)}${obstacle ?? (fits ? 'fits' : 'more than its memory')}`;
    }),
    ...(f16 ? [] : ['it has no f16: what is not quantised is f32 beside int8 and int4']),
  ];
}

const tera = (value: number) => (value / 1e12).toPrecision(4);
const giga = (bytes: number) => (bytes / 1e9).toFixed(2);

function line(name: string, ...cells: string[]): string {
  return `  ${name.padEnd(36)}${cells.map((cell) => cell.padStart(10)).join('')}`;
}

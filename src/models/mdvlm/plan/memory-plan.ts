import type { ByteSource } from '../../../data/files/byte-source.js';
import { Safetensors } from '../../../data/formats/safetensors.js';
import { FeatureError } from '../../../errors.js';
import type { GPUBuffer } from '../../../gpu/webgpu.js';
import { loadChunkBytes, loadWeights } from '../../../nn/load-weights.js';
import type { StoredWeight } from '../../../nn/stored-weight.js';
import type { WeightStorage } from '../../../nn/weight-storage.js';
import type { Runtime } from '../../../tensor/runtime.js';
import { sizeOf } from '../../../tensor/shape.js';
import { type PlannedDevice, plannedRuntime, withoutLimits } from './planned-device.js';
import { type PlannedModel, positionsOf, type StepSizes } from './planned-model.js';
import { PlannedStep, type PlannedWeight, type WeightPart, weightParts } from './planned-step.js';

/** Bytes of the device, as its buffer pool hands them out. */
export interface MemoryPlan {
  readonly weights: Readonly<Record<WeightPart, number>>;
  /**
   * All buffers between the weights, while the vision encoder runs or while the language model answers, whichever is more. What a
   * picture of the video takes as it was decoded is not in it.
   */
  readonly activations: number;
  /** What the loading of a checkpoint in bf16 needs beside the weights. */
  readonly staging: number;
  /** Keys and values of all positions, where a decoding keeps them. Not in the total. */
  readonly cache: number;
  /** Weights, and whichever is more of activations and staging. */
  readonly total: number;
  readonly largestWeight: { readonly name: string; readonly bytes: number };
  /** The largest tensor that is bound whole: weights are bound in parts, activations are not. */
  readonly largestActivation: number;
}

/**
 * The memory of denoising one answer, without guidance: what the model itself takes on a device that runs nothing.
 * @throws OptionError
 */
export async function memoryPlan(
  model: PlannedModel,
  sizes: StepSizes,
  storage: WeightStorage,
  device: PlannedDevice,
): Promise<MemoryPlan> {
  // What a device cannot run is planned all the same; `planObstacle` says what is in the way.
  const able = storage === 'f16' ? { ...device, f16: true } : device;
  const { maxStorageBufferBindingSize } = device.limits;
  const measure = (on: PlannedDevice) => measured(model, sizes, storage, on, maxStorageBufferBindingSize);
  try {
    return await measure(able);
  } catch (error) {
    if (!(error instanceof FeatureError)) throw error;
    return await measure(withoutLimits(able));
  }
}

async function measured(
  model: PlannedModel,
  sizes: StepSizes,
  storage: WeightStorage,
  device: PlannedDevice,
  bindingBytes: number,
): Promise<MemoryPlan> {
  const weightBuffers = new Set<GPUBuffer>();
  let largestActivation = 0;
  const runtime = await plannedRuntime(device, (buffer, bytes) => {
    if (!weightBuffers.has(buffer)) largestActivation = Math.max(largestActivation, bytes);
  });
  try {
    const step = new PlannedStep(runtime, model, sizes, storage);
    /** Bytes of the pool beyond so many. */
    const beyond = (bytes: number) => runtime.memory.allocatedBytes - bytes;
    await runtime.trim();
    const weights = Object.fromEntries(weightParts.map((part) => [part, 0])) as Record<WeightPart, number>;
    let largestWeight = { name: '', bytes: 0 };
    // The model has a table of angles beside its weights.
    const table = beyond(0);
    const stored = step.weights();
    for (const { part, name, weight } of stored) {
      const before = beyond(0);
      for (const { bytes, storage } of weight.tensors()) {
        weightBuffers.add(storage.buffer.buffer);
        if (bytes > largestWeight.bytes) largestWeight = { name, bytes };
      }
      weights[part] += beyond(before);
    }
    const held = beyond(table);
    const staging = await stagingBytes(runtime, stored);
    largestActivation = 0;
    // The vision encoder and the language model leave each other no free buffers (`watchVideo`, `answerVideo`).
    const watching = await runtime.capture(() => step.watch(bindingBytes));
    const watched = beyond(held);
    watching.dispose();
    await runtime.trim();
    const decoder = await step.decoder();
    const activations = Math.max(watched, beyond(held));
    decoder.dispose();
    await runtime.trim();
    const before = beyond(0);
    step.language.keyValueCache(1, positionsOf(model, sizes));
    return {
      weights,
      activations,
      staging,
      cache: beyond(before),
      total: held + Math.max(activations, table + staging),
      largestWeight,
      largestActivation,
    };
  } finally {
    runtime.destroy();
  }
}

/** What the loading of a checkpoint takes beside the weights: one of each shape is loaded, the others take no more. */
async function stagingBytes(runtime: Runtime, stored: readonly PlannedWeight[]): Promise<number> {
  const shapes = new Map(
    stored.map(({ name, weight }) => [weight.shape.join(), [name, endsOf(weight)] as const]),
  );
  const weights = new Map(shapes.values());
  const { allocatedBytes } = runtime.memory;
  const bytes = [...weights.values()].reduce((sum, { shape }) => sum + 2 * sizeOf(shape), 0);
  await loadWeights(runtime, weights, emptyCheckpoint(weights), {});
  // The driver keeps what is uploaded until the device has it.
  return runtime.memory.peakBytes - allocatedBytes + Math.min(bytes, loadChunkBytes);
}

/** A weight without the parts between its first and its last one, which take what the first took. */
function endsOf(weight: StoredWeight): StoredWeight {
  const { initial, range, partAlignment } = weight;
  const size = sizeOf(weight.shape);
  const part = partAlignment * Math.max(1, Math.floor(loadChunkBytes / 2 / partAlignment));
  return {
    ...{ initial, range, partAlignment },
    shape: [size > 2 * part ? part + (size % part || part) : size],
    fill: (start, end, write) => weight.fill(start, end, write),
    set: (elements) => weight.set(elements),
    read: () => weight.read(),
    tensors: () => weight.tensors(),
    dispose: () => weight.dispose(),
  };
}

/** Zeros in bf16 as an open checkpoint. */
function emptyCheckpoint(weights: ReadonlyMap<string, StoredWeight>): Safetensors {
  const zeros = new Uint8Array(loadChunkBytes);
  const source: ByteSource = {
    name: 'zeros',
    size: Number.MAX_SAFE_INTEGER,
    read: async (_, length) => (length > zeros.length ? new Uint8Array(length) : zeros.subarray(0, length)),
    close: async () => {},
  };
  const locations = new Map(
    [...weights].map(([name, { shape }]) => {
      const type = { dtype: 'bf16', storedDtype: 'BF16' } as const;
      return [name, { ...type, shape, byteLength: 2 * sizeOf(shape), source, offset: 0 }] as const;
    }),
  );
  return new Safetensors(source.name, { locations, metadata: {} }, [source]);
}

/** Whether so many bytes fit a device with so much memory: a tenth is left to driver and system. */
export function fitsMemory(bytes: number, capacity: number): boolean {
  return bytes <= 0.9 * capacity;
}

/** Why a device cannot run a plan whatever memory it has; undefined where nothing is in the way. */
export function planObstacle(
  { largestWeight, largestActivation }: MemoryPlan,
  storage: WeightStorage,
  { f16, limits }: PlannedDevice,
): string | undefined {
  if (storage === 'f16' && !f16) return 'it has no f16';
  if (largestWeight.bytes > limits.maxBufferSize) {
    return `${largestWeight.name} takes ${mega(largestWeight.bytes)}, its buffers ${mega(limits.maxBufferSize)} at most`;
  }
  if (largestActivation > limits.maxStorageBufferBindingSize) {
    const most = mega(limits.maxStorageBufferBindingSize);
    return `a layer must bind ${mega(largestActivation)}, it binds ${most} at most: fewer positions may do`;
  }
  return undefined;
}

const mega = (bytes: number) => `${Math.floor(bytes / 1e6)} MB`;

import { sizeClass } from '../../gpu/pool.js';
import { loadChunkBytes } from '../../nn/load-weights.js';
import { numberDtype, quantizedBits, type WeightStorage } from '../../nn/weight-storage.js';
import { dtypeBytes } from '../../tensor/dtype.js';
import { sizeOf } from '../../tensor/shape.js';
import {
  type PlannedModel,
  plannedWeights,
  storedBytes,
  type WeightPart,
  weightParts,
} from './planned-model.js';
import { positionsOf, type StepSizes } from './step-cost.js';
import { framesAtOnce, patchesAcross, tokensAcross, tokensPerFrame } from './vision-config.js';

/** What a plan must know of a device. */
export interface PlannedDevice {
  readonly f16: boolean;
  readonly limits: Pick<GPUSupportedLimits, 'maxBufferSize' | 'maxStorageBufferBindingSize'>;
}

/** Bytes of the device, as its buffer pool hands them out. */
export interface MemoryPlan {
  readonly weights: Readonly<Record<WeightPart, number>>;
  /** All buffers between the weights: those of the eyes, of the sequence, and of a layer at work. */
  readonly activations: number;
  /** What the loading needs beside the weights. */
  readonly staging: number;
  /** Keys and values of all positions, where a decoding keeps them. Not in the total. */
  readonly cache: number;
  /** Weights, and whichever is more of activations and staging. */
  readonly total: number;
  readonly largestWeight: { readonly name: string; readonly bytes: number };
  /** The largest tensor that is bound whole: weights are bound in parts, activations are not. */
  readonly largestActivation: number;
}

/** The memory of denoising one answer, without guidance. @throws OptionError */
export function memoryPlan(
  model: PlannedModel,
  sizes: StepSizes,
  storage: WeightStorage,
  device: PlannedDevice,
): MemoryPlan {
  const weights = Object.fromEntries(weightParts.map((part) => [part, 0])) as Record<WeightPart, number>;
  let largestWeight = { name: '', bytes: 0 };
  for (const weight of plannedWeights(model)) {
    for (const bytes of storedBytes(weight, storage, device)) {
      weights[weight.part] += weight.count * sizeClass(bytes);
      if (bytes > largestWeight.bytes) largestWeight = { name: weight.name, bytes };
    }
  }
  const number = dtypeBytes[numberDtype(storage, device)];
  const { keyHeads, headSize, layers } = model.language;
  const stages = [...visionStages(model, sizes, device), ...languageStages(model, sizes, storage, device)];
  const activations = pooledBytes(stages);
  const staging = pooledBytes([loadingStage(storage)]);
  const held = weightParts.reduce((sum, part) => sum + weights[part], 0);
  return {
    weights,
    activations,
    staging,
    cache: 2 * layers * sizeClass(positionsOf(model, sizes) * keyHeads * headSize * number),
    total: held + Math.max(activations, staging),
    largestWeight,
    largestActivation: Math.max(...stages.flat()),
  };
}

/** Whether a device with so much memory has room for so many bytes: a tenth is left to driver and system. */
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

/** Sizes in bytes of the tensors that live at the same time. */
type Stage = readonly number[];

const times = (count: number, bytes: number): number[] => Array(count).fill(bytes);

/**
 * What a pool allocates for stages that follow one another: a buffer serves all tensors of its class, and stays when it
 * is free.
 */
export function pooledBytes(stages: readonly Stage[]): number {
  const most = new Map<number, number>();
  for (const stage of stages) {
    const counts = new Map<number, number>();
    for (const bytes of stage) {
      const size = sizeClass(bytes);
      counts.set(size, (counts.get(size) ?? 0) + 1);
    }
    for (const [size, count] of counts) most.set(size, Math.max(count, most.get(size) ?? 0));
  }
  return [...most].reduce((sum, [size, count]) => sum + size * count, 0);
}

/** `LanguageModel.forward`, layer after layer, on one sequence. */
function languageStages(
  model: PlannedModel,
  sizes: StepSizes,
  storage: WeightStorage,
  device: PlannedDevice,
): Stage[] {
  const { hidden, heads, keyHeads, headSize, intermediate } = model.language;
  const positions = positionsOf(model, sizes);
  const dtype = numberDtype(storage, device);
  const number = dtypeBytes[dtype];
  const wide = 4 * positions * hidden;
  const input = dtype === 'f32' ? wide : number * positions * hidden;
  const [query, key] = [number * positions * heads * headSize, number * positions * keyHeads * headSize];
  const feed = number * positions * intermediate;
  // The table of rotary angles; the embeddings. Behind eyes the prompt is kept, and joined with the words of the answer.
  const prompt = model.visual ? [wide - 4 * sizes.answer * hidden] : [];
  const held = [4 * model.language.maxPositions * headSize, ...prompt, wide];
  const norm = dtype === 'f32' ? [wide] : [wide, input];
  // The embeddings and what a layer before gave; then what attention added to them.
  const [before, between] = [
    [...held, wide],
    [...held, wide, wide],
  ];
  // On tensor cores a quantised weight is numbers while it is multiplied.
  const matrices = plannedWeights(model).filter(({ part }) => part === 'linear layers');
  const numbers =
    quantizedBits(storage) && device.f16
      ? [number * Math.max(...matrices.map(({ shape }) => sizeOf(shape)))]
      : [];
  return [
    [...before, ...norm],
    [...before, input, ...times(3, query), ...numbers],
    [...before, input, query, ...times(3, key), ...numbers],
    // Queries, keys, values; attention, and the same joined; the projection of that, and the sum.
    [...before, input, ...times(3, query), ...times(2, key), wide, wide, ...numbers],
    [...between, ...norm],
    [...between, input, ...times(3, feed), wide, wide, ...numbers],
  ];
}

/** `VisualEncoder.forward`: some frames at a time. */
function visionStages({ visual }: PlannedModel, { frames }: StepSizes, { limits }: PlannedDevice): Stage[] {
  if (!visual || frames === 0) return [];
  const { vision, projector } = visual;
  const most = Math.min(frames, framesAtOnce(visual, limits.maxStorageBufferBindingSize));
  const rows = most * patchesAcross(vision) ** 2;
  const width = 4 * rows * vision.width;
  const pixels = 4 * 3 * vision.imageSize ** 2;
  const patches = 4 * rows * 3 * vision.patch ** 2;
  const projected = 4 * rows * projector.hidden;
  const pooled = 4 * tokensAcross(visual) ** 2 * projector.hidden;
  const tokens = 4 * frames * tokensPerFrame(visual) * projector.hidden;
  const parts = Math.ceil(frames / most);
  const held = [frames * pixels, ...times(parts, most * pixels), ...times(parts, most * pooled)];
  return [
    [...held, patches, patches, width, width],
    // Embeddings, input and norm; projections and their heads; attention, joined and projected.
    [...held, ...times(3, width), ...times(9, width)],
    [...held, ...times(8, width), 4 * rows * vision.intermediate],
    [...held, width, ...times(3, projected), most * pooled],
    [...held, frames * pooled, tokens, tokens],
  ];
}

/** Parts of a matrix on their way into it: as stored and uploaded, as f32, and quantised. */
function loadingStage(storage: WeightStorage): Stage {
  const elements = loadChunkBytes / 2;
  const bits = quantizedBits(storage);
  return [
    // The driver keeps what is uploaded until the device has it.
    loadChunkBytes,
    loadChunkBytes,
    ...times(bits ? 2 : 1, 4 * elements),
    ...(bits ? [(elements * bits) / 8, (2 * elements) / 64] : []),
  ];
}

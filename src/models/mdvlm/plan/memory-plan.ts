import { sizeClass } from '../../../gpu/pool.js';
import { rowsAtOnce } from '../../../nn/chunks.js';
import { loadChunkBytes } from '../../../nn/load-weights.js';
import type { WeightDtype } from '../../../nn/stored-weight.js';
import { numberDtype, quantizedBits, type WeightStorage } from '../../../nn/weight-storage.js';
import { dtypeBytes } from '../../../tensor/dtype.js';
import {
  framesAtOnce,
  patchesAcross,
  tokensAcross,
  tokensPerFrame,
  type VisualConfig,
} from '../vision/vision-config.js';
import {
  type PlannedModel,
  plannedWeights,
  storedBytes,
  type WeightPart,
  weightParts,
} from './planned-model.js';
import { positionsOf, type StepSizes } from './step-cost.js';

/** What a plan must know of a device. */
export interface PlannedDevice {
  readonly f16: boolean;
  readonly limits: { readonly maxBufferSize: number; readonly maxStorageBufferBindingSize: number };
}

/** Bytes of the device, as its buffer pool hands them out. */
export interface MemoryPlan {
  readonly weights: Readonly<Record<WeightPart, number>>;
  /**
   * All buffers between the weights, while the vision encoder runs or while the language model answers, whichever is more. What a
   * picture of the video takes as it was decoded is not in it.
   */
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
  // The vision encoder and the language model leave each other no free buffers (`watchVideo`, `answerVideo`).
  const turns = [visionStages, languageStages].map((stages) => stages(model, sizes, storage, device));
  const activations = Math.max(...turns.map(pooledBytes));
  const staging = pooledBytes([loadingStage(storage)]);
  const held = weightParts.reduce((sum, part) => sum + weights[part], 0);
  return {
    weights,
    activations,
    staging,
    cache: 2 * layers * sizeClass(positionsOf(model, sizes) * keyHeads * headSize * number),
    total: held + Math.max(activations, staging),
    largestWeight,
    largestActivation: Math.max(...turns.flat(2)),
  };
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

/** The table of rotary angles, which is made with the model. */
const tableBytes = ({ language: { maxPositions, headSize } }: PlannedModel): number =>
  4 * maxPositions * headSize;

/** All visual tokens of a video. */
const visualBytes = (visual: VisualConfig, frames: number): number =>
  4 * frames * tokensPerFrame(visual) * visual.projector.hidden;

/**
 * On tensor cores a quantised weight is numbers while it is multiplied: the largest of those whose products are of the
 * same type.
 */
function dequantizedBytes(matrix: number, storage: WeightStorage, device: PlannedDevice): number[] {
  return quantizedBits(storage) && device.f16 ? [dtypeBytes.f16 * matrix] : [];
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
  const input = number * positions * hidden;
  const [query, key] = [number * positions * heads * headSize, number * positions * keyHeads * headSize];
  // What stands before the answer, the visual tokens and the words, is joined with it in each step.
  const seen = model.visual && sizes.frames > 0 ? [visualBytes(model.visual, sizes.frames)] : [];
  const words = sizes.prompt > 0 ? [4 * sizes.prompt * hidden] : [];
  const held = [tableBytes(model), ...seen, ...words];
  // What a layer before gave, or the embeddings; then what attention added to that.
  const [before, between] = [
    [...held, wide],
    [...held, wide, wide],
  ];
  const numbers = dequantizedBytes(hidden * Math.max(intermediate, heads * headSize), storage, device);
  const feedStages = (rows: number, result: readonly number[]): Stage[] => {
    const [part, feed] = [4 * rows * hidden, number * rows * intermediate];
    return [
      [...between, ...result, ...inBothTypes(dtype, rows * hidden)],
      [...between, ...result, number * rows * hidden, ...times(3, feed), part, part, ...numbers],
    ];
  };
  const rows = rowsAtOnce(positions, hidden, intermediate);
  return [
    // Words of the answer, after those of the prefix; norms.
    [...before, ...inBothTypes(dtype, sizes.answer * hidden)],
    [...before, ...inBothTypes(dtype, positions * hidden)],
    // Queries, keys, values, and what attention makes of them.
    [...before, input, ...times(2, query), ...times(2, key), ...numbers],
    // That, the same joined, its projection, and the sum.
    [...before, input, ...times(2, query), wide, wide],
    ...(rows === positions
      ? feedStages(rows, [])
      : [...feedStages(rows, [wide]), ...feedStages(positions % rows || rows, [wide])]),
  ];
}

/** `videoPixels` and `VisualEncoder.forward`: some frames at a time. */
function visionStages(
  model: PlannedModel,
  { frames }: StepSizes,
  storage: WeightStorage,
  device: PlannedDevice,
): Stage[] {
  const { visual } = model;
  if (!visual || frames === 0) return [];
  const most = Math.min(frames, framesAtOnce(visual, device.limits.maxStorageBufferBindingSize));
  const pixels = 4 * 3 * visual.vision.imageSize ** 2;
  const all = [tableBytes(model), frames * pixels];
  const parts = Array.from({ length: Math.ceil(frames / most) }, (_, i) => Math.min(most, frames - i * most));
  const tokens = parts.map((count) => visualBytes(visual, count));
  return [
    // Frame after frame, and joined.
    [...all, ...times(frames, pixels)],
    ...parts.flatMap((count, i) =>
      partStages(visual, count, storage, device).map((stage) => [...all, ...tokens.slice(0, i), ...stage]),
    ),
    [...all, ...tokens, visualBytes(visual, frames)],
  ];
}

/** The vision encoder on frames that are looked at together. */
function partStages(
  visual: VisualConfig,
  frames: number,
  storage: WeightStorage,
  device: PlannedDevice,
): Stage[] {
  const { vision, projector } = visual;
  const dtype = numberDtype(storage, device);
  const number = dtypeBytes[dtype];
  const rows = frames * patchesAcross(vision) ** 2;
  const [width, input] = [4 * rows * vision.width, number * rows * vision.width];
  const patches = 4 * rows * 3 * vision.patch ** 2;
  const projected = 4 * rows * projector.hidden;
  const pooled = 4 * frames * tokensAcross(visual) ** 2 * projector.hidden;
  const newlines = 4 * frames * tokensAcross(visual) * projector.hidden;
  const pixels = 4 * 3 * frames * vision.imageSize ** 2;
  const widest = vision.width * Math.max(vision.intermediate, projector.hidden);
  const numbers = dequantizedBytes(widest, storage, device);
  return [
    // The part that whole patches cover, and these as rows; their embeddings, and with positions.
    [pixels, patches, patches, width, width],
    [pixels, width, ...inBothTypes(dtype, rows * vision.width)],
    // Queries, keys, values, and what attention makes of them; the same joined, its projection, and the sum.
    [pixels, width, ...times(5, input), ...numbers],
    [pixels, width, ...times(3, input), width, width],
    [pixels, width, width, ...inBothTypes(dtype, rows * vision.width)],
    [pixels, width, width, input, number * rows * vision.intermediate, width, width, ...numbers],
    [
      pixels,
      ...inBothTypes(dtype, rows * vision.width),
      number * rows * projector.hidden,
      projected,
      ...numbers,
    ],
    [projected, projected, pooled, pooled],
    [projected, pooled, newlines, visualBytes(visual, frames)],
  ];
}

/** What a norm makes of so many numbers, and what linear layers take of it. */
function inBothTypes(dtype: WeightDtype, numbers: number): number[] {
  return dtype === 'f32' ? [4 * numbers] : [4 * numbers, dtypeBytes[dtype] * numbers];
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

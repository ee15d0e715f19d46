import { numberDtype, quantizedBits, type WeightStorage } from '../../nn/weight-storage.js';
import { quantizedShapes } from '../../ops/quantization.js';
import { type Dtype, dtypeBytes } from '../../tensor/dtype.js';
import { type Shape, sizeOf } from '../../tensor/shape.js';
import { type LanguageConfig, languageConfigs } from './language-config.js';
import { videoMdvlmConfigs } from './video-config.js';
import { patchesAcross, type VisualConfig } from './vision-config.js';

/** A model as far as its sizes go. */
export interface PlannedModel {
  readonly language: LanguageConfig;
  readonly visual?: VisualConfig;
}

/** Models by name. */
export const plannedModels = {
  'llada-8b': { language: languageConfigs['llada-8b'] },
  'llada-v-8b': videoMdvlmConfigs['llada-v-8b'],
  tiny: { language: languageConfigs.tiny },
} as const satisfies Record<string, PlannedModel>;

export type PlannedName = keyof typeof plannedModels;

export const weightParts = [
  'embedding',
  'linear layers',
  'norms',
  'vocabulary matrix',
  'vision tower',
  'projector',
] as const;

export type WeightPart = (typeof weightParts)[number];

/** Weights of one shape, `count` of them. */
export interface PlannedWeights {
  readonly part: WeightPart;
  readonly name: string;
  readonly shape: Shape;
  readonly count: number;
}

/** All weights of a model. */
export function plannedWeights({ language, visual }: PlannedModel): PlannedWeights[] {
  const { hidden, layers, heads, keyHeads, headSize, intermediate, vocabulary, tied } = language;
  const [queries, keys] = [heads * headSize, keyHeads * headSize];
  const each = (part: WeightPart, name: string, count: number, ...shape: number[]): PlannedWeights => ({
    ...{ part, name, shape, count },
  });
  return [
    each('embedding', 'embed_tokens', 1, vocabulary, hidden),
    each('linear layers', 'q_proj', layers, queries, hidden),
    each('linear layers', 'k_proj and v_proj', 2 * layers, keys, hidden),
    each('linear layers', 'o_proj', layers, hidden, queries),
    each('linear layers', 'gate_proj and up_proj', 2 * layers, intermediate, hidden),
    each('linear layers', 'down_proj', layers, hidden, intermediate),
    each('norms', 'norms', 2 * layers + 1, hidden),
    ...(tied ? [] : [each('vocabulary matrix', 'lm_head', 1, vocabulary, hidden)]),
    ...(visual ? visualWeights(visual, each) : []),
  ];
}

function visualWeights(
  { vision, projector: { hidden } }: VisualConfig,
  each: (part: WeightPart, name: string, count: number, ...shape: number[]) => PlannedWeights,
): PlannedWeights[] {
  const { width, layers, patch, intermediate } = vision;
  return [
    each('vision tower', 'patch_embedding', 1, width, 3 * patch ** 2),
    each('vision tower', 'position_embedding', 1, patchesAcross(vision) ** 2, width),
    each('vision tower', 'q_proj, k_proj, v_proj and out_proj', 4 * layers, width, width),
    each('vision tower', 'fc1', layers, intermediate, width),
    each('vision tower', 'fc2', layers, width, intermediate),
    // Of the patches, four projections and fc2; scales and shifts of two norms.
    each('vision tower', 'biases and norms', 1 + (5 + 4) * layers, width),
    each('vision tower', 'bias of fc1', layers, intermediate),
    each('projector', 'mm_projector.0', 1, hidden, width),
    each('projector', 'mm_projector.2', 1, hidden, hidden),
    each('projector', 'biases and image_newline', 3, hidden),
  ];
}

/** What the elements of some weights take, all of them together. */
export function parameterCount(weights: readonly PlannedWeights[]): number {
  return weights.reduce((sum, { shape, count }) => sum + count * sizeOf(shape), 0);
}

/** The tensors that a weight is stored in, in bytes: quantised ones are two. Eyes and norms are f32. */
export function storedBytes(
  { part, shape }: PlannedWeights,
  storage: WeightStorage,
  device: { readonly f16: boolean },
): number[] {
  const dtype = numberDtype(storage, device);
  const bytes = (type: Dtype, axes: Shape) => dtypeBytes[type] * sizeOf(axes);
  const bits = quantizedBits(storage);
  if (part === 'linear layers' && bits) {
    const { values, scales } = quantizedShapes(shape as readonly [number, number], { bits, group: 64 });
    return [bytes('u32', values), bytes(device.f16 ? 'f16' : 'f32', scales)];
  }
  const isMatrix = part === 'linear layers' || part === 'embedding' || part === 'vocabulary matrix';
  return [bytes(isMatrix ? dtype : 'f32', shape)];
}

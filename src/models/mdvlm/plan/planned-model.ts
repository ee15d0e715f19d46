import { numberDtype, quantizedBits, type WeightStorage } from '../../../nn/weight-storage.js';
import { quantizedShapes } from '../../../ops/quantized/quantization.js';
import { type Dtype, dtypeBytes } from '../../../tensor/dtype.js';
import { type Shape, sizeOf } from '../../../tensor/shape.js';
import { type LanguageConfig, languageConfigs } from '../language/language-config.js';
import { videoMdvlmConfigs } from '../video/video-config.js';
import { patchesAcross, type VisualConfig, visualStorage } from '../vision/vision-config.js';

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

/**
 * How a weight is stored: `linear` as the matrices of linear layers, in as many bits as these; `number` in the type of
 * the products, as what is not quantised beside them; `f32` whatever the storage.
 */
export type WeightRole = 'linear' | 'number' | 'f32';

/** Weights of one shape, `count` of them. */
export interface PlannedWeights {
  readonly part: WeightPart;
  readonly name: string;
  readonly role: WeightRole;
  readonly shape: Shape;
  readonly count: number;
}

type Each = (name: string, role: WeightRole, count: number, ...shape: number[]) => PlannedWeights;

const each =
  (part: WeightPart): Each =>
  (name, role, count, ...shape) => ({ part, name, role, shape, count });

/** All weights of a model. */
export function plannedWeights({ language, visual }: PlannedModel): PlannedWeights[] {
  const { hidden, layers, heads, keyHeads, headSize, intermediate, vocabulary, tied } = language;
  const [queries, keys] = [heads * headSize, keyHeads * headSize];
  const linear = each('linear layers');
  return [
    each('embedding')('embed_tokens', 'number', 1, vocabulary, hidden),
    linear('q_proj', 'linear', layers, queries, hidden),
    linear('k_proj and v_proj', 'linear', 2 * layers, keys, hidden),
    linear('o_proj', 'linear', layers, hidden, queries),
    linear('gate_proj and up_proj', 'linear', 2 * layers, intermediate, hidden),
    linear('down_proj', 'linear', layers, hidden, intermediate),
    each('norms')('norms', 'f32', 2 * layers + 1, hidden),
    ...(tied ? [] : [each('vocabulary matrix')('lm_head', 'number', 1, vocabulary, hidden)]),
    ...(visual ? visualWeights(visual) : []),
  ];
}

function visualWeights({ vision, projector: { hidden } }: VisualConfig): PlannedWeights[] {
  const { width, layers, patch, intermediate } = vision;
  const [tower, projector] = [each('vision tower'), each('projector')];
  return [
    tower('patch_embedding', 'f32', 1, width, 3 * patch ** 2),
    tower('position_embedding', 'f32', 1, patchesAcross(vision) ** 2, width),
    tower('q_proj, k_proj, v_proj and out_proj', 'linear', 4 * layers, width, width),
    tower('fc1', 'linear', layers, intermediate, width),
    tower('fc2', 'linear', layers, width, intermediate),
    tower('biases of four projections and fc2', 'number', 5 * layers, width),
    tower('bias of fc1', 'number', layers, intermediate),
    // Scales and shifts of two norms.
    tower('bias of the patches, and norms', 'f32', 1 + 4 * layers, width),
    projector('mm_projector.0', 'linear', 1, hidden, width),
    projector('mm_projector.2', 'linear', 1, hidden, hidden),
    projector('biases', 'number', 2, hidden),
    projector('image_newline', 'f32', 1, hidden),
  ];
}

/** What the elements of some weights take, all of them together. */
export function parameterCount(weights: readonly PlannedWeights[]): number {
  return weights.reduce((sum, { shape, count }) => sum + count * sizeOf(shape), 0);
}

/** The tensors that a weight is stored in, in bytes: quantised ones are two. */
export function storedBytes(
  { part, role, shape }: PlannedWeights,
  storage: WeightStorage,
  device: { readonly f16: boolean },
): number[] {
  const bytes = (type: Dtype, axes: Shape) => dtypeBytes[type] * sizeOf(axes);
  const isVisual = part === 'vision tower' || part === 'projector';
  const bits = quantizedBits(isVisual ? visualStorage(storage) : storage);
  if (role === 'linear' && bits) {
    const { values, scales } = quantizedShapes(shape as readonly [number, number], { bits, group: 64 });
    return [bytes('u32', values), bytes(device.f16 ? 'f16' : 'f32', scales)];
  }
  return [bytes(role === 'f32' ? 'f32' : numberDtype(storage, device), shape)];
}

import { OptionError } from '../../../errors.js';
import { numberDtype, type WeightStorage } from '../../../nn/weight-storage.js';
import { dtypeBytes } from '../../../tensor/dtype.js';
import { sizeOf } from '../../../tensor/shape.js';
import { patchesAcross, tokensPerFrame } from '../vision/vision-config.js';
import { type PlannedModel, plannedWeights, storedBytes } from './planned-model.js';

/** What a denoising step works on. */
export interface StepSizes {
  /** Frames of the video; 0 for a model without a vision encoder. */
  readonly frames: number;
  /** Text tokens before the answer. */
  readonly prompt: number;
  /** Tokens of the answer. */
  readonly answer: number;
}

/** LLaDA-V's 32 frames where there is a vision encoder, and 256 tokens of text. */
export function defaultSizes({ visual }: PlannedModel): StepSizes {
  return { frames: visual ? 32 : 0, prompt: 128, answer: 128 };
}

/** Positions of the sequence. @throws OptionError where the model has no vision encoder for frames, or not so many positions */
export function positionsOf(
  { language, visual }: PlannedModel,
  { frames, prompt, answer }: StepSizes,
): number {
  if (frames > 0 && !visual) throw new OptionError('this model has no vision encoder: frames must be 0');
  const positions = (visual ? frames * tokensPerFrame(visual) : 0) + prompt + answer;
  if (positions > language.maxPositions) {
    throw new OptionError(`${positions} positions are over the model's ${language.maxPositions}`);
  }
  return positions;
}

/** Floating-point operations; a multiplication and its addition are two. */
export interface StepFlops {
  readonly linear: number;
  readonly attention: number;
  /** The last layer, which only answers need. */
  readonly vocabulary: number;
  readonly total: number;
}

/** Of one denoising step without guidance and without caches: one pass over the whole sequence. */
export function stepFlops(model: PlannedModel, sizes: StepSizes): StepFlops {
  const { hidden, heads, headSize, layers, vocabulary: ids } = model.language;
  const positions = positionsOf(model, sizes);
  const linear = 2 * positions * elementsOf(model, 'linear layers');
  const attention = 4 * positions ** 2 * heads * headSize * layers;
  const vocabulary = 2 * sizes.answer * hidden * ids;
  return { linear, attention, vocabulary, total: linear + attention + vocabulary };
}

/** What turns the frames into visual tokens, once for a video. */
export function visionFlops(model: PlannedModel, { frames }: Pick<StepSizes, 'frames'>): number {
  const { visual } = model;
  if (!visual) return 0;
  const { vision, projector } = visual;
  const patches = patchesAcross(vision) ** 2;
  const layer = 4 * vision.width ** 2 + 2 * vision.width * vision.intermediate;
  const matrices =
    3 * vision.patch ** 2 * vision.width +
    vision.layers * layer +
    (vision.width + projector.hidden) * projector.hidden;
  return frames * (2 * patches * matrices + 4 * patches ** 2 * vision.width * vision.layers);
}

export interface StepBytes {
  /** Each weight that takes part once; of the embedding, what stays a row of the sequence. */
  readonly weights: number;
  /** Every operand of every operation once: caches keep what is read again. */
  readonly activations: number;
}

/** What one denoising step reads at least. */
export function stepBytes(
  model: PlannedModel,
  sizes: StepSizes,
  storage: WeightStorage,
  device: { readonly f16: boolean },
): StepBytes {
  const { hidden, heads, keyHeads, headSize, intermediate, layers, tied } = model.language;
  const positions = positionsOf(model, sizes);
  const number = dtypeBytes[numberDtype(storage, device)];
  const [queries, keys] = [heads * headSize, keyHeads * headSize];
  let weights = (sizes.prompt + sizes.answer) * hidden * number;
  for (const weight of plannedWeights(model)) {
    const takesPart =
      weight.part === 'linear layers' ||
      weight.part === 'norms' ||
      weight.part === (tied ? 'embedding' : 'vocabulary matrix');
    if (!takesPart) continue;
    for (const bytes of storedBytes(weight, storage, device)) weights += weight.count * bytes;
  }
  const norm = 4 * hidden * (number === 4 ? 1 : 2);
  const sum = 2 * 4 * hidden;
  // Projections; what is turned to heads; rotary positions; attention; back from heads; the last projection.
  const attention =
    3 * hidden + (queries + 2 * keys) + (queries + keys) + (queries + 2 * keys) + queries + queries;
  const feed = 2 * hidden + 2 * intermediate + intermediate;
  const layer = 2 * (norm + sum) + number * (attention + feed);
  const last = norm * positions + number * hidden * sizes.answer;
  return { weights, activations: layers * positions * layer + last };
}

function elementsOf(model: PlannedModel, part: string): number {
  return plannedWeights(model)
    .filter((weight) => weight.part === part)
    .reduce((sum, { shape, count }) => sum + count * sizeOf(shape), 0);
}

import { integer, listOf, objectWith, onlyFields, optional, type Rule, type Rules } from '../../arguments.js';
import type { MapLayout } from '../../ops/iou-map/map-layout.js';
import { anyTensor, type Tensor } from '../../tensor/tensor.js';
import type { ScaleCondition } from './decoder.js';
import type { Words } from './fusion.js';

/** Videos with queries: V videos, Q queries. */
export interface MomentInputs {
  /** The videos, of the shape that `videoShape` gives. */
  readonly video: Tensor;
  /** (V) u32: clips of each video; those after them are padding. */
  readonly lengths: Tensor;
  readonly words: Words;
  /** (Q) u32: the video of each query. Query i is about video i where absent. */
  readonly videoOf?: Tensor | undefined;
}

/** What queries and videos are to the decoders: computed once a query. */
export interface Condition {
  readonly scales: readonly ScaleCondition[];
  /** (Q, R, A): 1 in valid cells. */
  readonly mask: Tensor;
}

/** The queries' true moments, and what the videos' clips show. */
export interface MomentTargets {
  /** (Q, G, 2) f32: start and end in clips. */
  readonly spans: Tensor;
  /** (Q) u32: how many of the G there are. */
  readonly spanCounts: Tensor;
  /** (V, N) u32: the class of action of each clip, for `recognition`. A number that is no class has no loss. */
  readonly classes?: Tensor | undefined;
}

/** Noise and time of a training step. */
export interface Corruption {
  /** (Q, R, A) standard normal. */
  readonly noise: Tensor;
  /** (Q) u32 in [0, T). */
  readonly t: Tensor;
}

export const inputRules: Rules<MomentInputs> = {
  video: anyTensor,
  lengths: anyTensor,
  words: onlyFields<Words>({ vectors: anyTensor, mask: anyTensor, counts: anyTensor }),
  videoOf: optional(anyTensor),
};

export const targetRules: Rules<MomentTargets> = {
  spans: anyTensor,
  spanCounts: anyTensor,
  classes: optional(anyTensor),
};

export const corruptionRules: Rules<Corruption> = { noise: anyTensor, t: anyTensor };

export const conditionRule: Rule<Condition> = objectWith<Condition>({
  scales: listOf(
    objectWith<ScaleCondition>({ fused: anyTensor, mask: anyTensor, prepared: optional(anyTensor) }),
  ),
  mask: anyTensor,
});

const size = integer(1, 0xffff);

export const layoutRule: Rule<MapLayout> = objectWith<MapLayout>({
  clips: size,
  scales: size,
  durations: size,
});

import {
  callback,
  integer,
  listOf,
  objectWith,
  onlyFields,
  optional,
  type Rule,
  type Rules,
} from '../../arguments.js';
import type { MapLayout } from '../../ops/iou-map/map-layout.js';
import { anyTensor } from '../../tensor/tensor.js';
import type { ScaleCondition } from './decoder.js';
import type { MomentExamples } from './examples.js';
import type { Words } from './fusion.js';
import type { Condition, Corruption, MomentInputs, MomentTargets } from './model.js';

export const inputRules: Rules<MomentInputs> = {
  video: anyTensor,
  lengths: anyTensor,
  words: onlyFields<Words>({ vectors: anyTensor, mask: anyTensor, counts: anyTensor }),
  videoOf: optional(anyTensor),
};

export const targetRules: Rules<MomentTargets> = {
  spans: anyTensor,
  spanCounts: anyTensor,
  kinds: optional(anyTensor),
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

export const examplesRule: Rule<MomentExamples> = objectWith<MomentExamples>({
  size: integer(1),
  queries: integer(1),
  words: integer(1),
  spans: integer(1),
  example: callback,
});

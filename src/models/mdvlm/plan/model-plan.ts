import {
  checkArguments,
  checkFields,
  flag,
  integer,
  objectWith,
  onlyFields,
  optional,
  type Rule,
  type Rules,
} from '../../../arguments.js';
import { type WeightStorage, weightStorages } from '../../../nn/weight-storage.js';
import { languageRule } from '../language/language-config.js';
import { visualRules } from '../vision/vision-config.js';
import { fitsMemory, type MemoryPlan, memoryPlan, type PlannedDevice, planObstacle } from './memory-plan.js';
import {
  type PlannedModel,
  parameterCount,
  plannedWeights,
  type WeightPart,
  weightParts,
} from './planned-model.js';
import {
  defaultSizes,
  positionsOf,
  type StepBytes,
  type StepFlops,
  type StepSizes,
  stepBytes,
  stepFlops,
  visionFlops,
} from './step-cost.js';

/** Sizes of GPU memory in GiB, as cards are sold. */
export const cardSizes = [8, 12, 16, 24] as const;

/** What a way to store the weights comes to. */
export interface StoragePlan extends MemoryPlan {
  readonly bytesRead: StepBytes;
  /** Those of {@link cardSizes} that hold it. */
  readonly fits: readonly number[];
  /** Why the device at hand cannot run it, apart from its memory. */
  readonly obstacle?: string;
}

export interface ModelPlan {
  readonly sizes: StepSizes;
  readonly positions: number;
  readonly parameters: Readonly<Record<WeightPart | 'total', number>>;
  /** Of one denoising step. */
  readonly flops: StepFlops;
  /** Of the vision encoder, once for a video. */
  readonly visionFlops: number;
  readonly storages: Readonly<Record<WeightStorage, StoragePlan>>;
}

const modelRule: Rule<PlannedModel> = objectWith<PlannedModel>({
  language: languageRule,
  visual: optional(onlyFields(visualRules)),
});

const deviceRule: Rule<PlannedDevice> = objectWith<PlannedDevice>({
  f16: flag,
  limits: objectWith<PlannedDevice['limits']>({
    maxBufferSize: integer(1),
    maxStorageBufferBindingSize: integer(1),
  }),
});

const sizeRules: Rules<Partial<StepSizes>> = {
  frames: optional(integer(0)),
  prompt: optional(integer(0)),
  answer: optional(integer(1)),
};

/** All that is to be known before a model is loaded. @throws OptionError */
export function modelPlan(
  model: PlannedModel,
  device: PlannedDevice,
  given: Partial<StepSizes> = {},
): ModelPlan {
  checkArguments('modelPlan', { model, device }, { model: modelRule, device: deviceRule });
  checkFields('modelPlan', given, sizeRules);
  const sizes = { ...defaultSizes(model), ...given };
  const weights = plannedWeights(model);
  const counts = weightParts.map(
    (part) => [part, parameterCount(weights.filter((weight) => weight.part === part))] as const,
  );
  const plans = weightStorages.map((storage): [WeightStorage, StoragePlan] => {
    const plan = memoryPlan(model, sizes, storage, device);
    const obstacle = planObstacle(plan, storage, device);
    const fits = cardSizes.filter((size) => fitsMemory(plan.total, size * 2 ** 30));
    const bytesRead = stepBytes(model, sizes, storage, device);
    return [storage, { ...plan, bytesRead, fits, ...(obstacle !== undefined && { obstacle }) }];
  });
  return {
    sizes,
    positions: positionsOf(model, sizes),
    parameters: {
      ...(Object.fromEntries(counts) as Record<WeightPart, number>),
      total: parameterCount(weights),
    },
    flops: stepFlops(model, sizes),
    visionFlops: visionFlops(model, sizes),
    storages: Object.fromEntries(plans) as Record<WeightStorage, StoragePlan>,
  };
}

import {
  checkArguments,
  checkFields,
  integer,
  objectWith,
  onlyFields,
  optional,
  type Rule,
  type Rules,
} from '../../../arguments.js';
import { type WeightStorage, weightStorages } from '../../../nn/weight-storage.js';
import { sizeOf } from '../../../tensor/shape.js';
import { languageRule } from '../language/language-config.js';
import { visualRules } from '../vision/vision-config.js';
import { fitsMemory, type MemoryPlan, memoryPlan, planObstacle } from './memory-plan.js';
import { deviceRule, type PlannedDevice, plannedRuntime } from './planned-device.js';
import { defaultSizes, type PlannedModel, positionsOf, type StepSizes } from './planned-model.js';
import { PlannedStep, type WeightPart, weightParts } from './planned-step.js';
import { type StepBytes, type StepCost, type StepFlops, stepCost } from './step-cost.js';

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

const sizeRules: Rules<Partial<StepSizes>> = {
  frames: optional(integer(0)),
  prompt: optional(integer(0)),
  answer: optional(integer(1)),
};

/**
 * All that is to be known before a model is loaded: what it takes and costs itself, run without elements on a device that
 * runs nothing.
 * @throws OptionError
 */
export async function modelPlan(
  model: PlannedModel,
  device: PlannedDevice,
  given: Partial<StepSizes> = {},
): Promise<ModelPlan> {
  checkArguments('modelPlan', { model, device }, { model: modelRule, device: deviceRule });
  checkFields('modelPlan', given, sizeRules);
  const sizes = { ...defaultSizes(model), ...given };
  const positions = positionsOf(model, sizes);
  const costs: StepCost[] = [];
  const plans: [WeightStorage, StoragePlan][] = [];
  for (const storage of weightStorages) {
    const plan = await memoryPlan(model, sizes, storage, device);
    const cost = await stepCost(model, sizes, storage, device);
    costs.push(cost);
    const obstacle = planObstacle(plan, storage, device);
    const fits = cardSizes.filter((size) => fitsMemory(plan.total, size * 2 ** 30));
    plans.push([
      storage,
      { ...plan, bytesRead: cost.bytes, fits, ...(obstacle !== undefined && { obstacle }) },
    ]);
  }
  const { flops, visionFlops } = costs[0]!;
  return {
    ...{ sizes, positions, parameters: await parameterCounts(model, sizes, device), flops, visionFlops },
    storages: Object.fromEntries(plans) as Record<WeightStorage, StoragePlan>,
  };
}

async function parameterCounts(
  model: PlannedModel,
  sizes: StepSizes,
  device: PlannedDevice,
): Promise<ModelPlan['parameters']> {
  const runtime = await plannedRuntime(device);
  try {
    const counts = Object.fromEntries([...weightParts, 'total'].map((part) => [part, 0]));
    for (const { part, weight } of new PlannedStep(runtime, model, sizes, 'f32').weights()) {
      for (const name of [part, 'total']) counts[name]! += sizeOf(weight.shape);
    }
    return counts as ModelPlan['parameters'];
  } finally {
    runtime.destroy();
  }
}

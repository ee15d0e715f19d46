/** Gradients, optimizers and resumable runs: `tal-webgpu/train`. What each model is trained on stands with the model. */

export { checkpoint } from '../autograd/checkpoint.js';
export { stopGradient, type ValueAndGradients, valueAndGrad } from '../autograd/value-and-grad.js';
export { AdamW, type AdamWOptions } from './adamw.js';
export {
  type BatchSampler,
  classPairBatches,
  shuffledBatches,
  weightedBatches,
} from './batch-samplers.js';
export type { BestOptions } from './best-weights.js';
export {
  constantLearningRate,
  cosineLearningRate,
  inverseSquareRootLearningRate,
  type LearningRate,
} from './learning-rate.js';
export type { OptimizerOptions } from './optimizers.js';
export { SGD, type SgdOptions } from './sgd.js';
export { train } from './train.js';
export type {
  TrainingOptions,
  TrainingProgress,
  ValidationOptions,
  ValidationResult,
} from './training-options.js';
export type { Arrays } from './training-state.js';
export type { Batch, LossParts, TrainingTask, Turn } from './training-task.js';
export type { ParameterGroup, UpdateOptions } from './update-groups.js';

/** Gradients, the optimizer, resumable runs and what each model is trained on: `tal-webgpu/train`. */

export { checkpoint } from '../autograd/checkpoint.js';
export { stopGradient, type ValueAndGradients, valueAndGrad } from '../autograd/value-and-grad.js';
export { AdamW, type AdamWOptions } from './adamw.js';
export {
  type AnsweringModel,
  AnswerObjective,
  type AnswerObjectiveOptions,
  type AnswerRoom,
  type WantedAnswer,
} from './answer-objective.js';
export { type ChatExample, chatExample } from './chat-examples.js';
export { LanguageTask, type LanguageTaskOptions } from './language-task.js';
export { constantLearningRate, cosineLearningRate, type LearningRate } from './learning-rate.js';
export { MdvlmTask } from './mdvlm-task.js';
export { MomentTask } from './moment-task.js';
export { SGD, type SgdOptions } from './sgd.js';
export { type TrainingOptions, type TrainingProgress, type TrainingTask, train } from './train.js';
export type { Arrays } from './training-state.js';

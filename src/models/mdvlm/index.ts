/** The masked-diffusion vision-language model: `tal-webgpu/models/mdvlm`. */

export { mergeWindows, type WindowDetections } from '../common/merge-windows.js';
export type { DecodedAnswers } from './decoding/answer-decoder.js';
export { AnswerLogits, type AnswerSequences, type CacheKind, cacheKinds } from './decoding/answer-logits.js';
export { type AnswerOptions, answerQuestions } from './decoding/answer-questions.js';
export {
  type AnswerPart,
  type AnswerTime,
  type AnswerWords,
  answeredActions,
  answeredSentences,
  answeredSpan,
  answeredSpans,
  answerFromText,
  answerFromTokens,
  withSpokenTimes,
} from './decoding/answers.js';
export { firstLogits, type GenerateOptions, generateTokens } from './decoding/decode.js';
export { decodeAnswer } from './decoding/decode-answer.js';
export type { AnswerSizes, DecodingOptions, TokenRules } from './decoding/decoding-options.js';
export {
  type ChatMessage,
  type ChatOptions,
  type EncodedChat,
  encodeChat,
  frameTimesText,
  IGNORED_LABEL,
  LLADA_V_SYSTEM_PROMPT,
  placeVisualTokens,
  STOP_TOKENS,
  VISUAL_ID,
  VISUAL_MARK,
} from './language/chat.js';
export { type ChatExample, chatExample } from './language/chat-examples.js';
export { type KeysAndValues, KeyValueCache, type OtherPositions } from './language/key-value-cache.js';
export {
  type LanguageConfig,
  type LanguageName,
  languageConfigs,
  parseLanguageConfig,
} from './language/language-config.js';
export { LanguageModel, type Prefix } from './language/language-model.js';
export type { ForwardOptions, LanguageModelOptions } from './language/language-options.js';
export { LanguageTask, type LanguageTaskOptions } from './language/language-task.js';
export { type LoadLanguageOptions, loadLanguageModel, readLanguageConfig } from './language/model-folder.js';
export { loadTokenizer, type TextTokenizer, Tokenizer, type TokenizerFiles } from './language/tokenizer.js';
export { type AnswerOrder, Mdvlm, type Prompt, type PromptTokens, type VisualTokenEncoder } from './mdvlm.js';
export {
  type AnsweringModel,
  type AnswerLimits,
  AnswerObjective,
  type AnswerObjectiveOptions,
  type WantedAnswer,
} from './objective/answer-objective.js';
export { type AnswerSpans, IouReward, type IouRewardOptions } from './objective/iou-reward.js';
export type { AnswerLayout, PlanOptions } from './objective/masking.js';
export { type Objective, objectives, weightedCrossEntropy } from './objective/objective.js';
export type { MemoryPlan } from './plan/memory-plan.js';
export { cardSizes, type ModelPlan, modelPlan, type StoragePlan } from './plan/model-plan.js';
export type { PlannedDevice } from './plan/planned-device.js';
export { type PlannedModel, plannedModels, type StepSizes } from './plan/planned-model.js';
export type { WeightPart } from './plan/planned-step.js';
export type { StepBytes, StepFlops } from './plan/step-cost.js';
export type { Grounding, MomentTokenConfig } from './signal/grounding.js';
export {
  makeSignalMdvlm,
  type SignalMdvlm,
  type SignalMdvlmConfig,
  type SignalMdvlmName,
  signalMdvlmConfigs,
} from './signal/signal-config.js';
export { SignalEncoder, type SignalEncoderConfig } from './signal/signal-encoder.js';
export {
  type LoadedSignalMdvlm,
  loadSignalMdvlm,
  type SignalMdvlmFile,
  saveSignalMdvlm,
} from './signal/signal-folder.js';
export {
  type SignalQuestion,
  type SignalQuestionOptions,
  SignalQuestions,
} from './signal/signal-questions.js';
export { MdvlmTask } from './signal/task.js';
export { WordVocabulary } from './signal/word-vocabulary.js';
export { TimeTokens, type TimeTokensOptions } from './time-tokens.js';
export {
  type AnswerVideoOptions,
  answerVideo,
  chatPrompt,
  MASK_MARK,
  partialAnswer,
  type SeenVideo,
  type VideoAnswer,
  videoChat,
  watchVideo,
} from './video/answer-video.js';
export {
  type LocalizeVideoOptions,
  type LocalizingStep,
  localizeVideo,
  type VideoLocalization,
  type Wanted,
  type WindowAnswer,
} from './video/localize-video.js';
export { type VideoMdvlmConfig, type VideoMdvlmName, videoMdvlmConfigs } from './video/video-config.js';
export { parseVideoMdvlmConfig } from './video/video-config-file.js';
export {
  loadVideoMdvlm,
  makeVideoMdvlm,
  readVideoMdvlmConfig,
  type VideoMdvlm,
} from './video/video-folder.js';
export { type VideoPixels, type VideoPixelsOptions, videoPixels } from './video/video-pixels.js';
export {
  type ProjectorConfig,
  tokensPerFrame,
  type VisionConfig,
  type VisualConfig,
  type VisualName,
  type VisualOptions,
  visualConfigs,
} from './vision/vision-config.js';
export { VisionTower } from './vision/vision-tower.js';
export { VisualEncoder } from './vision/visual-encoder.js';

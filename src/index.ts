// Runtime and tensors.

// Differentiation.
export { checkpoint } from './autograd/checkpoint.js';
export { stopGradient, type ValueAndGradients, valueAndGrad } from './autograd/value-and-grad.js';
// Files.
export {
  type AnnotatedVideo,
  queriedExcerpts,
  readCaptions,
  readCharades,
  readVideoActions,
  type VideoEvent,
  videosWithActions,
} from './data/annotated-video.js';
export { loadClassNames } from './data/class-names.js';
export { type Detection, writeDetections } from './data/detection-json.js';
export { type Crop, type FeatureOptions, type Features, loadFeatures } from './data/features.js';
export { HostRandom } from './data/host-random.js';
export type { QueryId, Span } from './data/json-record.js';
export { type MomentQuery, readMomentQueries } from './data/moment-queries.js';
export { type QueryRecord, readMomentPredictions } from './data/moments-jsonl.js';
export { readNpy, writeNpy } from './data/npy.js';
export { type NpzOptions, readNpz } from './data/npz.js';
export type { QuestionAnswer } from './data/question-answer.js';
export { readWrittenQuestions, type WrittenQuestion } from './data/question-lines.js';
export { type Annotation, readAnnotations, readDetections } from './data/read-detections.js';
export { type LabelledSpan, openRecordings, type Recording, type Recordings } from './data/recordings.js';
export { encodeSafetensors, openSafetensors, type Safetensors } from './data/safetensors.js';
export {
  cutIntoWindows,
  slidingWindows,
  THUMOS_WINDOWS,
  type WindowOptions,
} from './data/sliding-windows.js';
export { parseSpokenTimes } from './data/spoken-times.js';
export {
  readTemporalPredictions,
  readTemporalQuestions,
  readTemporalTraining,
  type TemporalPrediction,
  type TemporalQuestion,
} from './data/temporal-reasoning.js';
export {
  ACTIONS_QUESTION,
  actionsQuestion,
  captioningQuestion,
  eventQuestion,
  localizationQuestions,
} from './data/timed-questions.js';
export { parseTimedText, type TimedText } from './data/timed-text.js';
export { uniformFrames } from './data/uniform-frames.js';
export { openVideo, type Picture, type Video } from './data/video.js';
export { encodeMp4 } from './data/video-encode.js';
export {
  encodeWordVectors,
  loadWordVectors,
  type SentenceVectors,
  WordVectors,
  wordsOf,
} from './data/words.js';
export { type WorldVideo, worldSeed, worldVideo } from './data/world/world.js';
// Diffusion, errors.
export { GaussianDiffusion } from './diffusion/gaussian.js';
export {
  type CachedTokenLogits,
  type LastLayer,
  MaskedSampler,
  type MaskedSamplerOptions,
  maskedSequences,
  type Pass,
  type TokenLogits,
} from './diffusion/masked.js';
export * from './diffusion/schedule.js';
export * from './diffusion/unmasking.js';
export * from './errors.js';
// Metrics.
export { averagePrecision, type Candidate, evenlySpaced } from './evaluation/average-precision.js';
export { aboveFalseQueries, type Calibration, calibrate } from './evaluation/calibration.js';
export {
  ACTIVITYNET_THRESHOLDS,
  type DetectionEvaluation,
  evaluateDetection,
  type LabelledSegment,
} from './evaluation/detection.js';
export { evaluateHighlights, type JudgedHighlights } from './evaluation/highlights.js';
export {
  evaluateMoments,
  type JudgedMoment,
  meanIoU,
  type RecallRule,
  recallAt,
} from './evaluation/moments.js';
export { type ScoredSegment, type Segment, temporalIoU } from './evaluation/segments.js';
export { evaluateTemporalReasoning, type JudgedAnswer } from './evaluation/temporal-reasoning.js';
export { type SentenceExample, WindowPrior } from './evaluation/window-prior.js';
// Devices, models, layers.
export { type AdapterKind, openAdapter } from './gpu/adapter.js';
export type { Measurement } from './gpu/timing.js';
export type { DeviceClass, DeviceTraits } from './gpu/traits.js';
export {
  checkConfig,
  type MapDiffusionConfig,
  type MapDiffusionName,
  mapDiffusionConfigs,
} from './models/map-diffusion/config.js';
export {
  type EmbeddedQuery,
  type MomentExample,
  type MomentExamples,
  writeExamples,
} from './models/map-diffusion/examples.js';
export { type LocalizeMomentsOptions, localizeMoments } from './models/map-diffusion/localize.js';
export {
  type Condition,
  MapDiffusion,
  type MomentInputs,
  type MomentTargets,
} from './models/map-diffusion/model.js';
export { loadMapDiffusion, saveMapDiffusion } from './models/map-diffusion/model-folder.js';
export { type RankingOptions, rankMoments } from './models/map-diffusion/ranking.js';
export { RecordingExamples } from './models/map-diffusion/recording-examples.js';
export { refineMoment } from './models/map-diffusion/refine.js';
export { MomentSampler } from './models/map-diffusion/sampler.js';
export { WorldExamples, WorldSentences } from './models/map-diffusion/world-examples.js';
export {
  AnswerLogits,
  type AnswerSequences,
  type CacheKind,
  cacheKinds,
} from './models/mdvlm/answer-logits.js';
export { type AnswerOptions, answerQuestions } from './models/mdvlm/answer-questions.js';
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
} from './models/mdvlm/answer-video.js';
export {
  type AnswerPart,
  answeredActions,
  answeredSentences,
  answeredSpan,
  answeredSpans,
  answerFromText,
  answerFromTokens,
  withSpokenTimes,
} from './models/mdvlm/answers.js';
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
  visualPlace,
} from './models/mdvlm/chat.js';
export { firstLogits, type GenerateOptions, generateTokens } from './models/mdvlm/decode.js';
export {
  type AnswerSizes,
  type DecodedAnswer,
  type DecodingOptions,
  decodeAnswer,
  type TokenRules,
} from './models/mdvlm/decode-answer.js';
export { type AnswerSpans, IouReward, type IouRewardOptions } from './models/mdvlm/iou-reward.js';
export { KeyValueCache } from './models/mdvlm/key-value-cache.js';
export {
  type LanguageConfig,
  type LanguageName,
  languageConfigs,
  parseLanguageConfig,
} from './models/mdvlm/language-config.js';
export {
  type ForwardOptions,
  LanguageModel,
  type LanguageModelOptions,
} from './models/mdvlm/language-model.js';
export {
  type LocalizeVideoOptions,
  type LocalizingStep,
  localizeVideo,
  type VideoLocalization,
  type Wanted,
  type WindowAnswer,
} from './models/mdvlm/localize-video.js';
export {
  type AnswerLayout,
  complementOf,
  drawPlannedMask,
  drawStepRatio,
  drawUniformMask,
  type MaskWeighting,
  maskWeights,
  type PlanOptions,
} from './models/mdvlm/masking.js';
export { type AnswerOrder, type Eyes, Mdvlm, type Prompt, type PromptTokens } from './models/mdvlm/mdvlm.js';
export { mergeWindows, type WindowDetections } from './models/mdvlm/merge-windows.js';
export {
  type LoadLanguageOptions,
  loadLanguageModel,
  readLanguageConfig,
} from './models/mdvlm/model-folder.js';
export { cardSizes, type ModelPlan, modelPlan } from './models/mdvlm/model-plan.js';
export { type Objective, objectives, rewardWeight, weightedCrossEntropy } from './models/mdvlm/objective.js';
export { type PlannedModel, plannedModels } from './models/mdvlm/planned-model.js';
export {
  makeSignalMdvlm,
  type SignalMdvlm,
  type SignalMdvlmConfig,
  type SignalMdvlmName,
  signalMdvlmConfigs,
} from './models/mdvlm/signal-config.js';
export { SignalEyes, type SignalEyesConfig } from './models/mdvlm/signal-eyes.js';
export {
  type LoadedSignalMdvlm,
  loadSignalMdvlm,
  type SignalMdvlmFile,
  saveSignalMdvlm,
} from './models/mdvlm/signal-folder.js';
export { type SignalQuestion, SignalQuestions } from './models/mdvlm/signal-questions.js';
export { languageTensorName } from './models/mdvlm/tensor-names.js';
export { TimeTokens, type TimeTokensOptions } from './models/mdvlm/time-tokens.js';
export { loadTokenizer, Tokenizer, type TokenizerFiles } from './models/mdvlm/tokenizer.js';
export {
  checkVideoMdvlmConfig,
  type VideoMdvlmConfig,
  type VideoMdvlmName,
  videoMdvlmConfigs,
} from './models/mdvlm/video-config.js';
export { parseVideoMdvlmConfig } from './models/mdvlm/video-config-file.js';
export {
  loadVideoMdvlm,
  makeVideoMdvlm,
  readVideoMdvlmConfig,
  type VideoMdvlm,
} from './models/mdvlm/video-folder.js';
export {
  type VideoPixels,
  type VideoPixelsOptions,
  videoPixels,
} from './models/mdvlm/video-pixels.js';
export {
  checkVisualConfig,
  type ProjectorConfig,
  tokensPerFrame,
  type VisionConfig,
  type VisualConfig,
  type VisualName,
  type VisualOptions,
  visualConfigs,
} from './models/mdvlm/vision-config.js';
export { VisionTower } from './models/mdvlm/vision-tower.js';
export { videoMdvlmWeights, visionTowerWeights, visualWeights } from './models/mdvlm/visual-checkpoint.js';
export { VisualEncoder } from './models/mdvlm/visual-encoder.js';
export { WordVocabulary } from './models/mdvlm/word-vocabulary.js';
export { Cmcs } from './models/wtal/cmcs.js';
export { type Localization, type LocalizedAction, localizeActions } from './models/wtal/localize.js';
export {
  CMCS_ACTIVITYNET_PROPOSALS,
  CMCS_PROPOSALS,
  CO2NET_PROPOSALS,
  type ProposalOptions,
  proposeSegments,
} from './models/wtal/proposals.js';
export { Conv1d, Conv2d } from './nn/conv.js';
export { Embedding } from './nn/embedding.js';
export { GatedConv2d } from './nn/gated-conv.js';
export { constantInitial, type Initial, normalInitial, uniformFanIn } from './nn/initial.js';
export { Linear, type LinearOptions } from './nn/linear.js';
export type { LoadOptions } from './nn/load-weights.js';
export { LoraAdapter, LoraLinear, type LoraOptions } from './nn/lora.js';
export { type LoraFolder, openLora, saveLora } from './nn/lora-folder.js';
export { Lstm } from './nn/lstm.js';
export { Module, Parameter, type StoredWeight, type WeightDtype } from './nn/module.js';
export { BatchNorm1d, BatchNorm2d, GroupNorm, LayerNorm, RmsNorm } from './nn/norm.js';
export { QuantizedLinear, type QuantizedLinearLayerOptions } from './nn/quantized-linear.js';
export { QuantizedParameter } from './nn/quantized-parameter.js';
export { saveModel, saveWeights } from './nn/save-model.js';
export { type WeightStorage, weightStorages } from './nn/weight-storage.js';
// Operations.
export type { Activation } from './ops/activation.js';
export { argmax } from './ops/argmax.js';
export { attention, emptyLogSumExp } from './ops/attention.js';
export type { AttentionMask } from './ops/attention-problem.js';
export { batchNorm } from './ops/batch-norm.js';
export {
  add,
  div,
  equal,
  greater,
  greaterEqual,
  less,
  lessEqual,
  maximum,
  minimum,
  mul,
  notEqual,
  pow,
  sub,
} from './ops/binary.js';
export { broadcastTo, repeat } from './ops/broadcast-to.js';
export { cast } from './ops/cast.js';
export { channelMoments } from './ops/channel-moments.js';
export { commitTokens } from './ops/commit-tokens.js';
export { concat, stack } from './ops/concat.js';
export { conv1d, conv2d } from './ops/conv.js';
export { ddimStep } from './ops/ddim.js';
export { decodeMoments } from './ops/decode-moments.js';
export {
  allTokensBut,
  decodingState,
  finishStep,
  maskPrompt,
  readDecoding,
  tokenSet,
} from './ops/decoding.js';
export { type DequantizeOptions, dequantizeWeight } from './ops/dequantize-weight.js';
export { fill } from './ops/fill.js';
export { gateSums } from './ops/gate-sums.js';
export { gatedConv2d, gatedConv2dPartial } from './ops/gated-conv.js';
export { embedding, gather, take } from './ops/gather.js';
export { groupNorm, instanceNorm } from './ops/group-norm.js';
export { iouMap, mapMask } from './ops/iou-map.js';
export { l2Normalize } from './ops/l2-normalize.js';
export { layerNorm, rmsNorm } from './ops/layer-norm.js';
export { linearCrossEntropy } from './ops/linear-cross-entropy.js';
export { linearTokenCandidates } from './ops/linear-token-candidates.js';
export { type MapLayout, mapRows, mapScales } from './ops/map-layout.js';
export { maskedMean } from './ops/masked-mean.js';
export { linear, matmul } from './ops/matmul.js';
export { mergeMaps } from './ops/merge-maps.js';
export { pad } from './ops/pad.js';
export { permute, transpose } from './ops/permute.js';
export { philox } from './ops/philox.js';
export { place } from './ops/place.js';
export { averagePool, maxPool } from './ops/pool.js';
export { qSample } from './ops/q-sample.js';
export type { QuantizationFormat, QuantizedWeight } from './ops/quantization.js';
export {
  emptyQuantized,
  type QuantizeOptions,
  quantizedRowAlignment,
  quantizeRows,
  quantizeWeight,
} from './ops/quantize-weight.js';
export { type QuantizedLinearOptions, quantizedLinear } from './ops/quantized-linear.js';
export { Random } from './ops/random.js';
export { l2Norm, logSumExp, max, mean, min, prod, sum } from './ops/reduce.js';
export { remaskTokens } from './ops/remask-tokens.js';
export { resamplePixels } from './ops/resample-pixels.js';
export { resizeBilinear } from './ops/resize.js';
export { reverseSequence } from './ops/reverse-sequence.js';
export { rotary, rotaryTable } from './ops/rotary.js';
export { scatter } from './ops/scatter.js';
export { scatterAdd } from './ops/scatter-add.js';
export { narrow, reverse, slice, split } from './ops/slice.js';
export { logSoftmax, softmax } from './ops/softmax.js';
export { spanCandidates } from './ops/span-candidates.js';
export { stylize } from './ops/stylize.js';
export { sumTo } from './ops/sum-to.js';
export { timeEmbedding } from './ops/time-embedding.js';
export { tokenCandidates } from './ops/token-candidates.js';
export { topK } from './ops/topk.js';
export {
  abs,
  clamp,
  cos,
  exp,
  gelu,
  leakyRelu,
  log,
  neg,
  reciprocal,
  relu,
  rsqrt,
  scaleShift,
  sigmoid,
  sign,
  silu,
  sin,
  softplus,
  sqrt,
  square,
  tanh,
} from './ops/unary.js';
export { unpackHalves } from './ops/unpack-halves.js';
export { maskedFill, where } from './ops/where.js';
export { Capture } from './tensor/capture.js';
export type { Dtype } from './tensor/dtype.js';
export type { Launch } from './tensor/launch.js';
export { Runtime, type RuntimeOptions } from './tensor/runtime.js';
export type { Shape } from './tensor/shape.js';
export { Tensor } from './tensor/tensor.js';
export { AdamW, type AdamWOptions } from './training/adamw.js';
// Training.
export {
  type AnsweringModel,
  AnswerObjective,
  type AnswerObjectiveOptions,
  type AnswerRoom,
  type WantedAnswer,
} from './training/answer-objective.js';
export { type ChatExample, chatExample } from './training/chat-examples.js';
export { LanguageTask, type LanguageTaskOptions } from './training/language-task.js';
export { constantLearningRate, cosineLearningRate, type LearningRate } from './training/learning-rate.js';
export { MdvlmTask } from './training/mdvlm-task.js';
export { MomentTask } from './training/moment-task.js';
export { type TrainingOptions, type TrainingProgress, type TrainingTask, train } from './training/train.js';

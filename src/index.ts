/// <reference lib="esnext.disposable" preserve="true" />
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
} from './data/annotations/annotated-video.js';
export { loadClassNames } from './data/annotations/class-names.js';
export { type Detection, writeDetections } from './data/annotations/detection-json.js';
export { type MomentQuery, readMomentQueries } from './data/annotations/moment-queries.js';
export { type QueryRecord, readMomentPredictions } from './data/annotations/moments-jsonl.js';
export type { QuestionAnswer } from './data/annotations/question-answer.js';
export { readWrittenQuestions, type WrittenQuestion } from './data/annotations/question-lines.js';
export { type Annotation, readAnnotations, readDetections } from './data/annotations/read-detections.js';
export {
  cutIntoWindows,
  slidingWindows,
  THUMOS_WINDOWS,
  type WindowOptions,
} from './data/annotations/sliding-windows.js';
export {
  readTemporalPredictions,
  readTemporalQuestions,
  readTemporalTraining,
  type TemporalPrediction,
  type TemporalQuestion,
} from './data/annotations/temporal-reasoning.js';
export {
  ACTIONS_QUESTION,
  actionsQuestion,
  captioningQuestion,
  eventQuestion,
  localizationQuestions,
} from './data/annotations/timed-questions.js';
export type { ByteSource } from './data/files/byte-source.js';
export type { ArrayData, ArrayDtype, ArrayStorage, NumericArray, TypedArray } from './data/formats/array.js';
export { type Crop, type FeatureOptions, type Features, loadFeatures } from './data/formats/features.js';
export type { QueryId, Span } from './data/formats/json-record.js';
export { readNpy, writeNpy } from './data/formats/npy.js';
export { type NpzOptions, type OnSkipped, readNpz } from './data/formats/npz.js';
export {
  type LabelledSpan,
  openRecordings,
  type Recording,
  type Recordings,
} from './data/formats/recordings.js';
export {
  encodeSafetensors,
  openSafetensors,
  type RowRange,
  type Safetensors,
} from './data/formats/safetensors.js';
export type {
  Header as SafetensorsHeader,
  Location as TensorLocation,
  StoredTensor,
} from './data/formats/safetensors-header.js';
export { HostRandom } from './data/host-random.js';
export { parseSpokenTimes } from './data/text/spoken-times.js';
export { parseTimedText, type TimedText } from './data/text/timed-text.js';
export {
  encodeWordVectors,
  loadWordVectors,
  type SentenceVectors,
  WordVectors,
  wordsOf,
} from './data/text/words.js';
export type { FrameShape } from './data/video/frame.js';
export { uniformFrames } from './data/video/uniform-frames.js';
export { openVideo, type Picture, type TimedFrame, type Video } from './data/video/video.js';
export { encodeMp4, type VideoFormat } from './data/video/video-encode.js';
export type { ActionName, Posture } from './data/world/actions.js';
export type { ScriptedAction, ScriptOptions } from './data/world/script.js';
export type { QueryKind, WorldQuery } from './data/world/sentences.js';
export {
  type WorldOptions,
  type WorldSplit,
  type WorldVideo,
  worldSeed,
  worldVideo,
} from './data/world/world.js';
// Diffusion, errors.
export {
  type DdimLoop,
  type DdimOptions,
  type DdimSampler,
  type Denoise,
  GaussianDiffusion,
  type GaussianDiffusionOptions,
  type SamplerOptions,
} from './diffusion/gaussian.js';
export {
  type CachedTokenLogits,
  type DecodeOptions,
  type LastLayer,
  MaskedSampler,
  type MaskedSamplerOptions,
  maskedSequences,
  type Pass,
  type TokenLogits,
} from './diffusion/masked.js';
export {
  alphaBars,
  type BetaSchedule,
  betas,
  type DdimSpacing,
  ddimCoefficients,
  ddimTimes,
  noiseRoots,
} from './diffusion/schedule.js';
export {
  commitShares,
  committedFraction,
  lateStep,
  revisionFractions,
  transferCounts,
  type UnmaskingSchedule,
} from './diffusion/unmasking.js';
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
export { type PriorGuess, type SentenceExample, WindowPrior } from './evaluation/window-prior.js';
// Devices, models, layers.
export { type AdapterKind, type OpenAdapter, openAdapter } from './gpu/adapter.js';
export type {
  BufferRange,
  Command,
  CopyCommand,
  DispatchCommand,
  DispatchStep,
  Program,
  ReplayCommand,
  Step as ProgramStep,
  UploadCommand,
} from './gpu/commands.js';
export type { Gpu, GpuOptions } from './gpu/gpu.js';
export type { KernelSource } from './gpu/kernel-source.js';
export type { Kernel } from './gpu/pipelines.js';
export type { BufferPool, PooledBuffer, PoolStatistics } from './gpu/pool.js';
export type { Measurement } from './gpu/timing.js';
export type { DeviceClass, DeviceTraits, SubgroupMatrixShape } from './gpu/traits.js';
export type * from './gpu/webgpu.js';
export type {
  KernelConstants,
  KernelInterface,
  Parameter as KernelParameter,
  StorageBinding,
} from './gpu/wgsl.js';
export {
  type ClipConfig,
  type ConvStage,
  checkConfig,
  type DecoderConfig,
  type FramesConfig,
  type MapDiffusionConfig,
  type MapDiffusionName,
  mapDiffusionConfigs,
  type SignalConfig,
} from './models/map-diffusion/config.js';
export type { ScaleCondition } from './models/map-diffusion/decoder.js';
export {
  type EmbeddedQuery,
  type MomentExample,
  type MomentExamples,
  writeExamples,
} from './models/map-diffusion/examples.js';
export type { Words } from './models/map-diffusion/fusion.js';
export { type LocalizeMomentsOptions, localizeMoments } from './models/map-diffusion/localize.js';
export {
  type Condition,
  type Corruption,
  MapDiffusion,
  type MomentInputs,
  type MomentTargets,
} from './models/map-diffusion/model.js';
export {
  type LoadedMapDiffusion,
  loadMapDiffusion,
  type MapDiffusionFile,
  saveMapDiffusion,
} from './models/map-diffusion/model-folder.js';
export { type RankingOptions, rankMoments } from './models/map-diffusion/ranking.js';
export type { Recognition, RecognitionConfig } from './models/map-diffusion/recognition.js';
export type { RecordedClips } from './models/map-diffusion/recording-clips.js';
export { RecordingExamples } from './models/map-diffusion/recording-examples.js';
export { type ClipSpan, refineMoment } from './models/map-diffusion/refine.js';
export { MomentSampler, type MomentSamplerOptions } from './models/map-diffusion/sampler.js';
export { WorldExamples, WorldSentences } from './models/map-diffusion/world-examples.js';
export {
  AnswerLogits,
  type AnswerSequences,
  type CacheKind,
  cacheKinds,
} from './models/mdvlm/decoding/answer-logits.js';
export { type AnswerOptions, answerQuestions } from './models/mdvlm/decoding/answer-questions.js';
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
} from './models/mdvlm/decoding/answers.js';
export { firstLogits, type GenerateOptions, generateTokens } from './models/mdvlm/decoding/decode.js';
export {
  type AnswerSizes,
  type DecodedAnswer,
  type DecodingOptions,
  decodeAnswer,
  type TokenRules,
} from './models/mdvlm/decoding/decode-answer.js';
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
} from './models/mdvlm/language/chat.js';
export {
  type KeysAndValues,
  KeyValueCache,
  type OtherPositions,
} from './models/mdvlm/language/key-value-cache.js';
export {
  type LanguageConfig,
  type LanguageName,
  languageConfigs,
  parseLanguageConfig,
} from './models/mdvlm/language/language-config.js';
export {
  type ForwardOptions,
  LanguageModel,
  type LanguageModelOptions,
  type Prefix,
} from './models/mdvlm/language/language-model.js';
export {
  type LoadLanguageOptions,
  loadLanguageModel,
  readLanguageConfig,
} from './models/mdvlm/language/model-folder.js';
export { languageTensorName } from './models/mdvlm/language/tensor-names.js';
export {
  loadTokenizer,
  type TextTokenizer,
  Tokenizer,
  type TokenizerFiles,
} from './models/mdvlm/language/tokenizer.js';
export {
  type AnswerOrder,
  Mdvlm,
  type Prompt,
  type PromptTokens,
  type VisualTokenEncoder,
} from './models/mdvlm/mdvlm.js';
export { type AnswerSpans, IouReward, type IouRewardOptions } from './models/mdvlm/objective/iou-reward.js';
export {
  type AnswerLayout,
  complementOf,
  drawPlannedMask,
  drawStepRatio,
  drawUniformMask,
  type MaskWeighting,
  maskWeights,
  type PlanOptions,
} from './models/mdvlm/objective/masking.js';
export {
  type Objective,
  objectives,
  rewardWeight,
  weightedCrossEntropy,
} from './models/mdvlm/objective/objective.js';
export type { MemoryPlan, PlannedDevice } from './models/mdvlm/plan/memory-plan.js';
export { cardSizes, type ModelPlan, modelPlan, type StoragePlan } from './models/mdvlm/plan/model-plan.js';
export { type PlannedModel, plannedModels, type WeightPart } from './models/mdvlm/plan/planned-model.js';
export type { StepBytes, StepFlops, StepSizes } from './models/mdvlm/plan/step-cost.js';
export type { Grounding, GroundingConfig } from './models/mdvlm/signal/grounding.js';
export {
  makeSignalMdvlm,
  type SignalMdvlm,
  type SignalMdvlmConfig,
  type SignalMdvlmName,
  signalMdvlmConfigs,
} from './models/mdvlm/signal/signal-config.js';
export { SignalEncoder, type SignalEncoderConfig } from './models/mdvlm/signal/signal-encoder.js';
export {
  type LoadedSignalMdvlm,
  loadSignalMdvlm,
  type SignalMdvlmFile,
  saveSignalMdvlm,
} from './models/mdvlm/signal/signal-folder.js';
export { type SignalQuestion, SignalQuestions } from './models/mdvlm/signal/signal-questions.js';
export { WordVocabulary } from './models/mdvlm/signal/word-vocabulary.js';
export { TimeTokens, type TimeTokensOptions } from './models/mdvlm/time-tokens.js';
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
} from './models/mdvlm/video/answer-video.js';
export {
  type LocalizeVideoOptions,
  type LocalizingStep,
  localizeVideo,
  type VideoLocalization,
  type Wanted,
  type WindowAnswer,
} from './models/mdvlm/video/localize-video.js';
export { mergeWindows, type WindowDetections } from './models/mdvlm/video/merge-windows.js';
export {
  checkVideoMdvlmConfig,
  type VideoMdvlmConfig,
  type VideoMdvlmName,
  videoMdvlmConfigs,
} from './models/mdvlm/video/video-config.js';
export { parseVideoMdvlmConfig } from './models/mdvlm/video/video-config-file.js';
export {
  loadVideoMdvlm,
  makeVideoMdvlm,
  readVideoMdvlmConfig,
  type VideoMdvlm,
} from './models/mdvlm/video/video-folder.js';
export {
  type VideoPixels,
  type VideoPixelsOptions,
  videoPixels,
} from './models/mdvlm/video/video-pixels.js';
export {
  checkVisualConfig,
  type ProjectorConfig,
  tokensPerFrame,
  type VisionConfig,
  type VisualConfig,
  type VisualName,
  type VisualOptions,
  visualConfigs,
} from './models/mdvlm/vision/vision-config.js';
export { VisionTower } from './models/mdvlm/vision/vision-tower.js';
export {
  videoMdvlmWeights,
  visionTowerWeights,
  visualWeights,
} from './models/mdvlm/vision/visual-checkpoint.js';
export { VisualEncoder } from './models/mdvlm/vision/visual-encoder.js';
export { Cmcs, type CmcsConfig, type CmcsOutputs } from './models/wtal/cmcs.js';
export { type Localization, type LocalizedAction, localizeActions } from './models/wtal/localize.js';
export {
  CMCS_ACTIVITYNET_PROPOSALS,
  CMCS_PROPOSALS,
  CO2NET_PROPOSALS,
  type LocalizationScores,
  type ProposalOptions,
  type ProposedSegment,
  proposeSegments,
  type Timing,
} from './models/wtal/proposals.js';
export { Conv1d, Conv2d, type ConvLayerOptions } from './nn/conv.js';
export { Embedding } from './nn/embedding.js';
export { GatedConv2d, type GateNames } from './nn/gated-conv.js';
export { constantInitial, type Initial, normalInitial, uniformFanIn } from './nn/initial.js';
export { Linear, type LinearLayer, type LinearOptions } from './nn/linear.js';
export type { LoadOptions } from './nn/load-weights.js';
export { type LinearForwardOptions, LoraAdapter, LoraLinear, type LoraOptions } from './nn/lora.js';
export { type LoraFolder, openLora, saveLora } from './nn/lora-folder.js';
export { Lstm, type LstmOptions, type LstmResult } from './nn/lstm.js';
export { Module, Parameter, type StoredWeight, type WeightDtype } from './nn/module.js';
export {
  type AffineNorm,
  type BatchNorm,
  BatchNorm1d,
  BatchNorm2d,
  GroupNorm,
  LayerNorm,
  type NormLayerOptions,
  RmsNorm,
  type Style,
} from './nn/norm.js';
export { QuantizedLinear, type QuantizedLinearLayerOptions } from './nn/quantized-linear.js';
export { QuantizedParameter } from './nn/quantized-parameter.js';
export { saveModel, saveWeights } from './nn/save-model.js';
export { type WeightStorage, weightStorages } from './nn/weight-storage.js';
// Operations.
export type { Activation, ActivationOptions } from './ops/activation.js';
export { type ArangeOptions, arange } from './ops/array/arange.js';
export { argmax } from './ops/array/argmax.js';
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
  type Operand,
  pow,
  sub,
} from './ops/array/binary.js';
export { broadcastTo, repeat } from './ops/array/broadcast-to.js';
export { cast } from './ops/array/cast.js';
export { concat, stack } from './ops/array/concat.js';
export { fill } from './ops/array/fill.js';
export { embedding, type GatherOperands, gather, take } from './ops/array/gather.js';
export { maskedMean } from './ops/array/masked-mean.js';
export { type OneHotOptions, oneHot } from './ops/array/one-hot.js';
export { type PadOptions, pad } from './ops/array/pad.js';
export { permute, transpose } from './ops/array/permute.js';
export { type PlaceOptions, place } from './ops/array/place.js';
export { l2Norm, logSumExp, max, mean, min, prod, type ReduceOptions, sum } from './ops/array/reduce.js';
export { reverseSequence } from './ops/array/reverse-sequence.js';
export { scatter } from './ops/array/scatter.js';
export { type ScatterAddOptions, scatterAdd } from './ops/array/scatter-add.js';
export { narrow, reverse, type SliceOptions, slice, split } from './ops/array/slice.js';
export { logSoftmax, softmax } from './ops/array/softmax.js';
export { sumTo } from './ops/array/sum-to.js';
export { type TopKOutputs, topK } from './ops/array/topk.js';
export {
  abs,
  clamp,
  cos,
  exp,
  floor,
  type GeluOptions,
  gelu,
  leakyRelu,
  log,
  neg,
  reciprocal,
  relu,
  round,
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
} from './ops/array/unary.js';
export { type UnpackHalvesOptions, unpackHalves } from './ops/array/unpack-halves.js';
export { maskedFill, where } from './ops/array/where.js';
export { type AttentionOutputs, attention, emptyLogSumExp } from './ops/attention/attention.js';
export type {
  AttentionMask,
  AttentionOperands,
  AttentionOptions,
} from './ops/attention/attention-problem.js';
export { type RotaryOperands, type RotaryOptions, rotary, rotaryTable } from './ops/attention/rotary.js';
export {
  type Conv1dOptions,
  type Conv2dOptions,
  type ConvOperands,
  conv1d,
  conv2d,
} from './ops/conv/conv.js';
export type { PerAxis, WindowOptions as ConvWindowOptions } from './ops/conv/conv-geometry.js';
export { type GateSumsForwardOptions, type GateSumsOperands, gateSums } from './ops/conv/gate-sums.js';
export type { GateSumsOptions } from './ops/conv/gate-sums-gradient.js';
export {
  type GatedConv2dOptions,
  type GatedConvOperands,
  type GatedConvPartialOperands,
  type GatedConvPartialOptions,
  gatedConv2d,
  gatedConv2dPartial,
} from './ops/conv/gated-conv.js';
export { type DdimStepOptions, ddimStep } from './ops/diffusion/ddim.js';
export { qSample } from './ops/diffusion/q-sample.js';
export { type TimeEmbeddingOptions, timeEmbedding } from './ops/diffusion/time-embedding.js';
export { averagePool, maxPool } from './ops/image/pool.js';
export type { AveragePoolOptions, PerAxis as PoolPerAxis, PoolOptions } from './ops/image/pool-geometry.js';
export { type ResampleOptions, resamplePixels } from './ops/image/resample-pixels.js';
export { type ResizeOptions, resizeBilinear } from './ops/image/resize.js';
export { type DecodeMomentsOptions, decodeMoments } from './ops/iou-map/decode-moments.js';
export { type IouMapOperands, iouMap, type LayoutOptions, mapMask } from './ops/iou-map/iou-map.js';
export { type MapLayout, type MapScale, mapRows, mapScales } from './ops/iou-map/map-layout.js';
export { mergeMaps } from './ops/iou-map/merge-maps.js';
export {
  type CrossEntropyOperands,
  type CrossEntropyOptions,
  crossEntropy,
} from './ops/loss/cross-entropy.js';
export { type MeanSquaredErrorOperands, meanSquaredError } from './ops/loss/mean-squared-error.js';
export {
  type LinearCallOptions,
  type LinearOperands,
  linear,
  type MatmulOperands,
  type MatmulOptions,
  matmul,
} from './ops/matmul/matmul.js';
export { type BatchNormOperands, batchNorm } from './ops/norm/batch-norm.js';
export { type ChannelMoments, channelMoments } from './ops/norm/channel-moments.js';
export { type GroupNormOptions, groupNorm, instanceNorm } from './ops/norm/group-norm.js';
export { type L2NormalizeOptions, l2Normalize } from './ops/norm/l2-normalize.js';
export { layerNorm, rmsNorm } from './ops/norm/layer-norm.js';
export type { NormOperands, NormOptions } from './ops/norm/norm.js';
export { type StylizeOptions, stylize } from './ops/norm/stylize.js';
export { type DequantizeOptions, dequantizeWeight } from './ops/quantized/dequantize-weight.js';
export type { QuantizationFormat, QuantizedWeight } from './ops/quantized/quantization.js';
export {
  emptyQuantized,
  type QuantizeOptions,
  quantizedRowAlignment,
  quantizeRows,
  quantizeWeight,
} from './ops/quantized/quantize-weight.js';
export {
  type QuantizedLinearOperands,
  type QuantizedLinearOptions,
  quantizedLinear,
} from './ops/quantized/quantized-linear.js';
export { type PhiloxBlock, philox } from './ops/random/philox.js';
export { Random } from './ops/random/random.js';
export type { AxisOptions } from './ops/rules.js';
export {
  type CommitTokensInputs,
  type CommitTokensOptions,
  commitTokens,
} from './ops/sampling/commit-tokens.js';
export {
  type AnswerOptions as DecodedPositions,
  allTokensBut,
  type DecodingProgress,
  decodingState,
  type FinishStepOperands,
  type FinishStepOptions,
  finishStep,
  maskPrompt,
  readDecoding,
  tokenSet,
} from './ops/sampling/decoding.js';
export { type RemaskTokensInputs, remaskTokens } from './ops/sampling/remask-tokens.js';
export {
  type SpanCandidatesInputs,
  type SpanCandidatesOptions,
  spanCandidates,
} from './ops/sampling/span-candidates.js';
export { type TokenCandidatesInputs, tokenCandidates } from './ops/sampling/token-candidates.js';
export type {
  ChoiceInputs,
  ConfidenceKind,
  TokenCandidates,
  TokenCandidatesOptions,
} from './ops/sampling/token-choice.js';
export {
  type LinearCrossEntropyInputs,
  type LinearCrossEntropyOptions,
  linearCrossEntropy,
  type RowLosses,
} from './ops/vocabulary/linear-cross-entropy.js';
export {
  type LinearTokenCandidatesInputs,
  linearTokenCandidates,
} from './ops/vocabulary/linear-token-candidates.js';
export { Capture, type CapturePool } from './tensor/capture.js';
export type { Dtype, HostData, NumberSource } from './tensor/dtype.js';
export type { Launch } from './tensor/launch.js';
export type { Freeable, Owner } from './tensor/owner.js';
export { Runtime, type RuntimeOptions } from './tensor/runtime.js';
export type { Shape } from './tensor/shape.js';
export type { Shared } from './tensor/shared.js';
export type { Tape } from './tensor/tape.js';
export { type Storage, Tensor } from './tensor/tensor.js';
export type { OperationTuning, Tuning, TuningRecord } from './tensor/tuning.js';
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
export type { Arrays } from './training/training-state.js';

/** Operations on tensors: `tal-webgpu/ops`. */

export type { Activation, ActivationOptions } from './activation.js';
export { type AlignmentOperands, alignmentLogLikelihood, alignmentPosterior } from './align/alignment.js';
export { type ArangeOptions, arange } from './array/arange.js';
export { argmax } from './array/argmax.js';
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
} from './array/binary.js';
export { broadcastTo, repeat } from './array/broadcast-to.js';
export { cast } from './array/cast.js';
export { concat, stack } from './array/concat.js';
export { type CumsumOptions, cumsum } from './array/cumsum.js';
export { fill } from './array/fill.js';
export { embedding, type GatherOperands, gather, take } from './array/gather.js';
export { maskedMean } from './array/masked-mean.js';
export { type OneHotOptions, oneHot } from './array/one-hot.js';
export { type PadOptions, pad } from './array/pad.js';
export { permute, transpose } from './array/permute.js';
export { type PlaceOptions, place } from './array/place.js';
export { l2Norm, logSumExp, max, mean, min, prod, type ReduceOptions, sum } from './array/reduce.js';
export { reverseSequence } from './array/reverse-sequence.js';
export { scatter } from './array/scatter.js';
export { type ScatterAddOptions, scatterAdd } from './array/scatter-add.js';
export { narrow, reverse, type SliceOptions, slice, split } from './array/slice.js';
export { logSoftmax, softmax } from './array/softmax.js';
export { type TopKOutputs, topK } from './array/topk.js';
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
} from './array/unary.js';
export { maskedFill, where } from './array/where.js';
export {
  type LinearAssignment,
  type LinearAssignmentOperands,
  linearAssignment,
} from './assign/linear-assignment.js';
export { type AttentionOutputs, attention, emptyLogSumExp } from './attention/attention.js';
export type { AttentionMask } from './attention/attention-mask.js';
export type { AttentionOperands, AttentionOptions } from './attention/attention-problem.js';
export { type RotaryOperands, type RotaryOptions, rotary, rotaryTable } from './attention/rotary.js';
export { windowedAttention } from './attention/windowed-attention.js';
export type {
  WindowedAttentionOperands,
  WindowedAttentionOptions,
} from './attention/windowed-attention-problem.js';
export { type Conv1dOptions, type Conv2dOptions, type ConvOperands, conv1d, conv2d } from './conv/conv.js';
export type { PerAxis, WindowOptions as ConvWindowOptions } from './conv/conv-geometry.js';
export { type GatedConv2dOptions, type GatedConvOperands, gatedConv2d } from './conv/gated-conv.js';
export { type DdimStepOptions, ddimStep } from './diffusion/ddim.js';
export { qSample } from './diffusion/q-sample.js';
export { type TimeEmbeddingOptions, timeEmbedding } from './diffusion/time-embedding.js';
export { averagePool, maxPool } from './image/pool.js';
export type { AveragePoolOptions, PerAxis as PoolPerAxis, PoolOptions } from './image/pool-geometry.js';
export { type ResampleOptions, resamplePixels } from './image/resample-pixels.js';
export { type ResizeOptions, resizeBilinear } from './image/resize.js';
export { type DecodeMomentsOptions, decodeMoments } from './iou-map/decode-moments.js';
export { type IouMapOperands, iouMap, type LayoutOptions, mapMask } from './iou-map/iou-map.js';
export { type MapLayout, type MapScale, mapRows, mapScales } from './iou-map/map-layout.js';
export { lowestScore, type MergeMapsOptions, mergeMaps } from './iou-map/merge-maps.js';
export { type CrossEntropyOperands, type CrossEntropyOptions, crossEntropy } from './loss/cross-entropy.js';
export { type MeanSquaredErrorOperands, meanSquaredError } from './loss/mean-squared-error.js';
export {
  type LinearCallOptions,
  type LinearOperands,
  linear,
  type MatmulOperands,
  type MatmulOptions,
  matmul,
} from './matmul/matmul.js';
export { type BatchNormOperands, batchNorm } from './norm/batch-norm.js';
export { type GroupNormOptions, groupNorm, instanceNorm } from './norm/group-norm.js';
export { type L2NormalizeOptions, l2Normalize } from './norm/l2-normalize.js';
export { layerNorm, rmsNorm } from './norm/layer-norm.js';
export type { NormOperands, NormOptions } from './norm/norm.js';
export { type StylizeOptions, stylize } from './norm/stylize.js';
export { type DequantizeOptions, dequantizeWeight } from './quantized/dequantize-weight.js';
export type { QuantizationFormat, QuantizedWeight } from './quantized/quantization.js';
export { type QuantizeOptions, quantizeWeight } from './quantized/quantize-weight.js';
export {
  type QuantizedLinearOperands,
  type QuantizedLinearOptions,
  quantizedLinear,
} from './quantized/quantized-linear.js';
export { type PhiloxBlock, philox } from './random/philox.js';
export { Random } from './random/random.js';
export type { AxisOptions } from './rules.js';
export { type CommitTokensInputs, type CommitTokensOptions, commitTokens } from './sampling/commit-tokens.js';
export type { AnswerOptions as DecodedPositions } from './sampling/decoding.js';
export { type RemaskTokensInputs, remaskTokens } from './sampling/remask-tokens.js';
export {
  type SpanCandidatesInputs,
  type SpanCandidatesOptions,
  spanCandidates,
} from './sampling/span-candidates.js';
export { type TokenCandidatesInputs, tokenCandidates } from './sampling/token-candidates.js';
export type {
  ChoiceInputs,
  ConfidenceKind,
  TokenCandidates,
  TokenCandidatesOptions,
} from './sampling/token-choice.js';
export {
  type LinearCrossEntropyInputs,
  type LinearCrossEntropyOptions,
  linearCrossEntropy,
  type RowLosses,
} from './vocabulary/linear-cross-entropy.js';
export {
  type LinearTokenCandidatesInputs,
  linearTokenCandidates,
} from './vocabulary/linear-token-candidates.js';

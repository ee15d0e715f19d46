import { alignmentLogLikelihoodOperation, alignmentPosteriorOperation } from './align/alignment.js';
import { argmaxOperation } from './array/argmax.js';
import { binaryOperation } from './array/binary.js';
import { broadcastToOperation } from './array/broadcast-to.js';
import { castOperation } from './array/cast.js';
import { concatOperation } from './array/concat.js';
import { cumsumOperation } from './array/cumsum.js';
import { fillOperation } from './array/fill.js';
import { gatherOperation } from './array/gather.js';
import { maskedMeanOperation } from './array/masked-mean.js';
import { maskedMeanGradientOperation } from './array/masked-mean-gradient.js';
import { padOperation } from './array/pad.js';
import { permuteOperation } from './array/permute.js';
import { placeOperation } from './array/place.js';
import { reduceOperation } from './array/reduce.js';
import { reverseSequenceOperation } from './array/reverse-sequence.js';
import { scatterOperation } from './array/scatter.js';
import { scatterAddOperation } from './array/scatter-add.js';
import { sliceOperation } from './array/slice.js';
import { softmaxOperation } from './array/softmax.js';
import { softmaxGradientOperation } from './array/softmax-gradient.js';
import { topKOperation } from './array/topk.js';
import { unaryOperation } from './array/unary.js';
import { unaryGradientOperation } from './array/unary-gradient.js';
import { unpackHalvesOperation } from './array/unpack-halves.js';
import { whereOperation } from './array/where.js';
import { linearAssignmentOperation } from './assign/linear-assignment.js';
import { attentionOperation } from './attention/attention.js';
import { attentionGradientOperation } from './attention/attention-gradient.js';
import { rotaryOperation } from './attention/rotary.js';
import { windowedAttentionOperation } from './attention/windowed-attention.js';
import { windowedAttentionGradientOperation } from './attention/windowed-attention-gradient.js';
import { conv2dOperation } from './conv/conv.js';
import { conv2dWeightGradientOperation } from './conv/conv-gradient.js';
import { gateSumsOperation } from './conv/gate-sums.js';
import { gateSumsGradientOperation } from './conv/gate-sums-gradient.js';
import { gatedConv2dOperation, gatedConv2dPartialOperation } from './conv/gated-conv.js';
import { ddimStepOperation } from './diffusion/ddim.js';
import { qSampleOperation } from './diffusion/q-sample.js';
import { timeEmbeddingOperation } from './diffusion/time-embedding.js';
import { averagePoolOperation, maxPoolOperation } from './image/pool.js';
import { averagePoolGradientOperation, maxPoolGradientOperation } from './image/pool-gradient.js';
import { resamplePixelsOperation } from './image/resample-pixels.js';
import { resizeBilinearOperation } from './image/resize.js';
import { resizeBilinearGradientOperation } from './image/resize-gradient.js';
import { decodeMomentsOperation } from './iou-map/decode-moments.js';
import { iouMapOperation } from './iou-map/iou-map.js';
import { mergeMapsOperation } from './iou-map/merge-maps.js';
import { matmulOperation } from './matmul/matmul.js';
import { batchNormOperation } from './norm/batch-norm.js';
import { batchNormGradientOperation } from './norm/batch-norm-gradient.js';
import { channelMomentsOperation } from './norm/channel-moments.js';
import { channelMomentsGradientOperation } from './norm/channel-moments-gradient.js';
import { groupNormOperation } from './norm/group-norm.js';
import { l2NormalizeOperation } from './norm/l2-normalize.js';
import { layerNormOperation, rmsNormOperation } from './norm/layer-norm.js';
import { normGradientOperation } from './norm/norm-gradient.js';
import type { AnyOperation } from './op.js';
import { adamwStepOperation } from './optim/adamw-step.js';
import { clipFactorOperation, squaredPartsOperation } from './optim/gradient-norm.js';
import { sgdStepOperation } from './optim/sgd-step.js';
import { dequantizeWeightOperation } from './quantized/dequantize-weight.js';
import { quantizeWeightOperation } from './quantized/quantize-weight.js';
import { quantizedLinearOperation } from './quantized/quantized-linear.js';
import { randomOperation } from './random/random.js';
import { lstmOperation } from './recurrent/lstm.js';
import { lstmGradientOperation } from './recurrent/lstm-gradient.js';
import { commitTokensOperation } from './sampling/commit-tokens.js';
import { remaskTokensOperation } from './sampling/remask-tokens.js';
import { spanCandidatesOperation } from './sampling/span-candidates.js';
import { tokenCandidatesOperation } from './sampling/token-candidates.js';
import { linearCrossEntropyOperation } from './vocabulary/linear-cross-entropy.js';
import { linearCrossEntropyGradientOperation } from './vocabulary/linear-cross-entropy-gradient.js';
import { linearTokenCandidatesOperation } from './vocabulary/linear-token-candidates.js';

/** Every operation of the package. */
export const operations: readonly AnyOperation[] = [
  argmaxOperation,
  attentionGradientOperation,
  attentionOperation,
  batchNormGradientOperation,
  batchNormOperation,
  binaryOperation,
  broadcastToOperation,
  castOperation,
  channelMomentsGradientOperation,
  channelMomentsOperation,
  commitTokensOperation,
  concatOperation,
  conv2dOperation,
  conv2dWeightGradientOperation,
  adamwStepOperation,
  clipFactorOperation,
  sgdStepOperation,
  squaredPartsOperation,
  cumsumOperation,
  ddimStepOperation,
  decodeMomentsOperation,
  linearAssignmentOperation,
  alignmentLogLikelihoodOperation,
  alignmentPosteriorOperation,
  dequantizeWeightOperation,
  fillOperation,
  gateSumsGradientOperation,
  gateSumsOperation,
  gatedConv2dOperation,
  gatedConv2dPartialOperation,
  gatherOperation,
  groupNormOperation,
  iouMapOperation,
  l2NormalizeOperation,
  layerNormOperation,
  rmsNormOperation,
  linearCrossEntropyGradientOperation,
  linearCrossEntropyOperation,
  linearTokenCandidatesOperation,
  lstmGradientOperation,
  lstmOperation,
  maskedMeanGradientOperation,
  maskedMeanOperation,
  matmulOperation,
  mergeMapsOperation,
  normGradientOperation,
  padOperation,
  permuteOperation,
  averagePoolGradientOperation,
  averagePoolOperation,
  maxPoolGradientOperation,
  maxPoolOperation,
  placeOperation,
  qSampleOperation,
  quantizedLinearOperation,
  quantizeWeightOperation,
  randomOperation,
  reduceOperation,
  remaskTokensOperation,
  spanCandidatesOperation,
  resamplePixelsOperation,
  resizeBilinearGradientOperation,
  resizeBilinearOperation,
  reverseSequenceOperation,
  rotaryOperation,
  scatterAddOperation,
  scatterOperation,
  sliceOperation,
  softmaxGradientOperation,
  softmaxOperation,
  timeEmbeddingOperation,
  tokenCandidatesOperation,
  topKOperation,
  unaryOperation,
  unaryGradientOperation,
  unpackHalvesOperation,
  whereOperation,
  windowedAttentionGradientOperation,
  windowedAttentionOperation,
];

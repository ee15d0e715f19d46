import { argmaxOperation } from './argmax.js';
import { attentionOperation } from './attention.js';
import { attentionGradientOperation } from './attention-gradient.js';
import { batchNormOperation } from './batch-norm.js';
import { batchNormGradientOperation } from './batch-norm-gradient.js';
import { binaryOperation } from './binary.js';
import { broadcastToOperation } from './broadcast-to.js';
import { castOperation } from './cast.js';
import { channelMomentsOperation } from './channel-moments.js';
import { channelMomentsGradientOperation } from './channel-moments-gradient.js';
import { commitTokensOperation } from './commit-tokens.js';
import { concatOperation } from './concat.js';
import { conv2dOperation } from './conv.js';
import { conv2dWeightGradientOperation } from './conv-gradient.js';
import { ddimStepOperation } from './ddim.js';
import { decodeMomentsOperation } from './decode-moments.js';
import { dequantizeWeightOperation } from './dequantize-weight.js';
import { fillOperation } from './fill.js';
import { gateSumsOperation } from './gate-sums.js';
import { gateSumsGradientOperation } from './gate-sums-gradient.js';
import { gatedConv2dOperation, gatedConv2dPartialOperation } from './gated-conv.js';
import { gatherOperation } from './gather.js';
import { groupNormOperation } from './group-norm.js';
import { iouMapOperation } from './iou-map.js';
import { l2NormalizeOperation } from './l2-normalize.js';
import { layerNormOperation, rmsNormOperation } from './layer-norm.js';
import { linearCrossEntropyOperation } from './linear-cross-entropy.js';
import { linearCrossEntropyGradientOperation } from './linear-cross-entropy-gradient.js';
import { linearTokenCandidatesOperation } from './linear-token-candidates.js';
import { lstmOperation } from './lstm.js';
import { lstmGradientOperation } from './lstm-gradient.js';
import { maskedMeanOperation } from './masked-mean.js';
import { maskedMeanGradientOperation } from './masked-mean-gradient.js';
import { matmulOperation } from './matmul.js';
import { mergeMapsOperation } from './merge-maps.js';
import { normGradientOperation } from './norm-gradient.js';
import type { AnyOperation } from './op.js';
import { padOperation } from './pad.js';
import { permuteOperation } from './permute.js';
import { placeOperation } from './place.js';
import { averagePoolOperation, maxPoolOperation } from './pool.js';
import { averagePoolGradientOperation, maxPoolGradientOperation } from './pool-gradient.js';
import { qSampleOperation } from './q-sample.js';
import { quantizeWeightOperation } from './quantize-weight.js';
import { quantizedLinearOperation } from './quantized-linear.js';
import { randomOperation } from './random.js';
import { reduceOperation } from './reduce.js';
import { remaskTokensOperation } from './remask-tokens.js';
import { resamplePixelsOperation } from './resample-pixels.js';
import { resizeBilinearGradientOperation, resizeBilinearOperation } from './resize.js';
import { reverseSequenceOperation } from './reverse-sequence.js';
import { rotaryOperation } from './rotary.js';
import { scatterOperation } from './scatter.js';
import { scatterAddOperation } from './scatter-add.js';
import { sliceOperation } from './slice.js';
import { softmaxOperation } from './softmax.js';
import { softmaxGradientOperation } from './softmax-gradient.js';
import { spanCandidatesOperation } from './span-candidates.js';
import { timeEmbeddingOperation } from './time-embedding.js';
import { tokenCandidatesOperation } from './token-candidates.js';
import { topKOperation } from './topk.js';
import { unaryOperation } from './unary.js';
import { unaryGradientOperation } from './unary-gradient.js';
import { unpackHalvesOperation } from './unpack-halves.js';
import { whereOperation } from './where.js';

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
  ddimStepOperation,
  decodeMomentsOperation,
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
];
